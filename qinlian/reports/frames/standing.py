"""How every learner stands in every module of theirs: nbgrader's tables and ours, added up in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, inspect, select
from sqlalchemy.engine import Connection

from qinlian.core.model import Course
from qinlian.core.scoring import passes
from qinlian.grading.response_tables import ARRIVAL, ATTEMPT, QUIZ
from qinlian.grading.tables import ASSIGNMENT, STUDENT
from qinlian.reports.frames.answers import COUNTS
from qinlian.reports.frames.columns import coded, moments, uncollected
from qinlian.reports.frames.contents import taken
from qinlian.reports.frames.marks import marks
from qinlian.reports.frames.people import learners
from qinlian.reports.states import GRADED, SENT, STATES, UNGRADED, UNREAD
from qinlian.roster.people import ALL, Scope

__all__ = ["grades"]


def _dues(connection: Connection, modules: Sequence[str]) -> list[datetime | None]:
    """When each module is due, for who has no extension."""
    rows = connection.execute(select(ASSIGNMENT.c.name, ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.name.in_(modules)))
    found = {row.name: row.duedate for row in rows}
    return [found.get(module) for module in modules]


def _attempts(connection: Connection) -> dict[tuple[str, str], int]:
    """(account, module) → attempts that counted, of the quiz taken most often."""
    if not inspect(connection).has_table(QUIZ.name):
        return {}
    query = (
        select(ATTEMPT.c.learner, ATTEMPT.c.module, func.count().label("taken"))
        .join(QUIZ, QUIZ.c.attempt == ATTEMPT.c.identity)
        .where(QUIZ.c.state == COUNTS)
        .group_by(ATTEMPT.c.learner, ATTEMPT.c.module, QUIZ.c.quiz)
        .order_by("taken")
    )
    return {(learner, module): taken for learner, module, taken in connection.execute(query).all()}


def _waiting(connection: Connection) -> dict[tuple[str, str], datetime | None]:
    """(account, module) → when a submission came that is not graded yet."""
    if not inspect(connection).has_table(ARRIVAL.name):
        return {}
    query = (
        select(ARRIVAL.c.learner, ARRIVAL.c.module, func.max(ARRIVAL.c.submitted_at))
        .where(ARRIVAL.c.state.in_(UNGRADED))
        .group_by(ARRIVAL.c.learner, ARRIVAL.c.module)
    )
    return {(learner, module): moment for learner, module, moment in connection.execute(query)}


class _Standings:
    """One place a learner and module, numbered, filled in the order in which things are known."""

    def __init__(self, accounts: Sequence[str], modules: Sequence[str]) -> None:
        self._rows = {account: place * len(modules) for place, account in enumerate(accounts)}
        self._modules = {module: place for place, module in enumerate(modules)}
        size = len(accounts) * len(modules)
        self.state = np.zeros(size, dtype="int8")
        self.score = np.full(size, np.nan)
        self.attempts = np.zeros(size, dtype="int64")
        self.submitted_at = np.full(size, np.datetime64("NaT"), dtype="datetime64[us]")
        self.due = np.full(size, np.datetime64("NaT"), dtype="datetime64[us]")

    def _places(self, pairs: Iterable[tuple[str, str]]) -> Any:
        """Where each (account, module) stands; -1 for what no row is asked for of."""
        rows, modules = self._rows, self._modules
        found = [rows[who] + modules[what] if who in rows and what in modules else -1 for who, what in pairs]
        return np.array(found, dtype="int64")

    def read(self, connection: Connection) -> None:
        """Take in all that the gradebook says."""
        counts = _attempts(connection)
        places = self._places(counts)
        self.attempts[places[places >= 0]] = np.array(list(counts.values()), dtype="int64")[places >= 0]
        waiting = _waiting(connection)
        places = self._places(waiting)
        self.state[places[places >= 0]] = STATES.index(SENT)
        self.submitted_at[places[places >= 0]] = _naive(waiting.values())[places >= 0]
        self.due[:] = np.tile(_naive(_dues(connection, list(self._modules))), len(self._rows))
        if rows := marks(connection, list(self._modules)):
            who, what, *values = zip(*rows, strict=True)
            self._take(self._places(zip(who, what, strict=True)), *values)

    def _take(self, places: Any, at: Any, extension: Any, points: Any, unread: Any, penalty: Any) -> None:
        mine = places >= 0
        places, moment = places[mine], _naive(at)[mine]
        self.due[places] += np.array([more or timedelta() for more in extension], dtype="timedelta64[us]")[mine]
        total = np.array(points, dtype="float64")[mine]
        left = total - np.nan_to_num(np.array(penalty, dtype="float64")[mine])
        waits = np.array([value == 1 for value in unread], dtype="bool")[mine]
        # To hold an extension nbgrader makes all rows of a submission, before there is any.
        real = ~np.isnan(total) & (~np.isnat(moment) | (self.attempts[places] > 0))
        graded = places[real]
        self.state[graded] = np.where(waits[real], STATES.index(UNREAD), STATES.index(GRADED))
        # Rounded as Python does it, like every score in the gradebook; NumPy does it otherwise.
        self.score[graded] = [round(max(0.0, value), 2) for value in left[real].tolist()]
        self.submitted_at[graded] = moment[real]


def _naive(moments: Iterable[datetime | None]) -> Any:
    return np.array(list(moments), dtype="datetime64[us]")


@uncollected()
def grades(connection: Connection, course: Course, scope: Scope = ALL, *, archived: bool = False) -> pd.DataFrame:
    """One row a learner and module that their track takes, in the order of accounts and of the course.

    - account: category; module: category
    - state: category, one of ``reports.states.STATES``
    - score: float, 0 to ``max_score``, less what being late took off; NaN until something is graded
    - max_score: float
    - attempts: int, those that counted, of the quiz taken most often
    - submitted_at: moment of the submission that the gradebook holds or that waits to be graded
    - late: bool, it came after the learner's own due date, extension included
    - passed: bool, the score reaches the pass mark of the course or of the track
    - hours: float, 学时 earned: the module's where it is passed, else 0
    """
    people = learners(connection, scope, archived=archived)
    accounts, names = list(people["account"]), [module.id for module in course.modules]
    standings = _Standings(accounts, names)
    if inspect(connection).has_table(STUDENT.name):
        standings.read(connection)
    column = {module.id: place for place, module in enumerate(course.modules)}
    by_track = {track: taken(course, track) for track in people["track"].cat.categories}
    chosen = {track: np.array([column[m.id] for m in mine], dtype="int64") for track, (mine, _) in by_track.items()}
    tracks = list(people["track"])
    counts = [len(chosen[track]) for track in tracks]
    rows = np.repeat(np.arange(len(accounts)), counts)
    columns = np.concatenate([chosen[track] for track in tracks]) if tracks else np.array([], dtype="int64")
    places = rows * len(names) + columns
    marks = np.repeat(np.array([by_track[track][1] for track in tracks], dtype="float64"), counts)
    most, hours = (np.array([getattr(m, name) for m in course.modules], "float64") for name in ("max_score", "hours"))
    score, max_score = standings.score[places], most[columns]
    passed = np.array(list(map(passes, score.tolist(), max_score.tolist(), marks.tolist())), dtype="bool")
    return pd.DataFrame(
        {
            "account": coded(rows, accounts),
            "module": coded(columns, names),
            "state": coded(standings.state[places], STATES),
            "score": score,
            "max_score": max_score,
            "attempts": standings.attempts[places],
            "submitted_at": moments(standings.submitted_at[places]),
            "late": standings.submitted_at[places] > standings.due[places],
            "passed": passed,
            "hours": np.where(passed, hours[columns], 0.0),
        }
    )
