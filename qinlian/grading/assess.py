"""One submission folder and the gradebook to a SubmissionGrade: where score.grade meets the world.

Every way of grading comes through here: nbgrader's autograde, stock execution, bulk, the worker.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Connection

from qinlian.core.files import AnswerFile
from qinlian.database import retrying, writing
from qinlian.errors import GradingError
from qinlian.grading.arrivals import Seen, seen_with
from qinlian.grading.editions import Edition, current_edition, find_edition
from qinlian.grading.grades import PastAttempt, SubmissionGrade
from qinlian.grading.history import Recorded, histories
from qinlian.grading.late import Deadline, deadline
from qinlian.grading.responses import Record, open_engine, persist
from qinlian.grading.score import grade
from qinlian.grading.submission import Submission, read_submission
from qinlian.grading.tables import BASE_CELL, GRADE_CELL, NOTEBOOK

__all__ = [
    "Assessment",
    "Past",
    "assess",
    "assess_folder",
    "cell_points",
    "course_folder",
    "grade_and_keep",
    "keep",
    "past_of",
    "record_only",
]

COURSE_VARIABLE = "QINLIAN_COURSE"


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

    Releasing archives editions there and grading reads them, so both must ask here. Raises
    GradingError when there is none: without the key nothing may be graded.
    """
    named = os.environ.get(COURSE_VARIABLE)
    if named:
        if _is_course(Path(named)):
            return Path(named)
        raise GradingError(f"环境变量 {COURSE_VARIABLE} 指的不是课程文件夹，无法评分或发布；请改正或去掉它")
    for folder in (start.resolve(), *start.resolve().parents):
        if _is_course(folder / "course"):
            return folder / "course"
    raise GradingError("没有找到 course 文件夹，无法评分或发布；请在课程仓库里运行")


def _is_course(folder: Path) -> bool:
    return (folder / "course.yaml").is_file() or (folder / "editions").is_dir()


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
    came = seen_with(connection, module, [s.secret for s in submissions if s.secret])
    return {s.identity: came[s.secret] for s in submissions if s.secret in came}


def past_of(connection: Connection, module: str, submissions: Sequence[Submission]) -> Past:
    """Everything that grading these submissions to one module depends on in the gradebook."""
    learners = [s.learner for s in submissions]
    due = deadline(connection, module, learners)
    attempts, recorded = histories(connection, module, learners, due)
    return Past(attempts, recorded, due, _arrivals(connection, module, submissions))


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
        before=attempts.get(submission.identity),
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


def grade_and_keep(connection: Connection, submission: Submission, course_dir: Path, now: datetime) -> Assessment:
    """Grade one submission against what the gradebook knows in this transaction, and write its responses."""
    past = past_of(connection, submission.module, [submission])
    done = assess(submission, past, course_dir, now, cell_points(connection, submission.module))
    keep(connection, [done], past, now)
    return done


def _no_check(_: Connection) -> None:
    return None


def record_only(
    db_url: str,
    folder: Path,
    learner: str,
    module: str,
    course_dir: Path,
    now: datetime | None = None,
    check: Callable[[Connection], None] = _no_check,
) -> Assessment:
    """Grade and keep a submission that does not go into ``submitted/``: nbgrader's rows stay as they are.

    For a late attempt after one on time, or one that a newer one has overtaken. Kept already, it is
    replaced. Call in order of arrival: the place in that order is the attempt's number. ``check`` is
    called in the transaction, before anything is read or written, and may raise.
    """
    submission = read_submission(folder, learner, module)
    moment = now or datetime.now(UTC)

    def work() -> Assessment:
        with writing(open_engine(db_url)) as connection:
            check(connection)
            return grade_and_keep(connection, submission, course_dir, moment)

    return retrying(work)
