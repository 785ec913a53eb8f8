"""Every answer of every attempt, kept in tables of our own in the gradebook's database.

Grading a submission again replaces its rows and adds none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Engine, bindparam, create_engine, delete, event, insert, inspect, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.response_tables import ATTEMPT, METADATA, QUIZ, RESPONSE, SHOWN
from qinlian.toolpath import put_tools_on_path

__all__ = [
    "Record",
    "aware",
    "chunks",
    "mark_released",
    "naive",
    "open_engine",
    "persist",
    "retrying",
    "set_shown",
    "shown",
    "writing",
]

_T = TypeVar("_T")
_BATCH = 400


@lru_cache(maxsize=8)
def open_engine(db_url: str) -> Engine:
    """The engine of a gradebook, with our tables in it; waits for locks rather than failing."""
    sqlite = db_url.startswith("sqlite")
    # The parameters of a statement are what learners wrote, and an error's text gets into logs.
    engine = create_engine(
        db_url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 30} if sqlite else {}
    )
    if sqlite:
        # SQLite's driver would begin a reading transaction and fail to make it a writing one later.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", _begin)
    if not inspect(engine).get_table_names():
        _make_gradebook(db_url)
    retrying(lambda: METADATA.create_all(engine))
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


def naive(moment: datetime | None) -> datetime | None:
    """UTC without a zone, as nbgrader's tables and ours hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def aware(moment: datetime | None) -> datetime | None:
    """The other way round."""
    return moment.replace(tzinfo=UTC) if moment else None


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """``values`` in parts, each small enough for one statement."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


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
                    "variant": item.variant,
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
                "variant": None,
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
    for part in chunks(replaced):
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
    for part in chunks(learners):
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
