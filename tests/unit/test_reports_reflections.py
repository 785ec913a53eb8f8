"""The report on reflections: everything in it, nothing that runs, and no learner matched with himself."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from openpyxl import load_workbook

from benchmarks.room import MOMENT, Room
from qinlian.errors import GradingError
from qinlian.grading.bulk import grade_submissions
from qinlian.grading.setting import Setting
from qinlian.reports.reflection_report import (
    COLUMNS,
    read_reflections,
    reflection_lines,
    reflection_page,
    reflection_table,
    write_page,
    write_reflections,
)
from qinlian.reports.reflections import Entry
from qinlian.roster.people import Scope
from tests.sample import COURSE, MODULE
from tests.unit.reflection_room import HOSTILE, OWN, answers, make_room

pytestmark = pytest.mark.slow
COMMENT = "写得实在。<b>再想想</b>=1+1"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The room, with one mark given, and a second attempt by the one who wrote first."""
    room = make_room(tmp_path_factory.mktemp("report"))
    room.submit("li", answers(room, "li", OWN + "这是第二稿。"), MOMENT + timedelta(hours=1))
    grade_submissions(Setting.load(room.root), MODULE.id)
    with Gradebook(room.db_url) as gradebook:
        grade = gradebook.find_grade("LZ-90-R1", MODULE.id, MODULE.id, "li")
        grade.manual_score, grade.needs_manual_grade = 17.5, False
        gradebook.find_comment("LZ-90-R1", MODULE.id, MODULE.id, "li").manual_comment = COMMENT
        gradebook.find_student("wang").last_name = "王[b]"
        gradebook.db.commit()
    return room


@pytest.fixture(scope="module")
def found(room: Room) -> dict[str, Entry]:
    return {entry.learner: entry for entry in read_reflections(room.root)}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_every_reflection_is_there_once_as_it_stands_in_the_gradebook(found: dict[str, Entry]) -> None:
    assert sorted(found) == ["li", "wang", "zhao"]
    assert found["li"].text.endswith("这是第二稿。")
    assert found["li"].mark is not None
    assert (found["li"].mark.score, found["li"].mark.comment) == (17.5, COMMENT)


def test_a_report_on_some_has_nothing_of_others_not_even_what_is_close_to_it(room: Room) -> None:
    (one,) = read_reflections(room.root, scope=Scope(("青禾分校",), frozenset({"li"})))
    assert (one.learner, one.notices) == ("li", ())
    (other,) = read_reflections(room.root, scope=Scope(("栖云分校",), frozenset({"zhao"})))
    assert other.notices == (), "nor what somebody of an earlier year wrote, whose unit nobody knows"
    assert read_reflections(room.root, scope=Scope((), frozenset())) == []


def test_a_learners_own_first_attempt_is_no_match(found: dict[str, Entry]) -> None:
    assert {n.source.where for n in found["li"].notices} == {"《样例模块》"}
    assert {getattr(n.source, "owner", "") for n in found["li"].notices} == {"wang"}
    assert {getattr(n.source, "owner", "") for n in found["wang"].notices} == {"li"}


def test_earlier_texts_come_from_where_the_course_says_or_from_where_one_is_told(room: Room, tmp_path: Path) -> None:
    (tmp_path / "去年.txt").write_text(OWN, "utf-8")
    named = {entry.learner: entry for entry in read_reflections(room.root)}
    told = {entry.learner: entry for entry in read_reflections(room.root, tmp_path)}
    assert [n.source.where for n in named["zhao"].notices] == ["往期：前年的一篇.txt"]
    assert told["zhao"].notices == ()
    assert "往期：去年.txt" in {n.source.where for n in told["li"].notices}
    with pytest.raises(GradingError, match="找不到"):
        read_reflections(room.root, tmp_path / "none")


def test_the_terminal_gets_a_line_a_notice_and_a_sum(found: dict[str, Entry]) -> None:
    lines = reflection_lines(list(found.values()))
    assert any("li（li）《样例模块》：有" in line and "请对照阅读后判断" in line for line in lines)
    assert lines[-1].startswith("共 3 篇心得，待评阅 2 篇，3 篇有与他人相近的段落")


def test_the_page_holds_everything_and_needs_nothing(found: dict[str, Entry], tmp_path: Path) -> None:
    html = reflection_page(list(found.values()), COURSE, datetime(2026, 11, 22, 16, 0, tzinfo=UTC))
    for words in (
        "联系本人岗位（12 分）",
        "17.5 / 20 分",
        "待评阅",
        "追到楼下没有追上",
        "2026-11-23 00:00",
        "<mark>",
        "width=device-width",
    ):
        assert words in html
    assert not re.search(r"https?://|<link|src=|url\(|@import", html)
    write_page(html, tmp_path / "心得.html")
    assert (tmp_path / "心得.html").stat().st_mode & 0o077 == 0


def test_nothing_anybody_wrote_is_markup_on_the_page(found: dict[str, Entry]) -> None:
    html = reflection_page(list(found.values()), COURSE, datetime.now(UTC))
    parser = _Tags()
    parser.feed(html)
    assert not parser.tags & {"script", "img", "iframe", "a", "b", "form"}
    assert not {name for name in parser.attributes if name.startswith("on")}
    assert "&lt;script&gt;" in html
    assert HOSTILE not in html


def test_an_empty_report_says_so() -> None:
    html = reflection_page([], COURSE, datetime.now(UTC))
    assert "还没有人交心得" in html
    assert reflection_lines([])[-1].startswith("共 0 篇")
    assert list(reflection_table([]).columns) == list(COLUMNS)


def test_the_workbook_holds_the_same_with_safe_cells(found: dict[str, Entry], tmp_path: Path) -> None:
    entry = found["li"]
    evil = Entry(**{**vars(entry), "text": "=HYPERLINK(1)", "name": "+王"})
    write_reflections([entry, evil], tmp_path / "心得.xlsx")
    sheet = load_workbook(tmp_path / "心得.xlsx").active
    assert sheet is not None
    heads = [cell.value for cell in sheet[1]]
    assert heads == list(COLUMNS)
    first, second = (dict(zip(heads, sheet[row], strict=True)) for row in (2, 3))
    assert (first["得分"].value, first["满分"].value, first["评语"].value) == (17.5, 20, COMMENT)
    assert first["心得"].alignment.wrap_text
    assert "请对照阅读后判断" in first["相似提示"].value
    assert "本文：" in first["对照"].value
    for cell in (second["心得"], second["姓名"]):
        assert (cell.data_type, cell.quotePrefix) == ("s", True)


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="写不进"):
        write_page("x", tmp_path / "none" / "a.html")
