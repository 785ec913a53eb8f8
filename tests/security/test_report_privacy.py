"""Trying to break what the class report promises: no name under the self-check, nothing of few, nothing by subtraction.

And what people call themselves and their units stays a text, on the page and in the workbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import create_engine, update

from qinlian.items.selfcheck.scale import SMALLEST_GROUP
from qinlian.reports.frames.people import roster_of
from qinlian.reports.groups import MERGED
from qinlian.reports.page.gather import Facts, gather
from qinlian.reports.page.render import render
from qinlian.reports.page.shares import Shares
from qinlian.reports.page.workbook import write_workbook
from qinlian.reports.table import gradebook_table
from qinlian.roster.people import account_of
from qinlian.roster.store import RosterStore
from qinlian.roster.tables import PERSON
from qinlian.roster.units import ancestors
from tests.classroom import Classroom
from tests.report_room import COURSE, HOUSING, NOW, SIZES, STREET, entries, report_room

# A class is made for these: ten seconds.
pytestmark = pytest.mark.slow

PLACES = sorted({one for unit in SIZES for one in (unit, *ancestors(unit))})
ANONYMOUS = ("topics", "rules", "items", "gain", "risks")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return report_room(tmp_path_factory.mktemp("privacy"))


@pytest.fixture(autouse=True)
def no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page says does not depend on its font, which takes seconds to cut."""
    monkeypatch.setattr("qinlian.reports.page.render.font_faces", lambda *_: "")


def read(room: Classroom, unit: str = "", *, archived: bool = False) -> Facts:
    roster = roster_of(room.db_url)
    return gather(room.root, COURSE, *((roster.scope(unit), unit) if unit else ()), archived=archived)


@pytest.fixture(scope="module")
def reports(room: Classroom) -> dict[str, Facts]:
    """The report on everything and on every unit there is."""
    return {unit: read(room, unit) for unit in ("", *PLACES)}


