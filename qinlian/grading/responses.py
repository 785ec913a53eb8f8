"""Every answer of every attempt, in tables of our own in the gradebook's database.

``qinlian_attempt`` holds one row a submission, ``qinlian_quiz`` what it was to each quiz, and
``qinlian_response`` each drawn item and each reflection. ``qinlian_shown`` says which text stands
in each manually graded cell now, so that a new mark is asked for only where the text changed.
Grading a submission again replaces its rows and adds none.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from qinlian.grading.grades import ItemGrade, PastAttempt, PastQuiz, SubmissionGrade
from qinlian.toolpath import put_tools_on_path

__all__ = [
    "ATTEMPT",
    "QUIZ",
    "RESPONSE",
    "SHOWN",
    "Record",
    "Recorded",
    "aware",
    "histories",
    "mark_released",
    "naive",
    "open_engine",
    "persist",
    "recorded",
    "retrying",
    "set_shown",
    "shown",
    "writing",
]

_METADATA = MetaData()

ATTEMPT = Table(
    "qinlian_attempt",
    _METADATA,
    Column("identity", String(64), primary_key=True),
    Column("learner", String(128), nullable=False),
    Column("module", String(128), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("edition", String(64), nullable=False),
    Column("submitted_at", DateTime),
    Column("first_seen", DateTime, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("graded_at", DateTime, nullable=False),
    Column("released_at", DateTime),
    Column("code", String(32), nullable=False),
    Column("notes", Text, nullable=False),
    UniqueConstraint("learner", "module", "number"),
)

QUIZ = Table(
    "qinlian_quiz",
    _METADATA,
    Column("attempt", String(64), primary_key=True),
    Column("quiz", String(128), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("number", Integer, nullable=False),
    Column("draw", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("points", Float, nullable=False),
    Column("counted", Float, nullable=False),
)

RESPONSE = Table(
    "qinlian_response",
    _METADATA,
    Column("attempt", String(64), primary_key=True),
    Column("quiz", String(128), primary_key=True),
    Column("public_id", String(16), primary_key=True),
    Column("item", String(64), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("spoken", Text, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("fraction", Float),
    Column("earned", Float),
    Column("possible", Float, nullable=False),
    Column("problem", String(200), nullable=False),
)

SHOWN = Table(
    "qinlian_shown",
    _METADATA,
    Column("learner", String(128), primary_key=True),
    Column("module", String(128), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
)

_T = TypeVar("_T")
_BATCH = 400


@lru_cache(maxsize=8)
def open_engine(db_url: str) -> Engine:
    """The engine of a gradebook, with our tables in it; waits for locks rather than failing."""
    sqlite = db_url.startswith("sqlite")
    engine = create_engine(db_url, poolclass=NullPool, connect_args={"timeout": 30} if sqlite else {})
    if sqlite:
        # SQLite's driver would begin a reading transaction and fail to make it a writing one later.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", _begin)
    if not inspect(engine).get_table_names():
        _make_gradebook(db_url)
    retrying(lambda: _METADATA.create_all(engine))
    return engine


def _make_gradebook(db_url: str) -> None:
    # nbgrader marks a new database with its version only when it finds it empty, so it comes first.
    from nbgrader.api import Gradebook

    put_tools_on_path()
    with Gradebook(db_url):
        pass


def _begin(connection: Connection) -> None:
    writing_now = connection.get_execution_options().get("qinlian_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing_now else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that means to write from its start; committed unless an exception leaves it."""
    with engine.connect().execution_options(qinlian_writing=True) as connection, connection.begin():
        yield connection


def retrying(work: Callable[[], _T], tries: int = 5) -> _T:
    """Run ``work``, again after a while when the database was locked or somebody wrote the same rows."""
    for attempt in range(tries):
        try:
            return work()
        except (OperationalError, IntegrityError) as error:
            said = str(error.orig).lower()
            passing = isinstance(error, IntegrityError) or any(
                w in said for w in ("locked", "busy", "deadlock", "already exists")
            )
            if not passing or attempt == tries - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Recorded:
    """What is known of a submission that was recorded before."""

    number: int
    first_seen: datetime
    released_at: datetime | None


