"""What nbgrader holds of every learner and module, added up in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.engine import Connection

from qinlian.grading.tables import ASSIGNMENT, GRADE, SUBMITTED_ASSIGNMENT, SUBMITTED_NOTEBOOK

__all__ = ["Marks", "marks"]


class Marks(NamedTuple):
    """One submission as nbgrader's tables hold it.

    ``points`` (None before anything was graded) are without ``penalty``, which being late took off. ``unread`` is 1
    while somebody must still give a mark. Moments are UTC without a zone.
    """

    account: str
    module: str
    submitted_at: datetime | None
    extension: timedelta | None
    points: float | None
    unread: int | None
    penalty: float | None


def marks(connection: Connection, modules: Sequence[str]) -> list[Marks]:
    """One a learner and module that nbgrader holds a submission of, or room for one."""
    a, sa, sn, g = ASSIGNMENT, SUBMITTED_ASSIGNMENT, SUBMITTED_NOTEBOOK, GRADE
    # nbgrader's own rule: a manual mark, where there is one, stands in the place of the automatic one.
    mark = func.coalesce(g.c.manual_score, g.c.auto_score, 0.0) + func.coalesce(g.c.extra_credit, 0.0)
    notebooks = (
        select(
            g.c.notebook_id.label("id"),
            func.sum(mark).label("points"),
            # PostgreSQL has no greatest of truth values.
            func.max(case((g.c.needs_manual_grade, 1), else_=0)).label("unread"),
        )
        .group_by(g.c.notebook_id)
        .subquery()
    )
    submissions = (
        select(
            sn.c.assignment_id.label("id"),
            func.sum(notebooks.c.points).label("points"),
            func.max(notebooks.c.unread).label("unread"),
            func.sum(sn.c.late_submission_penalty).label("penalty"),
        )
        .outerjoin(notebooks, notebooks.c.id == sn.c.id)
        .group_by(sn.c.assignment_id)
        .subquery()
    )
    query = (
        select(
            sa.c.student_id,
            a.c.name,
            sa.c.timestamp,
            sa.c.extension,
            submissions.c.points,
            submissions.c.unread,
            submissions.c.penalty,
        )
        .join(a, a.c.id == sa.c.assignment_id)
        .outerjoin(submissions, submissions.c.id == sa.c.id)
        .where(a.c.name.in_(modules))
    )
    return [Marks(*row) for row in connection.execute(query).all()]
