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

from collections.abc import Collection, Iterator
from typing import Any, Literal

import pandas as pd
from sqlalchemy import ColumnElement, Select, case, func, inspect, literal, select
from sqlalchemy.engine import Connection

from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE
from qinlian.reports import people
from qinlian.reports.frames.columns import Column, Moments, Numbers, Words, frame_of
from qinlian.roster.people import ALL, Scope

__all__ = ["Attempts", "quizzes", "responses"]

Attempts = Literal["first", "last", "all"]
"""Which of a learner's attempts at a quiz, among those that count."""

COUNTS = "计入"
_PART = 2_000
"""Attempts a query. A reader of SQLite holds up who writes, so no query may take long."""
_FEW = 10_000
"""Learners that are named to the database one by one; beyond that all rows are read and the others passed over."""


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
    columns: dict[str, Column] = {
        "account": Words(),
        "module": Words(),
        "quiz": Words(),
        "attempt": Words(),
        "number": Numbers("int16"),
        "state": Words(),
        "score": Numbers("float64"),
        "points": Numbers("float64"),
        "counted": Numbers("float64"),
        "submitted_at": Moments(),
    }
    known = _learners(connection, scope)
    query = select(
        ATTEMPT.c.learner,
        ATTEMPT.c.module,
        QUIZ.c.quiz,
        ATTEMPT.c.identity,
        *(QUIZ.c[name] for name in ("number", "state", "score", "points", "counted")),
        ATTEMPT.c.submitted_at,
    ).join(QUIZ, QUIZ.c.attempt == ATTEMPT.c.identity)
    for low, high in _parts(connection, known, scope, None):
        part = query.where(QUIZ.c.attempt >= low, QUIZ.c.attempt <= high, *_of_few(known, scope))
        _take(columns, [row for row in connection.execute(part) if row[0] in known])
    return frame_of(columns).astype({"attempt": "str"})


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
      list; empty for everything else. So no 填空 and no 自查 stands here beside an account
    """
    columns: dict[str, Column] = {
        "account": Words(),
        "module": Words(),
        "quiz": Words(),
        "attempt": Words(),
        "number": Numbers("int16"),
        "item": Words(),
        "place": Numbers("int16"),
        "variant": Numbers("float32"),
        "answered": Numbers("bool"),
        "fraction": Numbers("float64"),
        "earned": Numbers("float64"),
        "possible": Numbers("float64"),
        "submitted_at": Moments(),
    }
    if values:
        columns["value"] = Words()
    known = _learners(connection, scope)
    query = _answers(attempts, values)
    if modules is not None:
        query = query.where(ATTEMPT.c.module.in_(modules))
    if quizzes is not None:
        query = query.where(QUIZ.c.quiz.in_(quizzes))
    for low, high in _parts(connection, known, scope, modules):
        part = query.where(QUIZ.c.attempt >= low, QUIZ.c.attempt <= high, *_of_few(known, scope))
        _take(columns, [row for row in connection.execute(part) if row[0] in known])
    return frame_of(columns).astype({"variant": "Int16"})


def _answers(attempts: Attempts, values: bool) -> Select[Any]:
    chosen: list[ColumnElement[Any]] = [
        ATTEMPT.c.learner,
        ATTEMPT.c.module,
        QUIZ.c.quiz,
        QUIZ.c.attempt,
        QUIZ.c.number,
        *(RESPONSE.c[name] for name in ("item", "place", "variant", "answered", "fraction", "earned", "possible")),
        ATTEMPT.c.submitted_at,
    ]
    if values:
        begins = func.substr(RESPONSE.c.value, 1, 1)
        chosen.append(case((begins.in_(('"', "[")), RESPONSE.c.value), else_=literal("")))
    return (
        select(*chosen)
        .select_from(QUIZ)
        .join(ATTEMPT, ATTEMPT.c.identity == QUIZ.c.attempt)
        .join(RESPONSE, (RESPONSE.c.attempt == QUIZ.c.attempt) & (RESPONSE.c.quiz == QUIZ.c.quiz))
        .where(QUIZ.c.state == COUNTS, QUIZ.c.quiz != "", *_wanted(attempts))
        .order_by(QUIZ.c.attempt, QUIZ.c.quiz, RESPONSE.c.place)
    )


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
    return people.learners(connection, scope, archived=True).keys()


def _of_few(known: Collection[str], scope: Scope) -> list[ColumnElement[bool]]:
    return [ATTEMPT.c.learner.in_(list(known))] if scope.units is not None and len(known) <= _FEW else []


def _parts(
    connection: Connection, known: Collection[str], scope: Scope, modules: Collection[str] | None
) -> Iterator[tuple[str, str]]:
    """The first and the last identity of each part, in the database's own order of text."""
    if not known:
        return
    query = select(ATTEMPT.c.identity).where(*_of_few(known, scope)).order_by(ATTEMPT.c.identity)
    if modules is not None:
        query = query.where(ATTEMPT.c.module.in_(modules))
    every = list(connection.execute(query).scalars())
    for start in range(0, len(every), _PART):
        yield every[start], every[min(start + _PART, len(every)) - 1]


def _take(columns: dict[str, Column], rows: list[Any]) -> None:
    for column, values in zip(columns.values(), zip(*rows, strict=True), strict=True) if rows else ():
        column.take(values)