def naive(moment: datetime | None) -> datetime | None:
    """UTC without a zone, as nbgrader's tables and ours hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def aware(moment: datetime | None) -> datetime | None:
    """The other way round."""
    return moment.replace(tzinfo=UTC) if moment else None


def _chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


def histories(
    connection: Connection, module: str, learners: Sequence[str]
) -> tuple[dict[str, dict[str, PastAttempt]], dict[str, Recorded]]:
    """All recorded submissions of some learners to one module.

    Returns learner → identity → attempt, and identity → what was recorded of it.
    """
    attempts: dict[str, Any] = {}
    for part in _chunks(learners):
        query = select(ATTEMPT).where(ATTEMPT.c.module == module, ATTEMPT.c.learner.in_(part))
        attempts |= {row.identity: row for row in connection.execute(query)}
    if not attempts:
        return {}, {}
    items: dict[tuple[str, str], list[tuple[int, ItemGrade]]] = defaultdict(list)
    quizzes: dict[str, list[Any]] = defaultdict(list)
    for part in _chunks(list(attempts)):
        for row in connection.execute(select(RESPONSE).where(RESPONSE.c.attempt.in_(part), RESPONSE.c.quiz != "")):
            grade = ItemGrade(
                row.item, row.public_id, json.loads(row.value), row.spoken, row.fraction, row.possible, row.problem
            )
            items[row.attempt, row.quiz].append((row.place, grade))
        for row in connection.execute(select(QUIZ).where(QUIZ.c.attempt.in_(part))):
            quizzes[row.attempt].append(row)
    past: dict[str, dict[str, PastAttempt]] = defaultdict(dict)
    known: dict[str, Recorded] = {}
    for identity, row in attempts.items():
        past[row.learner][identity] = PastAttempt(
            number=row.number,
            late=row.late,
            released_at=aware(row.released_at),
            quizzes=tuple(
                PastQuiz(
                    quiz=q.quiz,
                    state=q.state,
                    number=q.number,
                    draw=q.draw,
                    score=q.score,
                    points=q.points,
                    items=tuple(g for _, g in sorted(items[identity, q.quiz], key=lambda pair: pair[0])),
                )
                for q in quizzes[identity]
            ),
        )
        known[identity] = Recorded(row.number, row.first_seen.replace(tzinfo=UTC), aware(row.released_at))
    return dict(past), known


def recorded(connection: Connection, identity: str) -> Recorded | None:
    """What was recorded of one submission, or None."""
    row = connection.execute(select(ATTEMPT).where(ATTEMPT.c.identity == identity)).first()
    return Recorded(row.number, row.first_seen.replace(tzinfo=UTC), aware(row.released_at)) if row else None


@dataclass(frozen=True)
class Record:
    """One graded submission, about to be kept."""

    identity: str
    grade: SubmissionGrade
    submitted_at: datetime | None
    first_seen: datetime
    graded_at: datetime


def _rows(record: Record) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    grade = record.grade
    attempt = {
        "identity": record.identity,
        "learner": grade.learner,
        "module": grade.module,
        "number": grade.number,
        "edition": grade.edition.edition,
        "submitted_at": naive(record.submitted_at),
        "first_seen": naive(record.first_seen),
        "late": grade.late,
        "graded_at": naive(record.graded_at),
        "code": grade.code,
        "notes": json.dumps(grade.notes, ensure_ascii=False),
    }
    quizzes, responses = [], []
    for quiz in grade.quizzes:
        quizzes.append(
            {
                "attempt": record.identity,
                "quiz": quiz.quiz.id,
                "state": quiz.state,
                "number": quiz.number,
                "draw": quiz.draw,
                "score": quiz.score,
                "points": quiz.quiz.points,
                "counted": quiz.counted,
            }
        )
        for place, item in enumerate(quiz.items):
            responses.append(
                {
                    "attempt": record.identity,
                    "public_id": item.public_id,
                    "quiz": quiz.quiz.id,
                    "item": item.item_id,
                    "place": place,
                    "value": json.dumps(item.value, ensure_ascii=False),
                    "spoken": item.spoken,
                    "answered": item.answered,
                    "fraction": item.fraction,
                    "earned": item.earned,
                    "possible": item.possible,
                    "problem": item.problem,
                }
            )
    for place, reflection in enumerate(grade.reflections):
        responses.append(
            {
                "attempt": record.identity,
                "public_id": reflection.public_id,
                "quiz": "",
                "item": reflection.item.id,
                "place": place,
                "value": json.dumps(reflection.text, ensure_ascii=False),
                "spoken": reflection.text or "",
                "answered": reflection.text is not None,
                "fraction": None,
                "earned": None,
                "possible": reflection.item.points,
                "problem": reflection.problem,
            }
        )
    return attempt, quizzes, responses


def persist(connection: Connection, records: Iterable[Record], known: Iterable[str]) -> None:
    """Keep graded submissions; those whose identity is in ``known`` replace their old rows.

    A submission's first_seen and released_at stay as they were first written.
    """
    old = set(known)
    new_attempts, quizzes, responses, replaced = [], [], [], []
    for record in records:
        attempt, quiz_rows, response_rows = _rows(record)
        quizzes += quiz_rows
        responses += response_rows
        if record.identity in old:
            replaced.append(record.identity)
            kept = {k: v for k, v in attempt.items() if k not in ("identity", "first_seen", "number")}
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.identity == record.identity).values(**kept))
        else:
            new_attempts.append(attempt)
    for part in _chunks(replaced):
        connection.execute(delete(RESPONSE).where(RESPONSE.c.attempt.in_(part)))
        connection.execute(delete(QUIZ).where(QUIZ.c.attempt.in_(part)))
    for table, rows in ((ATTEMPT, new_attempts), (QUIZ, quizzes), (RESPONSE, responses)):
        if rows:
            connection.execute(insert(table), rows)


def mark_released(connection: Connection, identity: str, moment: datetime) -> None:
    """Remember when a submission's result went out; the first time counts."""
    connection.execute(
        update(ATTEMPT)
        .where(ATTEMPT.c.identity == identity, ATTEMPT.c.released_at.is_(None))
        .values(released_at=naive(moment))
    )


