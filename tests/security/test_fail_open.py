"""nbgrader gives full marks for whatever it cannot read as a number; none of that ever reaches it."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path
from typing import Any

import nbformat
import numpy
import pytest
from nbformat.notebooknode import NotebookNode

from qinlian.errors import GradingError
from qinlian.grading.editions import edition_of, save_edition
from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.plaintext import markdown_cell
from qinlian.grading.stock import grade_cell
from qinlian.notebooks.notebook import ANSWER_PLACEHOLDER
from tests.sample import COURSE, IDS, MODULE
from tests.unit.grading_learner import QUIZ, Learner

POINTS = 80.0


def grade_metadata(**more: Any) -> dict[str, Any]:
    fields = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False}
    return {"nbgrader": fields | {"points": POINTS, "grade_id": QUIZ} | more}


def code_cell(*outputs: NotebookNode, **metadata: Any) -> NotebookNode:
    source = f'lesson.grade("{QUIZ}")'
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata=grade_metadata(**metadata))


def result(text: str) -> NotebookNode:
    return nbformat.v4.new_output("execute_result", data={"text/plain": text}, execution_count=1)


def nbgraders_score(cell: NotebookNode) -> float:
    from nbgrader.utils import determine_grade

    score, _ = determine_grade(cell)
    assert score is not None
    return float(score)


def graded(**changes: Any) -> SubmissionGrade:
    """A real grade of half the marks, its quiz changed to hold what must never get out."""
    learner = Learner(edition_of(COURSE, MODULE, IDS))
    done = learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    return dataclasses.replace(done, quizzes=(dataclasses.replace(done.quizzes[0], **changes),))


# How nbgrader behaves: these are the reasons for everything below. A new version that mends one fails here.

FAILS_OPEN = {
    "no output": [],
    "something displayed": [nbformat.v4.new_output("display_data", data={"text/html": "<b>0</b>"})],
    "a printed number": [nbformat.v4.new_output("stream", name="stdout", text="0.0")],
    "a NumPy scalar": [result("np.float64(0.0)")],
    "NaN": [result("nan")],
    "a negative number": [result("-1.0")],
    "a string": [result("'0.0'")],
    "None": [result("None")],
}


@pytest.mark.slow
@pytest.mark.parametrize("outputs", FAILS_OPEN.values(), ids=FAILS_OPEN.keys())
def test_nbgrader_gives_full_marks(outputs: list[NotebookNode]) -> None:
    assert nbgraders_score(code_cell(*outputs)) == POINTS


@pytest.mark.slow
def test_nbgrader_gives_nothing_for_anything_on_stderr() -> None:
    warned = nbformat.v4.new_output("stream", name="stderr", text="a warning")
    assert nbgraders_score(code_cell(warned, result("80.0"))) == 0


@pytest.mark.slow
def test_nbgrader_stops_at_more_than_the_maximum() -> None:
    with pytest.raises(ValueError, match="greater than maximum"):
        nbgraders_score(code_cell(result("80.01")))


# What we hand to it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counted", "score"),
    [
        (40.0, 40.0),
        (numpy.float64(40.0), 40.0),
        (numpy.float32(40.0), 40.0),
        (float("nan"), 0.0),
        (numpy.float64("nan"), 0.0),
        (float("inf"), 0.0),
        (-0.01, 0.0),
        (80.01, POINTS),
    ],
)
def test_the_grade_cell_gets_one_plain_number_in_range(counted: Any, score: float) -> None:
    from qinlian.grading.preprocess import grade_outputs

    outputs = grade_outputs(graded(counted=counted), QUIZ, POINTS, 1)
    assert [o.output_type for o in outputs] == ["display_data", "execute_result"]
    assert float(outputs[1].data["text/plain"]) == score
    assert nbgraders_score(code_cell(*outputs)) == score


@pytest.mark.slow
def test_a_score_is_clamped_to_the_points_of_the_cell_in_the_gradebook() -> None:
    from qinlian.grading.preprocess import grade_outputs

    outputs = grade_outputs(graded(counted=80.0), QUIZ, 50.0, 1)
    assert nbgraders_score(code_cell(*outputs, points=50.0)) == 50.0


def lesson() -> NotebookNode:
    forged = code_cell(result("80.0"))
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1", outputs=[result("2")]), forged])


@pytest.mark.slow
def test_outputs_that_came_with_the_notebook_are_replaced() -> None:
    from qinlian.grading.preprocess import GradeFromAnswers

    step = GradeFromAnswers()
    step._assessment = lambda _: type("Assessment", (), {"grade": graded()})()
    nb, _ = step.preprocess(lesson(), {})
    assert nb.cells[0].outputs == []
    assert nbgraders_score(nb.cells[1]) == 40.0


@pytest.mark.slow
def test_a_grade_cell_that_is_no_quiz_of_ours_is_refused_by_name() -> None:
    from qinlian.grading.preprocess import GradeFromAnswers

    step = GradeFromAnswers()
    step._assessment = lambda _: type("Assessment", (), {"grade": graded()})()
    foreign = nbformat.v4.new_notebook(cells=[code_cell(grade_id="my-tests")])
    with pytest.raises(GradingError, match="my-tests"):
        step.preprocess(foreign, {})


# The manual cell's checksum


def manual_cell(source: str) -> NotebookNode:
    from nbgrader.utils import compute_checksum

    metadata = grade_metadata(solution=True, locked=False, grade_id="LZ-90-R1", points=20)
    cell = nbformat.v4.new_markdown_cell(ANSWER_PLACEHOLDER, metadata=metadata)
    cell.metadata.nbgrader["checksum"] = compute_checksum(cell)
    cell.source = source
    return cell


@pytest.mark.slow
def test_an_untouched_manual_cell_is_no_response_and_zero() -> None:
    from nbgrader.utils import determine_grade

    assert determine_grade(manual_cell(ANSWER_PLACEHOLDER)) == (0, 20)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["一个字", ANSWER_PLACEHOLDER, " "])
def test_a_manual_cell_with_any_text_of_the_learners_waits_for_a_person(text: str) -> None:
    from nbgrader.utils import determine_grade

    assert determine_grade(manual_cell(markdown_cell(text))) == (None, 20)


# Stock execution


@pytest.fixture
def graded_folder(tmp_path: Path) -> Path:
    """autograded/zhang/90-sample of a course with its key."""
    save_edition(tmp_path / "course", COURSE, MODULE, IDS)
    folder = tmp_path / "autograded" / "zhang" / MODULE.id
    folder.mkdir(parents=True)
    return folder


def test_lesson_grade_returns_a_plain_float_and_keeps_stderr_clean(
    graded_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[dict[str, Any]] = []
    score = grade_cell(QUIZ, graded_folder, shown.append)
    assert type(score) is float
    assert math.isfinite(score)
    assert repr(score) == "0.0"
    assert set(shown[0]) == {"text/html", "text/plain"}
    assert capsys.readouterr().err == ""


def test_lesson_grade_without_a_key_raises_for_silence_would_be_full_marks(
    graded_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(graded_folder.parents[2] / "course")
    monkeypatch.delenv("QINLIAN_COURSE", raising=False)
    with pytest.raises(GradingError, match="course"):
        grade_cell(QUIZ, graded_folder, lambda _: None)


def test_lesson_grade_of_an_unknown_quiz_raises(graded_folder: Path) -> None:
    with pytest.raises(GradingError, match="no-such-quiz"):
        grade_cell("no-such-quiz", graded_folder, lambda _: None)


def test_a_module_that_was_never_released_raises(graded_folder: Path) -> None:
    other = graded_folder.parent / "91-other"
    other.mkdir()
    with pytest.raises(GradingError, match="91-other"):
        grade_cell(QUIZ, other, lambda _: None)
