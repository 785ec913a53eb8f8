"""What ``lesson.grade`` runs under nbgrader's own Execute (NBGRADER_EXECUTION=autograde).

Only a process that can see ``course/`` gets a number out of it. Nothing here imports nbgrader, and
nothing is written to stderr, which nbgrader would take for a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qinlian.core.scoring import plain_score
from qinlian.errors import GradingError
from qinlian.grading.assess import Past, assess, assess_folder, course_folder
from qinlian.grading.explain import explain, summary
from qinlian.grading.late import Deadline
from qinlian.grading.submission import read_submission

__all__ = ["GRADEBOOK_VARIABLE", "grade_cell"]

GRADEBOOK_VARIABLE = "QINLIAN_GRADEBOOK"
"""The gradebook's address, for who grades by stock execution; without it every submission counts as a first."""


def _display(data: dict[str, Any]) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data)


def grade_cell(quiz_id: str, folder: Path | None = None, show: Callable[[dict[str, Any]], None] = _display) -> float:
    """Show the result of one quiz and return its score, a plain float in [0, points].

    ``folder`` is the submission, ``…/<learner>/<module>``: the working directory unless given.
    Raises GradingError when the key or the quiz cannot be found: silence would be full marks.
    """
    here = (folder or Path.cwd()).resolve()
    learner, module = here.parent.name, here.name
    course_dir = course_folder(here)
    db_url = os.environ.get(GRADEBOOK_VARIABLE)
    if db_url:
        done = assess_folder(db_url, here, learner, module, course_dir)
    else:
        nothing = Past({}, {}, Deadline(None, {}), {})
        done = assess(read_submission(here, learner, module), nothing, course_dir, datetime.now(UTC))
    try:
        quiz = done.grade.quiz(quiz_id)
    except KeyError:
        raise GradingError(f"模块 {module} 里没有测验 {quiz_id}，不能评分；请先运行 qinlian build 并重新发布") from None
    show({"text/html": explain(done.grade, quiz), "text/plain": summary(quiz)})
    return plain_score(quiz.counted, quiz.quiz.weight)