def shown(connection: Connection, module: str, learners: Sequence[str]) -> dict[tuple[str, str], str]:
    """(learner, reflection) → digest of the text that stands in its cell."""
    found: dict[tuple[str, str], str] = {}
    for part in _chunks(learners):
        query = select(SHOWN).where(SHOWN.c.module == module, SHOWN.c.learner.in_(part))
        found |= {(row.learner, row.item): row.digest for row in connection.execute(query)}
    return found


def set_shown(
    connection: Connection, module: str, digests: dict[tuple[str, str], str], before: dict[tuple[str, str], str]
) -> None:
    """Write down which text stands in which cell; ``before`` is what ``shown`` said of them."""
    rows = [
        {"who": who, "which": item, "digest": digest}
        for (who, item), digest in digests.items()
        if (who, item) in before and before[who, item] != digest
    ]
    if rows:
        mine = (SHOWN.c.learner == bindparam("who"), SHOWN.c.module == module, SHOWN.c.item == bindparam("which"))
        connection.execute(update(SHOWN).where(*mine).values(digest=bindparam("digest")), rows)
    rows = [
        {"learner": who, "module": module, "item": item, "digest": digest}
        for (who, item), digest in digests.items()
        if (who, item) not in before
    ]
    if rows:
        connection.execute(insert(SHOWN), rows)
