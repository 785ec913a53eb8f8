"""The gradebook table and its Excel file."""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nbgrader.api import Gradebook
from openpyxl import load_workbook
from rich.console import Console
from sqlalchemy import insert

from qinlian.grading.arrivals import Arrivals
from qinlian.grading.response_tables import ATTEMPT, QUIZ
from qinlian.grading.responses import open_engine
from qinlian.reports.excel import write_excel
from qinlian.reports.table import COLUMNS, gradebook_table, print_table
from qinlian.toolpath import put_tools_on_path
from tests.sample import COURSE, MODULE

# A gradebook of nbgrader's takes ten seconds to make.
pytestmark = pytest.mark.slow

# As nbgrader's tables and a worksheet's cells hold it: without a zone.
WHEN = datetime.fromisoformat("2026-11-22 17:30")
IN_BEIJING = datetime.fromisoformat("2026-11-23 01:30")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook with the sample module and four learners: none, graded, waiting for a reader, late."""
    put_tools_on_path()
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    url = f"sqlite:///{path}"
    with Gradebook(url, "qinlian") as gb:
        gb.add_assignment(MODULE.id, duedate=WHEN)
        gb.add_notebook(MODULE.id, MODULE.id)
        gb.add_grade_cell("90-exam", MODULE.id, MODULE.id, max_score=80, cell_type="code")
        gb.add_grade_cell("LZ-90-R1", MODULE.id, MODULE.id, max_score=20, cell_type="markdown")
        for learner in ("a-none", "b-graded", "c-waiting", "d-late"):
            gb.add_student(learner, last_name=f"学员{learner[0]}", first_name="甲单位")
        for learner, auto, manual, waits in (
            ("b-graded", 64, 15, False),
            ("c-waiting", 40, None, True),
            ("d-late", 80, 20, False),
        ):
            gb.add_submission(MODULE.id, learner, timestamp=WHEN)
            quiz = gb.find_grade("90-exam", MODULE.id, MODULE.id, learner)
            quiz.auto_score, quiz.needs_manual_grade = auto, False
            text = gb.find_grade("LZ-90-R1", MODULE.id, MODULE.id, learner)
            text.manual_score, text.needs_manual_grade = manual, waits
        gb.find_submission_notebook(MODULE.id, MODULE.id, "d-late").late_submission_penalty = 30
        gb.db.commit()
    return path


@pytest.fixture
def db_url(filled: Path, tmp_path: Path) -> str:
    """A copy of that gradebook, for one test to change."""
    shutil.copy(filled, tmp_path / "gradebook.db")
    return f"sqlite:///{tmp_path / 'gradebook.db'}"


def by_learner(db_url: str) -> pd.DataFrame:
    return gradebook_table(db_url, COURSE).set_index("学员")


def test_an_extension_alone_is_no_submission(db_url: str) -> None:
    with Gradebook(db_url, "qinlian") as gradebook:
        gradebook.update_or_create_submission(MODULE.id, "a-none")
        gradebook.grant_extension(MODULE.id, "a-none", days=3)
    row = by_learner(db_url).loc["a-none"]
    assert row["状态"] == "未开始"
    assert row[["提交时间", "得分"]].isna().all()


def test_there_is_one_row_for_each_learner_and_module_in_a_fixed_order(db_url: str) -> None:
    table = gradebook_table(db_url, COURSE)
    assert tuple(table.columns) == COLUMNS
    assert list(table["学员"]) == ["a-none", "b-graded", "c-waiting", "d-late"]
    assert set(table["模块"]) == {"样例模块"}
    assert set(table["满分"]) == {100.0}


def test_the_state_says_what_is_still_to_come(db_url: str) -> None:
    assert dict(by_learner(db_url)["状态"]) == {
        "a-none": "未开始",
        "b-graded": "已评分",
        "c-waiting": "待评阅",
        "d-late": "已评分",
    }


def test_the_score_is_nbgraders_with_manual_marks_and_late_penalty(db_url: str) -> None:
    scores = by_learner(db_url)["得分"]
    assert pd.isna(scores["a-none"])
    assert dict(scores.dropna()) == {"b-graded": 79.0, "c-waiting": 40.0, "d-late": 70.0}


def test_it_agrees_with_nbgraders_own_sums(db_url: str) -> None:
    with Gradebook(db_url, "qinlian") as gb:
        for learner, score in by_learner(db_url)["得分"].dropna().items():
            submission = gb.find_submission(MODULE.id, str(learner))
            assert score == submission.score - submission.late_submission_penalty


def test_hours_are_earned_from_the_pass_mark_on(db_url: str) -> None:
    assert dict(by_learner(db_url)["获得学时"]) == {"a-none": 0, "b-graded": 1.5, "c-waiting": 0, "d-late": 1.5}


def test_times_are_beijing_time(db_url: str) -> None:
    assert by_learner(db_url).loc["b-graded", "提交时间"] == IN_BEIJING


def test_a_submission_that_waits_for_the_grader_is_submitted(db_url: str) -> None:
    Arrivals(db_url).seen("x", "a-none", MODULE.id, datetime(2026, 11, 22, tzinfo=UTC))
    assert by_learner(db_url).loc["a-none", "状态"] == "未开始"
    with open_engine(db_url).begin() as connection:
        connection.exec_driver_sql("UPDATE qinlian_arrival SET state = '已收', submitted_at = '2026-11-22 00:00:00'")
    assert by_learner(db_url).loc["a-none", "状态"] == "已提交"


def test_attempts_are_those_that_counted_at_the_quiz_taken_most_often(db_url: str) -> None:
    def submission(name: str, **states: str) -> None:
        fields = {"identity": name, "learner": "b-graded", "module": MODULE.id, "number": int(name), "edition": "e"}
        times = {"first_seen": WHEN, "graded_at": WHEN}
        connection.execute(insert(ATTEMPT).values(late=False, code="", notes="[]", **fields, **times))
        for quiz, state in states.items():
            row = {"attempt": name, "quiz": quiz, "state": state, "number": 1, "draw": 1}
            connection.execute(insert(QUIZ).values(score=0, points=80, counted=0, **row))

    with open_engine(db_url).begin() as connection:
        submission("1", one="计入", two="未作答")
        submission("2", one="未改动", two="计入")
        submission("3", one="计入", two="未改动")
        submission("4", one="超次", two="旧题")
    assert dict(by_learner(db_url)["次数"]) == {"a-none": 0, "b-graded": 2, "c-waiting": 0, "d-late": 0}


def test_an_empty_gradebook_gives_an_empty_table(tmp_path: Path) -> None:
    table = gradebook_table(f"sqlite:///{tmp_path / 'new.db'}", COURSE)
    assert len(table) == 0
    assert tuple(table.columns) == COLUMNS


def test_the_terminal_shows_names_as_they_are_and_never_as_markup(db_url: str) -> None:
    table = gradebook_table(db_url, COURSE)
    table.loc[0, "姓名"] = "[red]某人[/red]\x1b[2J"
    out = io.StringIO()
    print_table(table, Console(file=out, width=200))
    assert "[red]某人[/red]" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
    assert "2026-11-23 01:30" in out.getvalue()


def test_more_rows_than_anybody_scrolls_through_are_left_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qinlian.reports.table._MOST", 2)
    table = pd.DataFrame({"学员": ["ql1", "ql2", "ql3"], "得分": [1.0, 2.0, 3.0]})
    out = io.StringIO()
    print_table(table, Console(file=out, width=200))
    assert "ql2" in out.getvalue()
    assert "ql3" not in out.getvalue()
    assert "前 2 行，共 3 行；全部的请用 --xlsx 或 --csv" in out.getvalue()


class TestExcel:
    def sheet(self, table: pd.DataFrame, tmp_path: Path) -> Any:
        write_excel(table, tmp_path / "成绩.xlsx")
        return load_workbook(tmp_path / "成绩.xlsx").active

    def test_the_heading_is_chinese_bold_and_stays_in_view(self, db_url: str, tmp_path: Path) -> None:
        sheet = self.sheet(gradebook_table(db_url, COURSE), tmp_path)
        assert [c.value for c in sheet[1]] == list(COLUMNS)
        assert all(c.font.bold for c in sheet[1])
        assert sheet.freeze_panes == "A2"

    def test_numbers_and_times_are_numbers_and_times(self, db_url: str, tmp_path: Path) -> None:
        sheet = self.sheet(gradebook_table(db_url, COURSE), tmp_path)
        row = {head.value: cell for head, cell in zip(sheet[1], sheet[3], strict=True)}
        assert row["得分"].value == 79
        assert row["提交时间"].value == IN_BEIJING
        assert row["提交时间"].number_format == "yyyy-mm-dd hh:mm"

    def test_columns_are_wide_enough_for_chinese(self, db_url: str, tmp_path: Path) -> None:
        sheet = self.sheet(gradebook_table(db_url, COURSE), tmp_path)
        assert sheet.column_dimensions["H"].width >= len("2026-11-23 01:30")
        assert sheet.column_dimensions["D"].width >= 2 * len("样例模块")

    @pytest.mark.parametrize(
        "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"]
    )
    def test_a_name_that_looks_like_a_formula_stays_text(self, tmp_path: Path, text: str) -> None:
        table = pd.DataFrame({"学员": [text], "得分": [-1.5]})
        sheet = self.sheet(table, tmp_path)
        assert sheet["A2"].data_type == "s"
        assert sheet["A2"].value.strip() == text.strip()
        assert sheet["A2"].quotePrefix
        assert (sheet["B2"].data_type, sheet["B2"].value) == ("n", -1.5)

    def test_characters_a_worksheet_cannot_hold_are_left_out(self, tmp_path: Path) -> None:
        assert self.sheet(pd.DataFrame({"学员": ["甲\x00\x0b乙"]}), tmp_path)["A2"].value == "甲乙"

    def test_what_is_missing_is_an_empty_cell(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"得分": [float("nan"), 1.0], "提交时间": [pd.NaT, pd.Timestamp("2026-11-23 01:30")]})
        sheet = self.sheet(table.assign(备注=pd.array([pd.NA, 2], dtype="Int64")), tmp_path)
        assert [cell.value for cell in sheet[2]] == [None, None, None]
        assert [cell.value for cell in sheet[3]] == [1, IN_BEIJING, 2]

    def test_what_one_sheet_does_not_hold_goes_on_on_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.reports.worksheet._MOST", 2)
        write_excel(pd.DataFrame({"学员": ["甲", "乙", "丙"], "得分": [1.0, 2.0, 3.0]}), tmp_path / "成绩.xlsx")
        book = load_workbook(tmp_path / "成绩.xlsx")
        assert book.sheetnames == ["成绩总表", "成绩总表 2"]
        assert [[cell.value for cell in row] for row in book["成绩总表 2"]] == [["学员", "得分"], ["丙", 3]]
        assert book["成绩总表 2"]["B2"].number_format == "0.##"

    def test_an_empty_table_is_still_a_file(self, tmp_path: Path) -> None:
        sheet = self.sheet(pd.DataFrame(columns=list(COLUMNS)), tmp_path)
        assert [c.value for c in sheet[1]] == list(COLUMNS)

    def test_a_failed_write_leaves_the_old_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "成绩.xlsx"
        write_excel(pd.DataFrame({"学员": ["旧"]}), path)
        before = path.read_bytes()

        def full(*_: object) -> None:
            raise OSError("满了")

        monkeypatch.setattr("qinlian.reports.excel._dress", full)
        with pytest.raises(OSError, match="满了"):
            write_excel(pd.DataFrame({"学员": ["新"]}), path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["成绩.xlsx"]


def test_the_late_penalty_never_makes_a_score_negative(db_url: str) -> None:
    with Gradebook(db_url, "qinlian") as gb:
        gb.find_submission_notebook(MODULE.id, MODULE.id, "d-late").late_submission_penalty = 500
        gb.db.commit()
    assert by_learner(db_url).loc["d-late", "得分"] == 0.0


def test_a_learner_with_an_extension_is_listed_like_any_other(db_url: str) -> None:
    with Gradebook(db_url, "qinlian") as gb:
        gb.grant_extension(MODULE.id, "b-graded", days=3)
    assert by_learner(db_url).loc["b-graded", "得分"] == 79.0
