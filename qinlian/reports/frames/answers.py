"""Every attempt at every quiz, and every answer in it: chosen in the database, read a part at a time.

Which answers count. A submission is to each quiz one of five things (``grading.grades.QuizState``), and only 计入 is
a measurement: under 未作答 nothing was answered, 未改动 repeats an attempt that is counted already, 旧题 and 超次 were
answered when the key or the result of that very draw was out. An attempt that came late counts, as it does for
grading: the learner had seen no key of it. Items not drawn have no row: missing by design, not wrong. An item drawn
and left open has a row, with ``answered`` False and 0 points.

Whose. Those of learners, also of who left: what was answered stays answered. People who teach know the key, and what
they try out is in no frame.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, case, func, inspect, literal, select
from sqlalchemy.engine import Connection

from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE
from qinlian.reports.frames.columns import Column, Moments, Numbers, Words, frame_of, uncollected
from qinlian.reports.frames.people import by_account
from qinlian.roster.people import ALL, Scope

__all__ = ["COUNTS", "Attempts", "quizzes", "responses"]

Attempts = Literal["first", "last", "all"]
"""Which of a learner's attempts at a quiz, among those that count."""

COUNTS = "计入"
"""The one state of an attempt at a quiz that is a measurement."""
_PART = 2_000
"""Attempts a query. A reader of SQLite holds up who writes, so no query may take long."""
_FEW = 10_000
"""Learners that are named to the database one by one; beyond that all attempts are read and the others passed over."""

_Columns = Mapping[str, tuple[ColumnElement[Any], Callable[[], Column]]]
_whole, _real = partial(Numbers, "int16"), partial(Numbers, "float64")
_TAKEN: _Columns = {
    "account": (ATTEMPT.c.learner, Words),
    "module": (ATTEMPT.c.module, Words),
    "quiz": (QUIZ.c.quiz, Words),
    "attempt": (QUIZ.c.attempt, Words),
    "number": (QUIZ.c.number, _whole),
    "submitted_at": (ATTEMPT.c.submitted_at, Moments),
}
_RESULT: _Columns = {
    "state": (QUIZ.c.state, Words),
    "score": (QUIZ.c.score, _real),
    "points": (QUIZ.c.points, _real),
    "counted": (QUIZ.c.counted, _real),
}
_DRAWN: _Columns = {
    "item": (RESPONSE.c.item, Words),
    "place": (RESPONSE.c.place, _whole),
    "variant": (RESPONSE.c.variant, partial(Numbers, "float32")),
    "answered": (RESPONSE.c.answered, partial(Numbers, "bool")),
    "fraction": (RESPONSE.c.fraction, _real),
    "earned": (RESPONSE.c.earned, _real),
    "possible": (RESPONSE.c.possible, _real),
}
_BEGINS = func.substr(RESPONSE.c.value, 1, 1)
_VALUE: _Columns = {
    "value": (case((_BEGINS.in_(('"', "[")), RESPONSE.c.value), else_=literal("null")), Words),
}


@uncollected()
def quizzes(connection: Connection, scope: Scope = ALL) -> pd.DataFrame:
    """One row a submission and quiz of its module, in no particular order; also those that do not count.

    - account: category; module: category, where the quiz was taken; quiz: category
    - attempt: str, the identity of the submission
    - number: int, the how-manieth counted attempt at that quiz, from 1; 0 for what was none
    - state: category, 计入, 未作答, 未改动, 旧题 or 超次
    - score: float, of this attempt, 0 to points
    - points: float
    - counted: float, what the gradebook held for the quiz once this attempt was graded
    - submitted_at: moment
    """
    chosen = {**_TAKEN, **_RESULT}
    columns = {name: make() for name, (_, make) in chosen.items()}
    for values in _taken(connection, scope, chosen):
        for column, part in zip(columns.values(), values, strict=True):
            column.take(part)
    return _frame(columns, "account module quiz attempt number state score points counted submitted_at")


