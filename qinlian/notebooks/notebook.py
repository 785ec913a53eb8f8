"""A module as an nbgrader source notebook, the same bytes every time."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from qinlian.core.identity import Identity
from qinlian.core.model import (
    Case,
    CaseBlock,
    Course,
    Item,
    ItemBlock,
    Module,
    PracticeBlock,
    Prose,
    QuizBlock,
    ReflectionBlock,
)
from qinlian.notebooks.placeholder import ANSWER_PLACEHOLDER

__all__ = ["ANSWER_PLACEHOLDER", "notebook_bytes", "source_notebook"]

_SECTION = re.compile(r"(?m)^(?=## )")


class _Cells:
    """Collects cells, giving each an id that depends on the module and its place in the lesson."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self.cells: list[NotebookNode] = []
        self._names: dict[str, int] = {}

    def _id(self, name: str) -> str:
        count = self._names[name] = self._names.get(name, 0) + 1
        return hashlib.sha256(f"{self._module.id}\0{name}\0{count}".encode()).hexdigest()[:12]

    def add(self, kind: str, role: str, source: str, nbgrader: dict[str, Any] | None = None, **marks: str) -> None:
        metadata: dict[str, Any] = {"qinlian": {"role": role, **marks}}
        if nbgrader is not None:
            metadata["nbgrader"] = {"schema_version": 3, "task": False, **nbgrader}
        elif role != "answer":
            metadata |= {"deletable": False, "editable": False}
        name = (nbgrader or {}).get("grade_id") or marks.get("block") or role
        new_cell = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        self.cells.append(new_cell(source, id=self._id(str(name)), metadata=metadata))

    def prose(self, text: str, **marks: str) -> None:
        """Markdown, one cell a section, so that a reader on a phone gets short cells."""
        for part in _SECTION.split(text):
            if part.strip():
                self.add("markdown", "prose", part.strip(), None, **marks)

    def block(self, block_id: str) -> None:
        self.add("code", "block", f'lesson.show("{block_id}")', block=block_id)


def _intro(module: Module) -> str:
    lines = [f"# {module.title}", ""]
    if module.objectives:
        lines += [f"**学完这一课，您能**（约 {module.hours:g} 学时）", ""]
        lines += [f"- {objective}" for objective in module.objectives]
    return "\n".join(lines).strip()


def _case(cells: _Cells, case: Case, ids: Identity) -> None:
    fitting = f"　适合：{'、'.join(case.audience)}" if case.audience else ""
    cells.prose(f"### {case.title}\n\n*教学案例（虚构）*{fitting}", part="case-title", tone=case.kind)
    for part in case.parts:
        if isinstance(part, Prose):
            cells.prose(part.text, part="case", tone=case.kind)
        else:
            cells.block(ids.of(part.item, "block"))


def _quiz(cells: _Cells, quiz: QuizBlock) -> None:
    cells.block(quiz.id)
    cells.add(
        "code",
        "grade",
        f'lesson.grade("{quiz.id}")',
        {"grade": True, "solution": False, "locked": True, "points": quiz.weight, "grade_id": quiz.id},
    )


def _rubric(item: Item) -> str:
    lines = [item.stem, "", f"**评分细则**（共 {item.points:g} 分，由老师评阅）", ""]
    lines += [f"- {e.text}（{float(e.mark):g} 分）" for e in item.elements]
    return "\n".join(lines)


def _reflection(cells: _Cells, item: Item) -> None:
    cells.add(
        "markdown",
        "rubric",
        _rubric(item),
        {"grade": False, "solution": False, "locked": True, "grade_id": f"{item.id}-rubric"},
    )
    cells.block(item.id)
    cells.add(
        "markdown",
        "answer",
        ANSWER_PLACEHOLDER,
        {"grade": True, "solution": True, "locked": False, "points": item.points, "grade_id": item.id},
    )


def source_notebook(course: Course, module: Module, ids: Identity) -> NotebookNode:
    """The notebook of one module, valid nbformat 4.5 with nbgrader's metadata (schema 3)."""
    cells = _Cells(module)
    cells.prose(_intro(module), part="title")
    cells.add("code", "setup", "from qinlian import open_lesson\n\nlesson = open_lesson()")
    for block in module.blocks:
        if isinstance(block, Prose):
            cells.prose(block.text)
        elif isinstance(block, ItemBlock):
            cells.block(ids.of(block.item, "block"))
        elif isinstance(block, PracticeBlock):
            cells.block(block.id)
        elif isinstance(block, CaseBlock):
            _case(cells, module.case(block.case), ids)
        elif isinstance(block, QuizBlock):
            _quiz(cells, block)
        elif isinstance(block, ReflectionBlock):
            _reflection(cells, module.item(block.item))
    notebook: NotebookNode = nbformat.v4.new_notebook(
        cells=cells.cells,
        metadata={
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "qinlian": {"course": course.id, "module": module.id, "title": module.title, "lesson": True},
        },
    )
    nbformat.validate(notebook)
    return notebook


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """The notebook as Jupyter writes it: sorted keys, one line of text a line, a final line break."""
    text: str = nbformat.writes(notebook)
    return (text.rstrip("\n") + "\n").encode()
