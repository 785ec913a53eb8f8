"""Nobody sees a row, a name or a count of a branch that is not theirs, whatever they ask for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

import qinlian.staff
from qinlian.database import writing
from qinlian.errors import GradingError
from qinlian.grading import tables
from qinlian.grading.response_tables import ARRIVAL
from qinlian.reports.states import STATES
from qinlian.roster.store import read_roster
from qinlian.roster.tables import PERSON, UNIT
from qinlian.roster.units import at_or_below
from qinlian.staff.extensions import extend, extensions, find_learner, take_back
from qinlian.staff.marking import waiting
from qinlian.staff.overview import overview
from qinlian.staff.report import IDLE, Filter, chosen, every_name, every_row, names_of, page_of
from qinlian.staff.scope import units, viewer_of
from qinlian.staff.viewer import Viewer
from tests.postgres import running_postgres
from tests.staff_room import GIFTS, NOW, PLAN, START, Book, viewer

NAMES = ("青禾", "青禾二校", "A", "a", "%", "_", "青_", "é")
"""Names that a careless comparison takes for each other: wildcards, capitals, beginnings."""
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
PEOPLE = st.lists(
    st.tuples(PATHS, st.sampled_from(("学员", "学员", "学员", "教师")), st.booleans(), st.integers(0, 4)),
    min_size=1,
    max_size=8,
)


def _clear(book: Book) -> None:
    """Back to a gradebook of modules alone."""
    with writing(book.engine) as connection:
        for table in (tables.GRADE, tables.SUBMITTED_NOTEBOOK, tables.SUBMITTED_ASSIGNMENT, ARRIVAL, PERSON, UNIT):
            connection.execute(delete(table))
    book._units.clear()


def _fill(book: Book, people: Any) -> dict[str, tuple[str, str, bool, int]]:
    """One submission or none of each: what stands in the gradebook, account by account."""
    stands = {}
    for number, (unit, role, gone, how) in enumerate(people):
        account = book.add(f"n{number}", unit, role=role, gone=gone)
        stands[account] = (unit, role, gone, how)
        if how == 1:
            book.arrive(account, START)
        elif how == 2:
            book.grade(account, START, 60, None, waits=True)
        elif how == 3:
            book.grade(account, START, 80, 20)
        elif how == 4:
            book.grade(account, GIFTS, 10, 2)
    return stands


def _check(book: Book, who: Viewer, below: str, stands: dict[str, tuple[str, str, bool, int]]) -> None:
    """Every way of reading gives exactly what this person may see of what is asked for."""
    mine = {
        account
        for account, (unit, role, gone, _) in stands.items()
        if role == "学员"
        and not gone
        and (who.role == "管理员" or (who.role == "教师" and who.unit and at_or_below(unit, who.unit)))
        and (not below or at_or_below(unit, below))
    }
    states = {
        (account, module.id): _state(stands[account][3], module is START) for account in mine for module in PLAN.modules
    }
    with book.engine.connect() as connection:
        found = overview(connection, who, PLAN, below=below)
        assert found.total.learners == len(mine)
        assert found.total.given == sum(state != "未开始" for state in states.values())
        assert found.total.idle == sum(stands[account][3] == 0 for account in mine)
        assert {u.path for u in found.units} <= set(units(connection, who, below))
        for state in ("", *STATES):
            asked = Filter(below=below, state=state)
            accounts = chosen(connection, who, PLAN, asked)
            rows = page_of(connection, who, PLAN, asked, accounts, 1).rows
            wanted = {key for key, value in states.items() if state in ("", value)}
            assert {(row.learner.account, row.module.id) for row in rows} == wanted
            assert all(row.state == states[row.learner.account, row.module.id] for row in rows)
            assert [*every_row(book.engine, who, PLAN, asked)] == [*rows]
        idle = Filter(below=below, state=IDLE)
        names = names_of(connection, who, PLAN, idle, chosen(connection, who, PLAN, idle), 1).learners
        assert {one.account for one in names} == {a for a in mine if stands[a][3] == 0}
        assert [*every_name(book.engine, who, PLAN, idle)] == [*names]
        open_, count = waiting(connection, who, PLAN, Filter(below=below))
        assert len(open_) == count == sum(value == "待评阅" for value in states.values())


def _state(how: int, start: bool) -> str:
    if start:
        return {1: "已提交", 2: "待评阅", 3: "已评分"}.get(how, "未开始")
    return "已评分" if how == 4 else "未开始"


VIEWERS = st.one_of(
    st.builds(viewer, PATHS),
    st.builds(viewer, PATHS, st.just("管理员")),
    st.just(viewer("")),
    st.just(viewer("A", "学员")),
)


@pytest.fixture(scope="module")
def sqlite_book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return Book.fresh(tmp_path_factory.mktemp("scope"))


@pytest.fixture(scope="module")
def postgres_book() -> Iterator[Book]:
    with running_postgres() as url:
        book = Book(url)
        yield book
        book.engine.dispose()


HARD = tuple(
    (unit, "学员", False, how)
    for how, unit in enumerate(("青禾/a", "青禾/A", "青禾二校", "青_/%", "青禾", "a", "A", "%"), start=-3)
)


@pytest.mark.parametrize("unit", ["青禾", "青禾/a", "青_", "A", "%"])
def test_names_that_are_nearly_the_same_are_kept_apart(tmp_path: Path, unit: str) -> None:
    book = Book.fresh(tmp_path)
    stands = _fill(book, [(path, role, gone, max(0, how)) for path, role, gone, how in HARD])
    _check(book, viewer(unit), "", stands)


@pytest.mark.parametrize("role", ["教师", "管理员"])
@pytest.mark.parametrize("unit", ["青禾", "青禾/a", "A"])
def test_the_rule_is_the_rosters_own(tmp_path: Path, unit: str, role: str) -> None:
    """``qinlian report --unit`` and the pages let the same people be seen."""
    book = Book.fresh(tmp_path)
    _fill(book, HARD)
    book.add("t", unit, role=role)
    with book.engine.connect() as connection:
        roster = read_roster(connection)
        scope = roster.scope_of(roster.by_account["qlt"])
        rows = chosen(connection, viewer(unit, role), PLAN, Filter())
    assert set(rows) == {one.account for one in roster.people if one.learns and scope.admits(one.account)}


class TestWhateverTheTree:
    @pytest.mark.slow
    @settings(max_examples=15, deadline=None)
    @given(people=PEOPLE, who=VIEWERS, below=st.one_of(st.just(""), PATHS))
    def test_sqlite(self, sqlite_book: Book, people: Any, who: Viewer, below: str) -> None:
        _clear(sqlite_book)
        _check(sqlite_book, who, below, _fill(sqlite_book, people))

    @pytest.mark.slow
    @settings(max_examples=15, deadline=None)
    @given(people=PEOPLE, who=VIEWERS, below=st.one_of(st.just(""), PATHS))
    def test_postgresql(self, postgres_book: Book, people: Any, who: Viewer, below: str) -> None:
        _clear(postgres_book)
        _check(postgres_book, who, below, _fill(postgres_book, people))


class TestWhoIsLooking:
    @pytest.fixture
    def book(self, tmp_path: Path) -> Book:
        return Book.fresh(tmp_path)

    def test_a_teacher_and_an_office_are_known_by_account(self, book: Book) -> None:
        one, two = book.add("T1", "甲/乙", "吴思齐", role="教师"), book.add("t2", "甲", role="管理员")
        with book.engine.connect() as connection:
            assert viewer_of(connection, one) == Viewer("qlt1", "吴思齐", "教师", "甲/乙")
            assert viewer_of(connection, two).sees_all

    @pytest.mark.parametrize("account", ["ql1", "qlgone", "qlnobody", "", "qlT1", "qlt1' OR '1'='1"])
    def test_nobody_else_is(self, book: Book, account: str) -> None:
        book.add("1", "甲")
        book.add("T1", "甲", role="教师")
        book.add("gone", "甲", role="教师", gone=True)
        with book.engine.connect() as connection:
            assert viewer_of(connection, account) is None

    @pytest.mark.parametrize(
        ("unit", "role", "may"),
        [
            ("甲", "教师", True),
            ("甲/乙", "教师", False),
            ("", "教师", False),
            ("甲/乙", "管理员", True),
            ("甲", "学员", False),
        ],
    )
    def test_only_the_top_publishes(self, unit: str, role: str, may: bool) -> None:
        assert viewer(unit, role).may_release is may


class TestOtherPeoplesIds:
    """A 工号 of another branch does as little as one that does not exist, and is told of in the same words."""

    @pytest.fixture
    def book(self, tmp_path: Path) -> Book:
        book = Book.fresh(tmp_path)
        book.due(START, NOW)
        book.add("mine", "甲/乙")
        book.add("theirs", "甲/丙")
        return book

    @pytest.mark.parametrize("number", ["theirs", "THEIRS", "nobody", "", "%", "mine' OR '1'='1"])
    def test_no_time_is_given(self, book: Book, number: str) -> None:
        later = NOW.replace(year=2027)
        with pytest.raises(GradingError, match="没有找到这个工号"):
            extend(book.engine, viewer("甲/乙"), PLAN, number, START.id, later.astimezone())
        with pytest.raises(GradingError, match="没有找到这个工号"):
            take_back(book.engine, viewer("甲/乙"), PLAN, number, START.id)
        with book.engine.connect() as connection:
            assert extensions(connection, viewer("甲", "管理员"), PLAN) == ()

    def test_nor_is_time_taken_back_or_listed(self, book: Book) -> None:
        extend(book.engine, viewer("甲"), PLAN, "theirs", START.id, NOW.replace(year=2027).astimezone())
        with pytest.raises(GradingError, match="没有找到这个工号"):
            take_back(book.engine, viewer("甲/乙"), PLAN, "theirs", START.id)
        with book.engine.connect() as connection:
            assert extensions(connection, viewer("甲/乙"), PLAN) == ()
            assert len(extensions(connection, viewer("甲/丙"), PLAN)) == 1

    def test_ones_own_is_found_however_it_is_written(self, book: Book) -> None:
        with book.engine.connect() as connection:
            assert find_learner(connection, viewer("甲/乙"), PLAN, " MINE ").account == "qlmine"


def test_the_accounts_of_a_page_are_looked_at_again(tmp_path: Path) -> None:
    """A list of accounts that was kept, or mixed up, shows nobody whom the roster does not let be seen now."""
    book = Book.fresh(tmp_path)
    mine, theirs = book.add("1", "甲/乙"), book.add("2", "甲/丙")
    with book.engine.connect() as connection:
        page = page_of(connection, viewer("甲/乙"), PLAN, Filter(), (mine, theirs), 1)
        names = names_of(connection, viewer("甲/乙"), PLAN, Filter(), (mine, theirs), 1)
    assert {row.learner.account for row in page.rows} == {mine}
    assert [one.account for one in names.learners] == [mine]


def test_people_and_units_are_read_in_one_place_only() -> None:
    """Other modules of the pages cannot even name the tables of people."""
    folder = Path(qinlian.staff.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            if isinstance(node, ast.ImportFrom) and node.module == "qinlian.roster.tables":
                assert path.name == "scope.py" or (path.name, names) == ("book.py", {"METADATA"})
            assert "STUDENT" not in names, path
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.startswith("qinlian_"), path
