"""The dashboard: what the filters leave, what is shown of it, and the notebook that opens it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import nbformat
import pandas as pd
import pytest

from qinlian.classroom import board_notebook
from qinlian.core.zone import BEIJING
from qinlian.errors import GradingError
from qinlian.reports import frames
from qinlian.reports.dashboard import board
from qinlian.reports.dashboard.book import Book, Choice, read_book
from qinlian.reports.dashboard.view import view
from tests.report_room import COURSE, FINANCE, SIZES, report_room

LESSON_JS = Path(__file__).parents[2] / "qinlian" / "quiz" / "labextension" / "static" / "lesson.js"
COUNTY = "青禾省/望川市/临溪县"


def days_of(book: Book) -> pd.Series:
    return book.grades["submitted_at"].dt.tz_convert(BEIJING).dt.date


class TestNotebook:
    def test_it_is_a_notebook_without_figures(self, tmp_path: Path) -> None:
        path = board_notebook.dashboard_in(tmp_path)
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert path.name == "统计看板.ipynb"
        assert [cell.outputs for cell in notebook.cells] == [[]]

    def test_the_front_end_runs_its_one_cell_and_no_other_spelling(self, tmp_path: Path) -> None:
        pattern = re.search(r"^  board: /(.*)/,$", LESSON_JS.read_text("utf-8"), re.M)
        assert pattern is not None
        source = json.loads(board_notebook.dashboard_in(tmp_path).read_text("utf-8"))["cells"][0]["source"]
        assert re.fullmatch(pattern[1], source)
        assert not re.fullmatch(pattern[1], source + "\nprint(1)")

    def test_one_that_is_there_stays(self, tmp_path: Path) -> None:
        path = board_notebook.dashboard_in(tmp_path)
        path.write_text("{}", "utf-8")
        board_notebook.dashboard_in(tmp_path)
        assert path.read_text("utf-8") == "{}"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return read_book(report_room(tmp_path_factory.mktemp("dashboard")).root, COURSE)


@pytest.mark.slow
class TestBook:
    def test_nothing_asked_for_is_everything(self, book: Book) -> None:
        whole = book.narrowed(Choice())
        for name in ("learners", "grades", "responses"):
            pd.testing.assert_frame_equal(getattr(whole, name), getattr(book, name))

    def test_a_unit_comes_with_all_below_it(self, book: Book) -> None:
        part = book.narrowed(Choice(unit=COUNTY))
        units = set(part.learners["unit"].astype("str"))
        assert units == {unit for unit in SIZES if unit.startswith(COUNTY + "/")}
        assert len(part.learners) == sum(SIZES[unit] for unit in units)
        assert set(part.grades["account"].astype("str")) <= set(part.learners["account"].astype("str"))
        assert set(part.responses["account"].astype("str")) <= set(part.learners["account"].astype("str"))

    def test_units_and_tracks_part_the_class(self, book: Book) -> None:
        for by in ("unit", "track"):
            names = set(book.learners[by].astype("str")) - {""}
            parts = [book.narrowed(Choice(**{by: name})) for name in names]
            known = book.learners[book.learners[by].astype("str") != ""]
            assert sum(len(part.learners) for part in parts) == len(known)

    def test_a_module_leaves_its_rows_alone(self, book: Book) -> None:
        (module,) = (m.id for m in COURSE.modules)
        assert len(book.narrowed(Choice(module=module)).grades) == len(book.grades)
        assert book.narrowed(Choice(module="99-none")).grades.empty

    def test_days_part_what_came(self, book: Book) -> None:
        days = sorted(set(days_of(book).dropna()))
        assert len(days) > 2
        middle = days[len(days) // 2]
        before = book.narrowed(Choice(until=middle - timedelta(days=1)))
        after = book.narrowed(Choice(since=middle))
        came = book.grades["submitted_at"].notna()
        both = before.grades["submitted_at"].notna().astype(int) + after.grades["submitted_at"].notna().astype(int)
        assert (both == came.astype(int)).all()
        assert set(days_of(before).dropna()) == {day for day in days if day < middle}
        assert len(before.responses) + len(after.responses) == len(book.responses)

    def test_what_came_on_other_days_counts_as_nothing(self, book: Book) -> None:
        part = book.narrowed(Choice(since=date(2000, 1, 1), until=date(2000, 1, 1)))
        assert set(part.grades["state"]) == {"未开始"}
        assert part.grades["score"].isna().all()
        assert not part.grades["passed"].any()
        assert part.grades["hours"].sum() == 0
        assert part.responses.empty
        assert list(part.grades.columns) == list(book.grades.columns)

    def test_the_items_of_a_part_are_those_of_its_people(self, book: Book) -> None:
        part = book.narrowed(Choice(unit=FINANCE))
        assert part.item_table["n"].max() <= SIZES[FINANCE]
        drawn = part.responses.groupby(part.responses["item"].astype("str")).size()
        assert part.item_table["n"].sort_index().to_dict() == drawn.sort_index().to_dict()

    @pytest.mark.parametrize(
        "choice",
        [
            Choice(),
            Choice(unit=COUNTY),
            Choice(track="教师"),
            Choice(unit=FINANCE, since=date(2026, 1, 1)),
            Choice(since=date(2000, 1, 1), until=date(2000, 1, 1)),
            Choice(unit="青禾省/没有这个单位"),
        ],
    )
    def test_every_choice_can_be_shown(self, book: Book, choice: Choice) -> None:
        shown = view(book, choice)
        people = len(book.narrowed(choice).learners)
        assert f"选中的学员 {people} 人" in shown
        assert ("没有符合这些条件的学员" in shown) == (people == 0)
        assert "None" not in shown
        assert "nan" not in shown.lower().replace("finance", "")

    def test_every_figure_stands_under_its_own_heading(self, book: Book) -> None:
        shown = view(book, Choice())
        _, head, first, *_ = re.split(r'<div class="unit(?: head)?"', shown)
        headings = re.findall(r"<span>([^<]+)</span>", head)
        labels = re.findall(r'<span class="label">([^<]+)</span>', first)
        assert len(headings) == len(labels)
        assert all(heading.startswith(label) for heading, label in zip(headings, labels, strict=True))

    def test_names_are_text(self, book: Book) -> None:
        learners = book.learners.assign(name="<img src=x onerror=alert(1)>")
        hostile = Book(**{**book.__dict__, "learners": learners})
        nobody = hostile.narrowed(Choice(since=date(2000, 1, 1), until=date(2000, 1, 1)))
        assert "<img" not in view(nobody, Choice())
        assert "&lt;img" in view(nobody, Choice())


@pytest.mark.slow
class TestBoard:
    @pytest.fixture
    def shown(self, tmp_path: Path) -> Iterator[board.Board]:
        root = report_room(tmp_path).root
        with patch.object(board, "load_course", lambda _: COURSE):
            yield board.Board(root)

    def test_filters_offer_what_there_is_and_change_what_is_shown(self, shown: board.Board) -> None:
        offered = [value for _, value in shown.unit.options]
        assert set(SIZES) < set(offered)
        assert COUNTY in offered
        assert f"选中的学员 {sum(SIZES.values())} 人" in shown.look.value
        shown.unit.value = FINANCE
        assert f"选中的学员 {SIZES[FINANCE]} 人" in shown.look.value
        shown.since.value, shown.until.value = date(2026, 2, 1), date(2026, 1, 1)
        assert "没有这样的日子" in shown.look.value

    def test_reading_again_keeps_the_choice_and_sees_what_is_new(self, shown: board.Board) -> None:
        shown.track.value = "教师"
        real = frames.learners
        with patch.object(frames, "learners", lambda connection: real(connection).iloc[:0]):
            shown.read()
        assert "成绩册里还没有学员" in shown.look.value
        shown.read()
        assert "成绩册里还没有学员" not in shown.look.value
        assert shown.track.value == "教师"

    def test_a_gradebook_that_cannot_be_read_is_said_in_words(self, shown: board.Board, tmp_path: Path) -> None:
        (tmp_path / "repository" / "nbgrader_config.py").unlink()
        shown.read()
        assert "读不了：" in shown.look.value
        assert "nbgrader_config.py" in shown.look.value
        assert "Traceback" not in shown.look.value

    def test_outside_of_a_course_nothing_is_found(self, tmp_path: Path) -> None:
        with pytest.raises(GradingError, match="nbgrader_config"):
            read_book(tmp_path, COURSE)
