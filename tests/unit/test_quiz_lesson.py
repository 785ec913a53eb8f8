"""What a lesson's cells do: a widget, a sentence, or nothing at all; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import qinlian
from qinlian.errors import GradingError, StoreError
from qinlian.grading.editions import edition_of, save_edition
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.quiz import lesson as lesson_module
from qinlian.quiz import live, widget
from qinlian.quiz.answer_file import AnswerStore
from qinlian.quiz.live import LiveLesson
from qinlian.quiz.widget import QuizWidget
from tests.sample import COURSE, IDS, MODULE
from tests.unit.grading_learner import Learner

LESSON = publish(COURSE, MODULE, IDS)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything that was displayed."""
    outputs: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda what, **_: outputs.append(what))
    return outputs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(live, "_classroom", lambda: (None, "amy"))
    folder = tmp_path / MODULE.id
    folder.mkdir()
    (folder / "lesson.json").write_bytes(lesson_bytes(LESSON))
    return folder


@pytest.fixture
def block(folder: Path) -> QuizWidget:
    return QuizWidget(LiveLesson(folder, None, "amy"), "p1")


def ask(block: QuizWidget, **request: Any) -> dict[str, Any]:
    block.request = request
    return block.status


def test_showing_a_block_displays_one_widget(folder: Path, shown: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    lesson = qinlian.open_lesson()
    assert shown == []
    lesson.show("90-exam")
    (quiz,) = shown
    assert quiz.block["id"] == "90-exam"
    assert len(quiz.items) == LESSON.block("90-exam").count


def test_trouble_is_a_chinese_sentence(folder: Path, tmp_path: Path, shown: list[Any]):
    lesson = qinlian.open_lesson(tmp_path)
    assert "我的学习" in shown[0]["text/plain"]
    lesson.show("p1")
    assert len(shown) == 1, "the learner has been told once"
    qinlian.open_lesson(folder).show("gone")
    assert "找不到" in shown[1]["text/html"]


def test_outside_grading_a_grade_cell_shows_and_returns_nothing(folder: Path, shown: list[Any]):
    assert qinlian.open_lesson(folder).grade("90-exam") is None
    assert shown == []


@pytest.fixture
def submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A full-mark submission in a course repository, as nbgrader's own Execute finds it."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.delenv("QINLIAN_COURSE", raising=False)
    monkeypatch.delenv("QINLIAN_GRADEBOOK", raising=False)
    found = tmp_path / "autograded" / "amy" / MODULE.id
    found.mkdir(parents=True)
    amy = Learner(edition_of(COURSE, MODULE, IDS), "amy")
    AnswerStore(found, LESSON).save(amy.right(amy.drawn(1)))
    monkeypatch.chdir(found)
    return found


def test_under_nbgrader_only_the_score_comes_out_of_a_lesson(
    submission: Path, tmp_path: Path, shown: list[Any], monkeypatch: pytest.MonkeyPatch
):
    save_edition(tmp_path / "course", COURSE, MODULE, IDS)
    explained: list[Any] = []
    monkeypatch.setattr("IPython.display.publish_display_data", explained.append)
    lesson = qinlian.open_lesson()
    lesson.show("90-exam")
    assert (shown, explained) == ([], [])
    assert lesson.grade("90-exam") == 80.0
    assert shown == []
    assert "80" in explained[0]["text/plain"]


def test_under_nbgrader_a_missing_key_is_no_score(submission: Path):
    with pytest.raises(GradingError, match="course"):
        qinlian.open_lesson().grade("90-exam")


def test_a_save_is_acknowledged_after_the_file_is_written(block: QuizWidget, folder: Path):
    item = block.block["items"][0]
    status = ask(block, id="r1", action="save", changes={item: ["a"]})
    assert (status["request"], status["ok"], status["kind"]) == ("r1", True, "saved")
    assert block.answers == {item: ["a"]}
    assert '"a"' in (folder / "answers.json").read_text()


def test_a_failure_is_told_and_never_silent(block: QuizWidget, monkeypatch: pytest.MonkeyPatch):
    item = block.block["items"][0]

    def full(*_: Any) -> None:
        raise StoreError("磁盘空间不足，答案没有保存")

    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(LiveLesson, "save", full)
    status = ask(block, id="r1", action="save", changes={item: ["a"]})
    assert (status["ok"], status["kind"], status["text"]) == (False, "failed", "磁盘空间不足，答案没有保存")
    monkeypatch.setattr(LiveLesson, "save", broken)
    status = ask(block, id="r2", action="save", changes={item: ["a"]})
    assert (status["ok"], status["request"]) == (False, "r2")
    assert "secret" not in status["text"]


def test_a_request_the_page_should_not_make_is_refused(block: QuizWidget):
    assert ask(block, id="r1", action="dance")["kind"] == "refused"
    assert ask(block, id="r2", action="save", changes={"unknown": "x"})["kind"] == "refused"
    assert ask(block, id="r3", action="submit")["kind"] == "refused"


def test_the_code_of_the_front_end_is_sent_when_asked_for(block: QuizWidget):
    assert block.code == {}
    block.request = {"id": "code", "action": "code"}
    assert "ql-root" in block.code["css"]
    assert "render" in block.code["js"]
    assert len(block._esm) < 3000, "what every block carries"


def test_two_widgets_of_one_lesson_follow_each_other(folder: Path):
    shared = LiveLesson(folder, None, "amy")
    one, two = QuizWidget(shared, "p1"), QuizWidget(shared, "p1")
    item = one.block["items"][0]
    ask(one, id="r1", action="save", changes={item: ["a"]})
    assert two.answers == {item: ["a"]}
    assert "request" not in two.status, "an acknowledgement is for who asked"


def test_a_page_that_leaves_closes_its_widget_and_forgotten_ones_are_closed_in_time(folder: Path):
    shared = LiveLesson(folder, None, "amy")
    first = QuizWidget(shared, "p1")
    ask(first, id="r", action="bye")
    assert first.comm is None
    many = [QuizWidget(shared, "p1") for _ in range(widget._MOST_LIVE + 2)]
    assert [w.comm is None for w in many[:3]] == [True, True, False]


def test_a_damaged_answer_file_is_told_in_the_lesson(folder: Path):
    (folder / "answers.json").write_text("{")
    status = QuizWidget(LiveLesson(folder, None, "amy"), "p1").status
    assert status["kind"] == "notice"
    assert "answers.broken-" in status["text"]


@pytest.mark.slow
def test_opening_a_lesson_imports_neither_pandas_nor_nbgrader(folder: Path):
    code = (
        "import sys; from qinlian import open_lesson;"
        f"lesson = open_lesson({str(folder)!r}); import qinlian.quiz.widget;"
        "heavy = {'pandas', 'nbgrader', 'sqlalchemy', 'markdown_it', 'qinlian.grading', 'qinlian.authoring'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    settings = {"QINLIAN_EXCHANGE": str(folder), "QINLIAN_COURSE_ID": "qinlian", "QINLIAN_LEARNER": "amy"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | settings
    )
    assert done.stdout.strip() == "[]"


def test_the_notice_is_text_whatever_it_says(shown: list[Any]):
    lesson_module._tell("<b>不要紧</b>")
    assert "&lt;b&gt;" in shown[0]["text/html"]
