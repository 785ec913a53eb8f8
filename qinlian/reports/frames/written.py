"""What people wrote or said of themselves, as plain rows: it belongs in no frame, where others would merge it on."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import func, inspect, select
from sqlalchemy.engine import Connection

from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE, SHOWN
from qinlian.reports.frames.answers import COUNTS
from qinlian.roster.people import ALL, Scope

__all__ = ["Written", "digests", "ratings", "state", "written"]

_MOST = 10_000
"""Texts that are compared, the newest first: more would not fit the memory of a small server."""


@dataclass(frozen=True)
class Written:
    """One reflection of one submission, as it is kept."""

    learner: str
    module: str
    item: str
    number: int
    first_seen: datetime
    text: str


def state(connection: Connection) -> tuple[object, ...]:
    """Changes when a reflection may have come in."""
    if not inspect(connection).has_table(ATTEMPT.name):
        return ()
    return tuple(connection.execute(select(func.count(), func.max(ATTEMPT.c.graded_at))).one())


def written(connection: Connection, scope: Scope = ALL, limit: int = _MOST) -> list[Written]:
    """The reflections of all submissions by learners whom ``scope`` admits, the newest first."""
    if not inspect(connection).has_table(ATTEMPT.name):
        return []
    query = (
        select(
            ATTEMPT.c.learner,
            ATTEMPT.c.module,
            ATTEMPT.c.number,
            ATTEMPT.c.first_seen,
            RESPONSE.c.item,
            RESPONSE.c.value,
        )
        .join(RESPONSE, RESPONSE.c.attempt == ATTEMPT.c.identity)
        .where(RESPONSE.c.quiz == "", RESPONSE.c.answered)
        .order_by(ATTEMPT.c.first_seen.desc(), ATTEMPT.c.learner, RESPONSE.c.item)
    )
    rows = connection.execute(query.limit(limit) if scope.units is None else query)
    return [
        Written(row.learner, row.module, row.item, row.number, row.first_seen, str(json.loads(row.value)))
        for row in islice((row for row in rows if scope.admits(row.learner)), limit)
    ]


def digests(connection: Connection) -> dict[tuple[str, str, str], str]:
    """(learner, module, item) → digest of the reflection that stands in the gradebook's cell."""
    rows = connection.execute(select(SHOWN.c.learner, SHOWN.c.module, SHOWN.c.item, SHOWN.c.digest))
    return {(row.learner, row.module, row.item): row.digest for row in rows}


def ratings(connection: Connection, items: Collection[str]) -> list[tuple[str, str]]:
    """(learner, answer as it is kept) of every counted self-check that is one of ``items``, the oldest first."""
    if not inspect(connection).has_table(RESPONSE.name):
        return []
    query = (
        select(ATTEMPT.c.learner, RESPONSE.c.value)
        .join(QUIZ, QUIZ.c.attempt == ATTEMPT.c.identity)
        .join(RESPONSE, (RESPONSE.c.attempt == QUIZ.c.attempt) & (RESPONSE.c.quiz == QUIZ.c.quiz))
        .where(QUIZ.c.state == COUNTS, RESPONSE.c.answered, RESPONSE.c.item.in_(sorted(items)))
        .order_by(ATTEMPT.c.first_seen, ATTEMPT.c.number)
    )
    return [(row.learner, row.value) for row in connection.execute(query)]
