"""Deadlines as nbgrader counts them: due date plus a learner's extension, in naive UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.engine import Connection

from qinlian.database import aware, chunks, naive
from qinlian.grading.tables import ASSIGNMENT, SUBMITTED_ASSIGNMENT

__all__ = ["Deadline", "checked_penalty", "deadline", "handed_in", "late_note"]


@dataclass(frozen=True)
class Deadline:
    """The due date of one module, None without one, and who was given more time."""

    due: datetime | None
    extensions: Mapping[str, timedelta]

    def of(self, learner: str) -> datetime | None:
        """The learner's own due date."""
        return None if self.due is None else self.due + self.extensions.get(learner, timedelta())

    def seconds_late(self, learner: str, submitted_at: datetime | None) -> float:
        """How late a submission (aware time, None when unknown) is; 0 when it is on time."""
        due, moment = self.of(learner), naive(submitted_at)
        if due is None or moment is None:
            return 0.0
        return max(0.0, (moment - due).total_seconds())

    def passed(self, learner: str, now: datetime) -> bool:
        """True when the learner's due date is over."""
        due, moment = self.of(learner), naive(now)
        return due is not None and moment is not None and moment > due


def deadline(connection: Connection, module: str, learners: Sequence[str]) -> Deadline:
    """Read the due date and these learners' extensions from nbgrader's tables."""
    row = connection.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.name == module)).first()
    if row is None or row.duedate is None:
        return Deadline(None, {})
    extensions: dict[str, timedelta] = {}
    for part in chunks(learners):
        query = select(SUBMITTED_ASSIGNMENT.c.student_id, SUBMITTED_ASSIGNMENT.c.extension).where(
            SUBMITTED_ASSIGNMENT.c.assignment_id == row.id,
            SUBMITTED_ASSIGNMENT.c.student_id.in_(part),
            SUBMITTED_ASSIGNMENT.c.extension.is_not(None),
        )
        extensions |= {found.student_id: found.extension for found in connection.execute(query)}
    return Deadline(row.duedate, extensions)


def handed_in(connection: Connection, module: str, learner: str) -> datetime | None:
    """When (aware) the submission came that nbgrader holds; None without one."""
    query = (
        select(SUBMITTED_ASSIGNMENT.c.timestamp)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED_ASSIGNMENT.c.assignment_id)
        .where(ASSIGNMENT.c.name == module, SUBMITTED_ASSIGNMENT.c.student_id == learner)
    )
    return aware(connection.execute(query).scalar())


def late_note(penalty: float, *, on_time: bool) -> str:
    """What being late meant for a submission, in words for the learner.

    ``penalty`` are the points nbgrader took off; ``on_time``: something had been handed in before the due date.
    """
    if on_time:
        return "逾期提交：截止前已经交过，成绩以截止前的为准"
    return f"逾期提交：扣 {penalty:g} 分" if penalty > 0 else "逾期提交：没有扣分"


def checked_penalty(penalty: float | None, score: float) -> float | None:
    """What the late plugin asked for, kept within [0, score] as AssignLatePenalties does."""
    if penalty is None:
        return None
    return 0.0 if penalty < 0 else min(penalty, score)
