"""The source notebook: what cells it has, and that it is the same every time."""

from __future__ import annotations

import nbformat

from qinlian.notebooks.notebook import ANSWER_PLACEHOLDER, notebook_bytes, source_notebook
from tests.sample import COURSE, IDS, MODULE

NOTEBOOK = source_notebook(COURSE, MODULE, IDS)


def _role(name: str) -> list[nbformat.NotebookNode]:
    return [c for c in NOTEBOOK.cells if c.metadata.qinlian.role == name]


def test_it_is_valid_and_reads_back_the_same() -> None:
    data = notebook_bytes(NOTEBOOK)
    again = nbformat.reads(data.decode(), as_version=4)
    nbformat.validate(again)
    assert notebook_bytes(again) == data


def test_it_is_the_same_bytes_every_time() -> None:
    assert notebook_bytes(source_notebook(COURSE, MODULE, IDS)) == notebook_bytes(NOTEBOOK)


def test_cell_ids_are_unique() -> None:
    ids = [c.id for c in NOTEBOOK.cells]
    assert len(set(ids)) == len(ids)


def test_each_quiz_has_one_visible_grade_line() -> None:
    (cell,) = _role("grade")
    assert cell.source == 'lesson.grade("90-exam")'
    assert cell.metadata.nbgrader["points"] == 80
    assert cell.metadata.nbgrader["grade_id"] == "90-exam"
    assert cell.metadata.nbgrader["grade"]
    assert not cell.metadata.nbgrader["solution"]


def test_a_reflection_is_graded_by_hand_below_its_criteria() -> None:
    (rubric,), (answer,) = _role("rubric"), _role("answer")
    assert "评分细则" in rubric.source
    assert "联系本人岗位（12 分）" in rubric.source
    assert answer.source == ANSWER_PLACEHOLDER
    assert answer.metadata.nbgrader["solution"]
    assert answer.metadata.nbgrader["grade"]
    assert NOTEBOOK.cells.index(rubric) < NOTEBOOK.cells.index(answer)


def test_a_case_is_marked_as_fiction() -> None:
    titles = [c.source for c in NOTEBOOK.cells if c.metadata.qinlian.get("part") == "case-title"]
    assert titles == ["### 一盒茶叶\n\n*教学案例（虚构）*"]


def test_no_code_but_the_lesson_lines() -> None:
    code = [c.source for c in NOTEBOOK.cells if c.cell_type == "code"]
    assert code[0] == "from qinlian import open_lesson\n\nlesson = open_lesson()"
    assert all(line.startswith(("lesson.show(", "lesson.grade(")) for line in code[1:])
