"""One submission folder and the gradebook to a SubmissionGrade: where score.grade meets the world.

Every way of grading comes through here: nbgrader's autograde, stock execution, bulk, the worker.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import DateTime, String, Text, column, inspect, select, table
from sqlalchemy.engine import Connection

from qinlian.core.files import AnswerFile
from qinlian.errors import GradingError
from qinlian.grading.arrivals import secret_digest
from qinlian.grading.editions import Edition, current_edition, find_edition
from qinlian.grading.grades import PastAttempt, SubmissionGrade
from qinlian.grading.late import Deadline, deadline
from qinlian.grading.responses import (
    Record,
    Recorded,
    histories,
    open_engine,
    persist,
    retrying,
    writing,
)
from qinlian.grading.score import grade
from qinlian.grading.submission import Submission, read_submission
from qinlian.grading.tables import BASE_CELL, GRADE_CELL, NOTEBOOK

__all__ = [
    "Assessment",
    "Past",
    "Seen",
    "assess",
    "assess_folder",
    "cell_points",
    "course_folder",
    "keep",
    "past_of",
    "record_only",
]

COURSE_VARIABLE = "QINLIAN_COURSE"
_ARRIVAL = table(
    "qinlian_arrival",
    column("module", String),
    column("secret", String),
    column("first_seen", DateTime),
    column("notes", Text),
)


@dataclass(frozen=True)
class Seen:
    """When a submission's folder was first seen in the exchange, and what was said of it then."""

    first_seen: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """What the gradebook knows of some learners in one module before they are graded."""

    attempts: Mapping[str, Mapping[str, PastAttempt]]
    recorded: Mapping[str, Recorded]
    deadline: Deadline
    arrivals: Mapping[str, Seen]


@dataclass(frozen=True)
class Assessment:
    """A submission, its grade, and when it was seen first."""

    submission: Submission
    grade: SubmissionGrade
    first_seen: datetime
    seconds_late: float

    def record(self, now: datetime) -> Record:
        """What the responses tables keep of it."""
        return Record(self.submission.identity, self.grade, self.submission.submitted_at, self.first_seen, now)


def course_folder(start: Path) -> Path:
    """The ``course`` folder: $QINLIAN_COURSE, else the nearest one above ``start``.

    Raises GradingError when there is none: without the key nothing may be graded.
    """
    named = os.environ.get(COURSE_VARIABLE)
    if named:
        if (Path(named) / "editions").is_dir():
            return Path(named)
        raise GradingError(f"环境变量 {COURSE_VARIABLE} 指的文件夹里没有课程存档（editions），无法评分")
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "course" / "editions").is_dir():
            return folder / "course"
    raise GradingError("没有找到带存档的 course 文件夹，无法评分；请在课程仓库里运行，并先发布模块")


def cell_points(connection: Connection, module: str) -> dict[str, float]:
    """Grade cell → points of the module's notebook in the gradebook; empty before it is generated."""
    query = (
        select(BASE_CELL.c.name, GRADE_CELL.c.max_score)
        .select_from(BASE_CELL)
        .join(GRADE_CELL, GRADE_CELL.c.id == BASE_CELL.c.id)
        .join(NOTEBOOK, NOTEBOOK.c.id == BASE_CELL.c.notebook_id)
        .where(NOTEBOOK.c.name == module)
    )
    return {row.name: row.max_score for row in connection.execute(query)}


def _arrivals(connection: Connection, module: str, submissions: Sequence[Submission]) -> dict[str, Seen]:
    """Identity → how the submission's folder came, for those that came through the exchange."""
    if not inspect(connection).has_table(_ARRIVAL.name):
        return {}
    wanted = {secret_digest(s.secret): s.identity for s in submissions if s.secret}
    found: dict[str, Seen] = {}
    for start in range(0, len(wanted), 400):
        part = list(wanted)[start : start + 400]
        query = select(_ARRIVAL).where(_ARRIVAL.c.module == module, _ARRIVAL.c.secret.in_(part))
        for row in connection.execute(query):
            found[wanted[row.secret]] = Seen(row.first_seen.replace(tzinfo=UTC), tuple(json.loads(row.notes)))
    return found


def past_of(connection: Connection, module: str, submissions: Sequence[Submission]) -> Past:
    """Everything that grading these submissions to one module depends on in the gradebook."""
    learners = [s.learner for s in submissions]
    attempts, recorded = histories(connection, module, learners)
    arrivals = _arrivals(connection, module, submissions)
    return Past(attempts, recorded, deadline(connection, module, learners), arrivals)


def assess(
    submission: Submission,
    past: Past,
    course_dir: Path,
    now: datetime,
    points: Mapping[str, float] | None = None,
    current: Edition | None = None,
) -> Assessment:
    """Grade one submission against what the gradebook knows; writes nothing.

    ``now`` (aware) stands in for the time of arrival when nobody saw the submission come.
    ``current`` is the module's newest edition, looked up unless given. Raises GradingError when
    there is none.
    """
    current = current or current_edition(course_dir, submission.module)
    named: Edition | None = current
    if isinstance(submission.answers, AnswerFile) and submission.answers.edition != current.edition:
        named = find_edition(course_dir, submission.module, submission.answers.edition)
    attempts = past.attempts.get(submission.learner, {})
    known = past.recorded.get(submission.identity)
    others = [attempt for identity, attempt in attempts.items() if identity != submission.identity]
    number = known.number if known else 1 + max((a.number for a in others), default=0)
    arrival = past.arrivals.get(submission.identity, Seen(now))
    first_seen = known.first_seen if known else arrival.first_seen
    seconds = past.deadline.seconds_late(submission.learner, submission.submitted_at)
    graded = grade(
        current=current,
        named=named,
        learner=submission.learner,
        answers=submission.answers,
        history=others,
        number=number,
        seen_at=first_seen,
        late=seconds > 0,
        closed=past.deadline.passed(submission.learner, now),
        notes=arrival.notes,
        points=points,
    )
    return Assessment(submission, graded, first_seen, seconds)


def assess_folder(
    db_url: str, folder: Path, learner: str, module: str, course_dir: Path, now: datetime | None = None
) -> Assessment:
    """Read and grade one submission folder; writes nothing."""
    submission = read_submission(folder, learner, module)
    with open_engine(db_url).connect() as connection:
        past = past_of(connection, module, [submission])
        points = cell_points(connection, module)
    return assess(submission, past, course_dir, now or datetime.now(UTC), points)


def keep(connection: Connection, assessments: Sequence[Assessment], past: Past, now: datetime) -> None:
    """Write the responses of graded submissions."""
    persist(connection, [a.record(now) for a in assessments], past.recorded)


def record_only(
    db_url: str, folder: Path, learner: str, module: str, course_dir: Path, now: datetime | None = None
) -> Assessment:
    """Grade and keep a submission that does not go into ``submitted/``: nbgrader's rows stay as they are.

    For a late attempt after one on time, or one that a newer one has overtaken. Kept already, it is
    replaced. Call in order of arrival: the place in that order is the attempt's number.
    """
    submission = read_submission(folder, learner, module)
    moment = now or datetime.now(UTC)

    def work() -> Assessment:
        with writing(open_engine(db_url)) as connection:
            past = past_of(connection, module, [submission])
            done = assess(submission, past, course_dir, moment, cell_points(connection, module))
            keep(connection, [done], past, moment)
        return done

    return retrying(work)