@uncollected()
def responses(
    connection: Connection,
    scope: Scope = ALL,
    *,
    modules: Collection[str] | None = None,
    quizzes: Collection[str] | None = None,
    attempts: Attempts = "first",
    values: bool = False,
) -> pd.DataFrame:
    """One row an item that was drawn in an attempt that counts (see above), in the order of attempts and places.

    ``modules`` and ``quizzes`` narrow to where they were answered; ``attempts`` takes of each learner the first, the
    last or every attempt at each quiz.

    - account: category; module: category, where it was answered; quiz: category
    - attempt: category, the identity of the submission
    - number: int, the how-manieth counted attempt at that quiz, from 1
    - item: category; place: int, from 0, in the draw
    - variant: Int16, of an activity that has variants, else NA
    - answered: bool
    - fraction: float, 0 to 1, what of the item was right; NaN where nothing was scored
    - earned: float, 0 to possible; possible: float, the item's weight in the draw
    - submitted_at: moment
    - value (with ``values`` only): category, the answer as it is kept, JSON of public ids, where it is one option or a
      list, and null for everything else. So no 填空 and no 自查 stands here beside an account
    """
    drawn = {**_DRAWN, **(_VALUE if values else {})}
    taken = {name: make() for name, (_, make) in _TAKEN.items()}
    columns = {name: make() for name, (_, make) in drawn.items()}
    where = [QUIZ.c.state == COUNTS, QUIZ.c.quiz != "", *_wanted(attempts)]
    if quizzes is not None:
        where.append(QUIZ.c.quiz.in_(quizzes))
    for part in _taken(connection, scope, _TAKEN, where, modules):
        of = dict(zip(_TAKEN, part, strict=True))
        row_of = {pair: row for row, pair in enumerate(zip(of["attempt"], of["quiz"], strict=True))}
        query = (
            select(RESPONSE.c.attempt, RESPONSE.c.quiz, *(column for column, _ in drawn.values()))
            .where(RESPONSE.c.attempt.in_(dict.fromkeys(of["attempt"])))
            .order_by(RESPONSE.c.attempt, RESPONSE.c.quiz, RESPONSE.c.place)
        )
        answers = connection.execute(query).all()
        rows = np.array([row_of.get((row[0], row[1]), -1) for row in answers], dtype="int64")
        if (rows < 0).any():
            # An attempt may be at several quizzes, of which not all are wanted.
            answers, rows = list(compress(answers, rows >= 0)), rows[rows >= 0]
        if not answers:
            continue
        _, _, *rest = zip(*answers, strict=True)
        for name, column in taken.items():
            column.take(of[name], rows)
        for column, given in zip(columns.values(), rest, strict=True):
            column.take(given)
    names = "account module quiz attempt number item place variant answered fraction earned possible submitted_at"
    return _frame({**taken, **columns}, f"{names} value" if values else names).astype({"variant": "Int16"})


def _frame(columns: Mapping[str, Column], names: str) -> pd.DataFrame:
    return frame_of({name: columns[name] for name in names.split()})


def _taken(
    connection: Connection,
    scope: Scope,
    chosen: _Columns,
    where: Sequence[ColumnElement[bool]] = (),
    modules: Collection[str] | None = None,
) -> Iterator[list[Sequence[Any]]]:
    """The columns of attempts at quizzes, some thousand at a time, in the order of identities."""
    known = _learners(connection, scope)
    narrow = [] if modules is None else [ATTEMPT.c.module.in_(modules)]
    if scope.units is not None and len(known) <= _FEW:
        narrow.append(ATTEMPT.c.learner.in_(list(known)))
    query = (
        select(*(column for column, _ in chosen.values()))
        .select_from(QUIZ)
        .join(ATTEMPT, ATTEMPT.c.identity == QUIZ.c.attempt)
        .where(*where, *narrow)
        .order_by(QUIZ.c.attempt, QUIZ.c.quiz)
    )
    # Each part begins and ends at an identity, in the database's own order of text.
    every: list[str] = []
    if known:
        identities = select(ATTEMPT.c.identity).where(*narrow).order_by(ATTEMPT.c.identity)
        every = list(connection.execute(identities).scalars().all())
    for start in range(0, len(every), _PART):
        part = every[start : start + _PART]
        # All of a part at once: row by row the database would be held up for longer.
        # Said of both tables: PostgreSQL does not infer it of the other, and would read all of that each time.
        inside = [column.between(part[0], part[-1]) for column in (QUIZ.c.attempt, ATTEMPT.c.identity)]
        rows = connection.execute(query.where(*inside)).all()
        if admitted := [row for row in rows if row[0] in known]:
            yield list(zip(*admitted, strict=True))


def _wanted(attempts: Attempts) -> list[ColumnElement[bool]]:
    """That no other attempt of the learner at the quiz stands before (or after) it among those that count."""
    if attempts == "all":
        return []
    other, taken = ATTEMPT.alias(), QUIZ.alias()
    return [
        ~select(literal(1))
        .select_from(other)
        .join(taken, taken.c.attempt == other.c.identity)
        .where(
            other.c.learner == ATTEMPT.c.learner,
            other.c.module == ATTEMPT.c.module,
            other.c.number < ATTEMPT.c.number if attempts == "first" else other.c.number > ATTEMPT.c.number,
            taken.c.quiz == QUIZ.c.quiz,
            taken.c.state == COUNTS,
        )
        .correlate(ATTEMPT, QUIZ)
        .exists()
    ]


def _learners(connection: Connection, scope: Scope) -> Collection[str]:
    """The accounts of whose answers there may be rows."""
    if not inspect(connection).has_table(RESPONSE.name):
        return frozenset()
    return by_account(connection, scope, archived=True).keys()
