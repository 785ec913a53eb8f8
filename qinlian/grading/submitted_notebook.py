"""What to say of the notebook that came with a submission. It is never graded and never run."""

from __future__ import annotations

import json
from collections.abc import Callable

from qinlian.core.model import Course
from qinlian.grading.editions import Edition
from qinlian.notebooks.notebook import source_notebook

__all__ = ["notebook_note"]

_UNAFFECTED = "评分只看答题记录，得分不受影响"
Cells = list[tuple[str, str]]


def _cells(data: bytes) -> Cells:
    cells = json.loads(data.decode("utf-8"))["cells"]
    return [(str(c["cell_type"]), c["source"] if isinstance(c["source"], str) else "".join(c["source"])) for c in cells]


def _cells_of(edition: Edition) -> Cells:
    course = Course(id=edition.course_id, title=edition.course_title)
    return [(c.cell_type, c.source) for c in source_notebook(course, edition.module, edition.ids).cells]


def notebook_note(
    submitted: bytes | None, released: bytes, answered: Callable[[], Edition | None] = lambda: None
) -> str:
    """A Chinese sentence about the notebook; empty when its cells are those that were handed out.

    ``released`` is the notebook released now; ``answered`` gives the edition that the learner
    answered, which may be an earlier one with another text, and is asked only when it matters.
    """
    if submitted is None:
        return f"没有收到课文笔记本；{_UNAFFECTED}"
    try:
        cells = _cells(submitted)
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"交来的课文笔记本已损坏；{_UNAFFECTED}"
    if cells == _cells(released):
        return ""
    edition = answered()
    if edition is not None and cells == _cells_of(edition):
        return ""
    return f"交来的课文笔记本里，单元格有增减或改动；{_UNAFFECTED}"
