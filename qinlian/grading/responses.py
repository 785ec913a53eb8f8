"""Every answer of every attempt, kept in tables of our own in the gradebook's database.

Grading a submission again replaces its rows and adds none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from qinlian import database
from qinlian.database import chunks, naive
from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.response_tables import ATTEMPT, METADATA, QUIZ, RESPONSE, SHOWN, lacking

__all__ = ["Record", "mark_released", "open_engine", "persist", "set_shown", "shown"]


def open_engine(db_url: str) -> Engine:
    """The engine of a gradebook, with the tables of grading in it; waits for locks rather than failing."""
    return database.open_engine(db_url, METADATA, lacking)


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