class Sections(HTMLParser):
    """The text of each section of a page, and every tag and attribute that it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, str] = {}
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "section":
            self._inside = dict(attrs).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data


def people(found: Shares) -> dict[tuple[str, str], int]:
    """(topic, group) → people."""
    return {(row.key, row.group): int(row.people) for row in found.itertuples()}


def test_no_name_number_or_account_stands_where_nobody_is_to_be_named(reports: dict[str, Facts]) -> None:
    for facts in reports.values():
        texts = Sections(render(facts).html).texts
        # Of a small unit there is no section on its gain.
        assert set(ANONYMOUS) - {"gain", "risks"} <= texts.keys()
        told = "".join(texts.get(name, "") for name in ANONYMOUS)
        for entry in entries():
            assert entry.name not in told
            assert account_of(entry.number) not in told
            assert not re.search(rf"\b{entry.number}\b", told)


def test_nothing_of_one_persons_self_check_is_on_the_page_or_in_the_workbook(tmp_path: Path) -> None:
    room = report_room(tmp_path)
    engine = create_engine(room.db_url)
    with engine.begin() as connection:
        changed = connection.exec_driver_sql(
            "UPDATE qinlian_response SET spoken = '一个人自己说的', value = json_set(value, '$.note', '一个人自己写的')"
            " WHERE quiz = '90-check' AND answered"
        )
    engine.dispose()
    assert changed.rowcount > 0
    facts = read(room)
    assert facts.risks, "they are counted all the same"
    book = tmp_path / "报表.xlsx"
    write_workbook(facts, gradebook_table(room.root, COURSE), book)
    cells = [str(cell) for sheet in load_workbook(book) for row in sheet.iter_rows(values_only=True) for cell in row]
    assert "一个人自己" not in "".join((render(facts).html, *cells))


def test_every_figure_is_of_five_people_or_more(reports: dict[str, Facts]) -> None:
    assert all(len(found) for found in (reports[""].topics, reports[""].rules, reports[""].risks))
    for facts in reports.values():
        for found in (facts.topics, facts.rules):
            assert all(count >= SMALLEST_GROUP for count in people(found).values())
        assert all(group.people >= SMALLEST_GROUP for group in facts.risks)
        assert all(risk.people >= SMALLEST_GROUP for group in facts.risks for risk in group.risks)
        assert facts.gain is None or facts.gain.n >= SMALLEST_GROUP


@pytest.mark.parametrize("unit", [HOUSING, STREET])
def test_a_unit_of_four_is_told_nothing_of(reports: dict[str, Facts], unit: str) -> None:
    facts = reports[unit]
    assert len(facts.learners) == 4
    assert (len(facts.topics), len(facts.rules), list(facts.risks), facts.gain) == (0, 0, [], None)


def test_subtracting_a_report_from_one_above_it_leaves_nobody_or_five(reports: dict[str, Facts]) -> None:
    pairs = [
        (top, unit) for top in reports for unit in reports if unit != top and (not top or unit.startswith(top + "/"))
    ]
    assert len(pairs) > 20
    for kind in ("topics", "rules"):
        for top, unit in pairs:
            above, below = people(getattr(reports[top], kind)), people(getattr(reports[unit], kind))
            for topic in {key for key, _ in above}:
                sums = [sum(n for (key, _), n in told.items() if key == topic) for told in (above, below)]
                assert sums[0] == sums[1] or sums[0] - sums[1] >= SMALLEST_GROUP
    for top, unit in pairs:
        counts = [facts.gain.n if facts.gain else 0 for facts in (reports[top], reports[unit])]
        assert counts[0] == counts[1] or counts[0] - counts[1] >= SMALLEST_GROUP


def test_any_sum_of_units_less_any_other_leaves_nobody_or_five(reports: dict[str, Facts]) -> None:
    """With what is told of each unit one may add and subtract at will: groups are whole everywhere."""
    for kind in ("topics", "rules"):
        every = people(getattr(reports[""], kind))
        told = [people(getattr(facts, kind)) for unit, facts in reports.items() if unit]
        assert any(told)
        assert all(one.items() <= every.items() for one in told)


def test_who_left_cannot_be_found_by_asking_with_and_without_them(tmp_path: Path) -> None:
    room = report_room(tmp_path)
    before = read(room)
    gone = account_of(entries()[0].number)
    RosterStore(room.db_url).archive(gone, NOW)
    without, with_them = read(room), read(room, archived=True)
    assert len(with_them.learners) == len(without.learners) + 1
    for kind in ("topics", "rules", "item_table"):
        assert getattr(without, kind).equals(getattr(with_them, kind))
        assert getattr(without, kind).equals(getattr(before, kind))
    assert without.gain == with_them.gain == before.gain
    assert list(without.risks) == list(with_them.risks) == list(before.risks)


def rename(room: Classroom, **fields: Iterable[tuple[str, str]]) -> None:
    """Change what the roster says: ``unit=[(old, new)]``, ``name=[(account, new)]``."""
    engine = create_engine(room.db_url)
    with engine.begin() as connection:
        for old, new in fields.get("unit", ()):
            connection.execute(update(PERSON).where(PERSON.c.unit == old).values(unit=new))
        for account, new in fields.get("name", ()):
            connection.execute(update(PERSON).where(PERSON.c.account == account).values(name=new))
    engine.dispose()


def test_a_unit_named_like_a_group_of_several_gives_nothing_away(tmp_path: Path) -> None:
    room = report_room(tmp_path)
    large = next(unit for unit, size in SIZES.items() if size >= 2 * SMALLEST_GROUP)
    named = "青禾省" + MERGED
    honest = read(room)
    rename(room, unit=[(large, named)])
    facts = read(room)
    for kind in ("topics", "rules"):
        before, found = people(getattr(honest, kind)), people(getattr(facts, kind))
        # The group of several is who it was: the unit's people are neither in it nor in its place.
        topics = {topic for topic, group in before if group == named}
        assert topics
        for topic in topics:
            assert found[topic, named] == before[topic, named]
            assert (topic, large) in before
            sums = [sum(n for (key, _), n in told.items() if key == topic) for told in (before, found)]
            assert sums[0] == sums[1]
        assert all(count >= SMALLEST_GROUP for count in found.values())
    own = read(room, named)
    assert len(own.learners) == SIZES[large]
    # Its people stand with others, so a report on it alone can tell nothing.
    assert (len(own.topics), list(own.risks), own.gain) == (0, [], None)


HOSTILE = {
    0: "<script>alert(1)</script>",
    1: '=HYPERLINK("http://example.com","点我")',
    2: "\u202e林知远\u2066",
    3: "长" * 120,
    4: "<img src=x onerror=alert(1)>",
    5: "{{ 7*7 }}{% raw %}",
    6: "@SUM(A1)",
    7: "</style><svg onload=alert(1)>",
    8: "&lt;b&gt;",
}
UNITS = {
    HOUSING: "青禾省/望川市/<script>alert(2)</script>",
    STREET: "青禾省/=cmd|' C calc'!A0",
    "青禾省/省数据服务中心": '青禾省/\u202e心中"><b onclick=alert(3)>',
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    room = report_room(tmp_path_factory.mktemp("hostile"))
    everybody = [account_of(entry.number) for entry in entries()]
    rename(room, name=[(everybody[n], name) for n, name in HOSTILE.items()], unit=UNITS.items())
    # Then those names stand in the list of who has not begun, and as authors of passages.
    engine = create_engine(room.db_url)
    with engine.begin() as connection:
        for account in everybody[: len(HOSTILE)]:
            connection.exec_driver_sql(
                "UPDATE submitted_assignment SET timestamp = NULL WHERE student_id = ?", (account,)
            )
            connection.exec_driver_sql("DELETE FROM qinlian_attempt WHERE learner = ?", (account,))
            connection.exec_driver_sql("UPDATE qinlian_arrival SET state = '已评' WHERE learner = ?", (account,))
    engine.dispose()
    return room


def test_no_name_becomes_a_part_of_the_page(room: Classroom, hostile: Classroom) -> None:
    honest, page = Sections(render(read(room)).html), Sections(render(read(hostile)).html)
    assert page.tags <= honest.tags
    assert page.attributes <= honest.attributes
    assert "script" not in page.tags
    assert not {name for name in page.attributes if name.startswith("on")}
    shown = "".join(page.texts.values())
    assert "<script>alert(1)</script>" in shown
    assert "<img src=x onerror=alert(1)>" in shown
    assert "{{ 7*7 }}" in shown
    assert "49{%" not in shown


def test_nothing_turns_the_direction_of_the_text(hostile: Classroom) -> None:
    html = render(read(hostile)).html
    assert "林知远" in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", html)


def test_the_page_may_run_and_fetch_nothing(hostile: Classroom) -> None:
    html = render(read(hostile)).html
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    # Nothing comes before the policy that it would not hold for.
    assert html.index("Content-Security-Policy") < html.index("<style")


def test_no_cell_of_the_workbook_is_a_formula(hostile: Classroom, tmp_path: Path) -> None:
    path = tmp_path / "报表.xlsx"
    write_workbook(read(hostile), gradebook_table(hostile.root, COURSE), path)
    book = load_workbook(path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert all(cell.data_type == "s" for cell in cells)
    starting = [cell for cell in cells if cell.value.startswith(("=", "+", "-", "@"))]
    assert {HOSTILE[1], HOSTILE[6]} <= {cell.value for cell in starting}
    assert all(cell.quotePrefix for cell in starting)
