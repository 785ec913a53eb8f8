"""More time for one learner: nbgrader's extension of one submission, also before there is any.

The worker notices by itself and grades again what was graded as late.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from qinlian.database import naive
from qinlian.errors import GradingError
from qinlian.grading.gradebook import layout
from qinlian.grading.tables import ASSIGNMENT, COMMENT, GRADE, STUDENT, SUBMITTED_ASSIGNMENT, SUBMITTED_NOTEBOOK

__all__ = ["give_time", "take_back_time"]


def give_time(connection: Connection, module: str, learner: str, until: datetime) -> None:
    """Let ``learner`` hand ``module`` in until ``until`` (aware); an earlier extension is replaced.

    ``connection`` must be writing. Raises GradingError when the module has no due date, or ``until`` is not after it.
    """
    due = connection.execute(select(ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.name == module)).scalar()
    moment = naive(until)
    if due is None or moment is None:
        raise GradingError("这个模块没有截止时间，随时可以交，不用延期")
    if moment <= due:
        raise GradingError("新的截止时间要晚于模块原来的截止时间；请改后再试")
    submission = _submission(connection, module, learner)
    if submission is None:
        submission = _make(connection, module, learner)
    _set(connection, submission, moment - due)


def take_back_time(connection: Connection, module: str, learner: str) -> bool:
    """Let the module's own due date hold again for ``learner``; False when there was no extension."""
    # The rows stay: grading may be filling them at this moment.
    submission = _submission(connection, module, learner)
    return submission is not None and _set(connection, submission, None)


def _submission(connection: Connection, module: str, learner: str) -> str | None:
    query = (
        select(SUBMITTED_ASSIGNMENT.c.id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED_ASSIGNMENT.c.assignment_id)
        .where(ASSIGNMENT.c.name == module, SUBMITTED_ASSIGNMENT.c.student_id == learner)
    )
    return connection.execute(query).scalar()


def _set(connection: Connection, submission: str, extension: Any) -> bool:
    row = SUBMITTED_ASSIGNMENT.c.id == submission
    before = connection.execute(select(SUBMITTED_ASSIGNMENT.c.extension).where(row)).scalar()
    connection.execute(update(SUBMITTED_ASSIGNMENT).where(row).values(extension=extension))
    return before is not None


def _make(connection: Connection, module: str, learner: str) -> str:
    """All rows of a submission, empty, as nbgrader makes them: its autograde fills them and makes none itself."""
    plan = layout(connection, module)
    if plan is None:
        raise GradingError("成绩册里还没有这个模块；请先生成并发布课程，再来延期")
    if connection.execute(select(STUDENT.c.id).where(STUDENT.c.id == learner)).scalar() is None:
        names = dict.fromkeys(("first_name", "last_name", "email", "lms_user_id"))
        connection.execute(insert(STUDENT).values(id=learner, **names))
    submission, notebook = uuid4().hex, uuid4().hex
    connection.execute(
        insert(SUBMITTED_ASSIGNMENT).values(
            id=submission, assignment_id=plan.assignment, student_id=learner, timestamp=None, extension=None
        )
    )
    connection.execute(
        insert(SUBMITTED_NOTEBOOK).values(
            id=notebook,
            assignment_id=submission,
            notebook_id=plan.notebook,
            flagged=False,
            late_submission_penalty=None,
        )
    )
    blank = {"auto_score": None, "manual_score": None, "extra_credit": None}
    grades = [
        # Not nbgrader's default: nothing is there that a person could mark.
        {"id": uuid4().hex, "notebook_id": notebook, "cell_id": cell, **blank, "needs_manual_grade": False}
        for cell in plan.grade_cells.values()
    ]
    comments = [
        {"id": uuid4().hex, "notebook_id": notebook, "cell_id": cell, "auto_comment": None, "manual_comment": None}
        for cell in plan.solution_cells.values()
    ]
    for table, rows in ((GRADE, grades), (COMMENT, comments)):
        if rows:
            connection.execute(insert(table), rows)
    return submission
