"""A report on one unit: whatever the gradebook holds, no row of a learner of another unit is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from openpyxl import load_workbook

from qinlian.core.model import Track
from qinlian.reports.excel import write_excel
from qinlian.reports.frames.people import roster_of
from qinlian.reports.table import gradebook_table
from qinlian.roster.people import account_of
from qinlian.roster.store import RosterStore
from qinlian.roster.units import ancestors, at_or_below
from qinlian.toolpath import put_tools_on_path
from tests.roster_room import NOW, PLACES, entry
from tests.sample import COURSE, MODULE

# A gradebook of nbgrader's takes ten seconds to make.
pytestmark = pytest.mark.slow

UNITS = {f"{n}": PLACES[n % len(PLACES)] for n in range(8)}
GONE = "7"


@pytest.fixture(scope="module")
def db_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Eight learners of four units, one of whom left, and one whom the roster does not know; all handed in."""
    put_tools_on_path()
    url = f"sqlite:///{tmp_path_factory.mktemp('scope') / 'gradebook.db'}"
    store = RosterStore(url)
    store.apply([entry(number, f"姓名{number}", unit) for number, unit in UNITS.items()], NOW)
    store.archive(account_of(GONE), NOW)
    with Gradebook(url, "qinlian") as gb:
        gb.add_assignment(MODULE.id)
        gb.add_notebook(MODULE.id, MODULE.id)
        gb.add_grade_cell("90-exam", MODULE.id, MODULE.id, max_score=100, cell_type="code")
        gb.add_student("demo01", last_name="演示", first_name=PLACES[0])
        for student in gb.students:
            gb.add_submission(MODULE.id, student.id, timestamp=NOW.replace(tzinfo=None))
            grade = gb.find_grade("90-exam", MODULE.id, MODULE.id, student.id)
            grade.auto_score, grade.needs_manual_grade = 90, False
        gb.db.commit()
    return url


def accounts(unit: str) -> list[str]:
    return [account_of(number) for number, path in UNITS.items() if number != GONE and at_or_below(path, unit)]


@pytest.mark.parametrize("unit", sorted({one for path in PLACES for one in (path, *ancestors(path))}))
def test_a_unit_has_the_rows_of_its_people_and_nobody_elses(db_url: str, unit: str, tmp_path: Path) -> None:
    table = gradebook_table(db_url, COURSE, roster_of(db_url).scope(unit))
    assert list(table["学员"]) == accounts(unit)
    assert all(at_or_below(path, unit) for path in table["单位"])
    write_excel(table, tmp_path / "成绩.xlsx")
    cells = [str(c.value) for row in load_workbook(tmp_path / "成绩.xlsx").worksheets[0].iter_rows() for c in row]
    outside = {f"姓名{number}" for number, path in UNITS.items() if not at_or_below(path, unit)}
    assert not outside & set(cells)


def test_everything_has_also_whom_the_roster_does_not_know(db_url: str) -> None:
    table = gradebook_table(db_url, COURSE).set_index("学员")
    assert list(table.index) == ["demo01", *accounts(PLACES[3])]
    assert (table.loc["demo01", "姓名"], table.loc["demo01", "单位"]) == ("演示", PLACES[0])
    assert (table.loc["ql0", "姓名"], table.loc["ql0", "单位"]) == ("姓名0", PLACES[0])
    assert dict(table["得分"]) == dict.fromkeys(table.index, 90.0)


def test_who_left_is_listed_only_when_asked_for(db_url: str) -> None:
    everybody = gradebook_table(db_url, COURSE, roster_of(db_url).scope(PLACES[3]), archived=True)
    assert set(everybody["学员"]) - set(accounts(PLACES[3])) == {account_of(GONE)}


def test_a_learner_whose_track_is_known_has_its_modules_and_pass_mark(db_url: str) -> None:
    RosterStore(db_url).apply(
        [entry("0", "姓名0", PLACES[0], track="教师"), entry("1", "姓名1", PLACES[1], track="无")], NOW
    )
    tracks = (Track(name="教师", modules=(MODULE.id,), pass_mark=95), Track(name="无", modules=()))
    course = COURSE.model_copy(update={"tracks": tracks})
    table = gradebook_table(db_url, course).set_index("学员")
    assert "ql1" not in table.index
    assert table.loc["ql0", "获得学时"] == 0.0
    assert table.loc["ql2", "获得学时"] == MODULE.hours
