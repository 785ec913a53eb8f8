"""成绩报表: the rows, the pages, and the Excel files of exactly the same."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from openpyxl import load_workbook

from qinlian.errors import GradingError
from qinlian.reports.worksheet import write_rows
from qinlian.staff.files import main, write_names, write_report, write_template
from qinlian.staff.places import Places
from qinlian.staff.report import COLUMNS, IDLE, NAMES, Filter, Page, chosen, page_of
from qinlian.staff.viewer import Viewer
from tests.staff_room import GIFTS, PLAN, START, Book, course_folder, viewer

CITY = "省校/青禾"
ME = viewer("省校")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.fresh(tmp_path / "book")


def page(book: Book, asked: Filter, number: int = 1, who: Viewer = ME) -> Page:
    with book.engine.connect() as connection:
        return page_of(connection, who, PLAN, asked, chosen(connection, who, PLAN, asked), number)


class TestRows:
    def test_a_row_says_how_somebody_stands(self, book: Book) -> None:
        who = book.add("1", CITY, "周晓岚")
        book.grade(who, START, 60.5, 12)
        one, two = page(book, Filter()).rows
        assert (one.learner.name, one.module, one.state, one.score) == ("周晓岚", START, "已评分", 72.5)
        assert (one.hours, one.verdict, one.tone) == (2.0, "，及格", "passed")
        assert one.submitted_at is not None
        assert one.submitted_at.isoformat() == "2026-11-22T09:30:00+00:00"
        assert (two.state, two.score, two.submitted_at, two.hours, two.tone) == ("未开始", None, None, 0.0, "idle")

    def test_the_words_for_what_waits(self, book: Book) -> None:
        one, two = book.add("1", CITY), book.add("2", CITY)
        book.arrive(one, START)
        book.grade(two, START, 30, None, waits=True)
        first, second = page(book, Filter(module=START.id)).rows
        assert (first.state, first.score, first.tone, first.verdict) == ("已提交", None, "ungraded", "")
        assert (second.state, second.score, second.tone, second.verdict) == ("待评阅", 30.0, "unread", "")

    def test_a_penalty_does_not_go_below_nothing(self, book: Book) -> None:
        book.grade(book.add("1", CITY), START, 10, None, penalty=30.0)
        assert page(book, Filter(module=START.id)).rows[0].score == 0.0

    def test_names_and_numbers_are_searched_as_they_are_written(self, book: Book) -> None:
        book.add("A1", CITY, "周晓岚")
        book.add("b2", CITY, "周_一")
        assert {r.learner.number for r in page(book, Filter(words="周")).rows} == {"A1", "b2"}
        assert {r.learner.number for r in page(book, Filter(words="_")).rows} == {"b2"}
        assert {r.learner.number for r in page(book, Filter(words="a1")).rows} == {"A1"}
        assert page(book, Filter(words="%")).rows == ()

    def test_states_are_asked_for_one_by_one(self, book: Book) -> None:
        for number, how in enumerate(("未开始", "待评阅", "已评分")):
            who = book.add(str(number), CITY)
            if how != "未开始":
                book.grade(who, START, 80, None, waits=how == "待评阅")
        found = {state: page(book, Filter(state=state, module=START.id)) for state in ("未开始", "待评阅", "已评分")}
        assert {state: [r.learner.number for r in p.rows] for state, p in found.items()} == {
            "未开始": ["0"],
            "待评阅": ["1"],
            "已评分": ["2"],
        }

    def test_pages_hold_whole_learners_and_a_page_too_far_is_the_last(self, book: Book) -> None:
        for number in range(80):
            book.add(f"{number:03}", CITY)
        first, last = page(book, Filter()), page(book, Filter(), 99)
        assert (first.people, first.pages, first.number) == (80, 2, 1)
        assert (last.number, last.rows[-1].learner.number) == (2, "079")
        assert len(first.rows) == 150
        assert len({r.learner.account for r in first.rows}) == 75


class TestFiles:
    @pytest.fixture
    def places(self, book: Book, tmp_path: Path) -> Places:
        return Places.load(course_folder(tmp_path / "course", book))

    def test_the_file_holds_every_row_of_every_page(self, book: Book, places: Places, tmp_path: Path) -> None:
        for number in range(80):
            book.add(f"{number:03}", CITY, track="青年干部", department="办公室")
        book.grade("ql000", GIFTS, 80, 20.25)
        assert write_report(places, ME, Filter(), tmp_path / "x.xlsx") == 160
        sheet = load_workbook(tmp_path / "x.xlsx").active
        assert sheet is not None
        heading, *rows = sheet.iter_rows(values_only=True)
        assert heading == COLUMNS
        assert len(rows) == 160
        line = dict(zip(COLUMNS, rows[1], strict=True))
        assert line["提交时间"].isoformat() == "2026-11-22T17:30:00"
        assert {k: line[k] for k in ("工号", "单位", "模块", "得分", "满分", "状态", "获得学时")} == {
            "工号": "000",
            "单位": CITY,
            "模块": "02 礼尚往来",
            "得分": 100.25,
            "满分": 110,
            "状态": "已评分",
            "获得学时": 1.5,
        }

    def test_the_file_holds_what_its_reader_may_see_and_asked_for(
        self, book: Book, places: Places, tmp_path: Path
    ) -> None:
        book.add("1", CITY)
        book.add("2", "省校/栖云")
        assert write_report(places, viewer(CITY), Filter(), tmp_path / "x.xlsx") == 2
        assert write_report(places, viewer(CITY), Filter(below="省校/栖云"), tmp_path / "x.xlsx") == 0
        assert write_names(places, viewer(CITY), Filter(state=IDLE, module=START.id), tmp_path / "x.xlsx") == 1

    @pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "<script>", "a\x07b"])
    def test_a_name_is_never_a_formula(self, book: Book, places: Places, tmp_path: Path, name: str) -> None:
        book.add("1", CITY, name)
        for write in (write_report, write_names):
            write(places, ME, Filter(), tmp_path / "x.xlsx")
            sheet = load_workbook(tmp_path / "x.xlsx").active
            assert sheet is not None
            cell = sheet["B2"]
            assert (cell.data_type, cell.value) == ("s", name.replace("\x07", ""))
            assert cell.quotePrefix is (name[0] in "=+-@\t")

    def test_names_of_who_has_not_started(self, book: Book, places: Places, tmp_path: Path) -> None:
        book.grade(book.add("1", CITY), START, 10, None)
        book.add("2", CITY, "林知远", department="教务处", email="a@example.cn")
        assert write_names(places, ME, Filter(state=IDLE), tmp_path / "x.xlsx") == 1
        rows = list(load_workbook(tmp_path / "x.xlsx").active.iter_rows(values_only=True))  # type: ignore[union-attr]
        assert rows == [NAMES, ("2", "林知远", CITY, "教务处", None, "a@example.cn")]

    @pytest.mark.parametrize("account", ["ql1", "qlgone", "qlnobody"])
    def test_the_process_gives_nothing_to_who_has_no_business(
        self,
        book: Book,
        places: Places,
        tmp_path: Path,
        account: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Whoever called it: who asks is looked up again."""
        book.add("1", CITY)
        book.add("gone", "省校", role="管理员", gone=True)
        wish = {"account": account, "kind": "report", "filter": {}, "path": str(tmp_path / "x.xlsx")}
        wish["places"] = {name: str(value) for name, value in asdict(places).items()}
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(wish)))
        monkeypatch.setattr("os.nice", lambda _: 0)
        assert main() == 1
        assert not (tmp_path / "x.xlsx").exists()
        assert "名单" in capsys.readouterr().err

    def test_a_template_has_questions_of_several_types(self, book: Book, tmp_path: Path) -> None:
        root = course_folder(tmp_path / "course", book)
        places = Places.load(root)
        with pytest.raises(GradingError, match="docs"):
            write_template(places, tmp_path / "t.xlsx")
        (root / "docs").symlink_to(Path(__file__).parents[2] / "docs")
        write_template(places, tmp_path / "t.xlsx")
        book_of_items = load_workbook(tmp_path / "t.xlsx")
        assert {"单选", "多选", "判断", "填空", "排序", "心得"} <= set(book_of_items.sheetnames)
        assert [c.value for c in book_of_items["单选"][1]][:2] == ["题号", "题型"]


class TestLongTables:
    def test_what_does_not_fit_on_a_sheet_goes_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qinlian.reports.worksheet._MOST", 3)
        assert write_rows(tmp_path / "x.xlsx", {"甲": 10}, ([n] for n in range(7)), "表") == 7
        made = load_workbook(tmp_path / "x.xlsx")
        assert made.sheetnames == ["表", "表 2", "表 3"]
        assert [row[0] for row in made["表 3"].iter_rows(min_row=2, values_only=True)] == [6]

    def test_a_table_that_breaks_off_leaves_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "x.xlsx"
        path.write_bytes(b"old")

        def rows() -> object:
            yield [1]
            raise RuntimeError

        with pytest.raises(RuntimeError):
            write_rows(path, {"甲": 10}, rows())  # type: ignore[arg-type]
        assert path.read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["x.xlsx"]
