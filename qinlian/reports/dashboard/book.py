"""What the dashboard shows: the gradebook read once, and the part of it that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from qinlian.authoring.secret import load_identity
from qinlian.core.model import Course
from qinlian.core.zone import BEIJING
from qinlian.reports import frames
from qinlian.reports.analysis import Reliability, distractors, flags, item_table
from qinlian.reports.page.gather import reliability_of, without_self_checks
from qinlian.reports.states import NOT_BEGUN
from qinlian.roster.units import at_or_below

__all__ = ["Book", "Choice", "read_book"]


@dataclass(frozen=True)
class Choice:
    """What of the class is asked for; empty means everything.

    ``unit`` is a path, with all below it. ``since`` and ``until`` are days in Beijing, both included: only what was
    handed in on one of them counts.
    """

    unit: str = ""
    track: str = ""
    module: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Book:
    """Frames as ``reports.frames`` gives them, of one reading; what follows from them is worked out when asked for.

    ``units`` are the roster's, in its order.
    """

    course: Course
    read_at: datetime
    units: tuple[str, ...]
    learners: pd.DataFrame
    grades: pd.DataFrame
    responses: pd.DataFrame
    modules: pd.DataFrame
    items: pd.DataFrame
    options: pd.DataFrame

    @cached_property
    def item_table(self) -> pd.DataFrame:
        """As ``analysis.item_table``."""
        return item_table(self.responses)

    @cached_property
    def distractors(self) -> pd.DataFrame:
        """As ``analysis.distractors``."""
        return distractors(self.responses, self.options)

    @cached_property
    def flags(self) -> pd.DataFrame:
        """As ``analysis.flags``."""
        return flags(self.item_table, self.distractors)

    @cached_property
    def reliability(self) -> Mapping[str, Reliability]:
        """Quiz → how far its scores can be relied on."""
        return reliability_of(self.course, self.responses)

    def narrowed(self, choice: Choice) -> Book:
        """The part that ``choice`` asks for. What was handed in on other days counts as not handed in."""
        units = self.learners["unit"].astype("str")
        inside = np.array([not choice.unit or at_or_below(unit, choice.unit) for unit in units], bool)
        tracks = self.learners["track"].astype("str").to_numpy()
        learners = self.learners[inside & ((tracks == choice.track) if choice.track else True)]
        people = set(learners["account"].astype("str"))
        grades, responses = (self._of(frame, people, choice.module) for frame in (self.grades, self.responses))
        return replace(
            self,
            learners=learners,
            grades=_within(grades, choice),
            responses=responses[_on_days(responses["submitted_at"], choice)],
        )

    @staticmethod
    def _of(frame: pd.DataFrame, people: set[str], module: str) -> pd.DataFrame:
        kept = frame["account"].isin(people)
        return frame[kept & (frame["module"] == module)] if module else frame[kept]


def _on_days(moments: pd.Series, choice: Choice) -> pd.Series:
    """True for a moment on one of the days; everything where no day was named."""
    if choice.since is None and choice.until is None:
        return pd.Series(True, index=moments.index)
    days = moments.dt.tz_convert(BEIJING).dt.tz_localize(None).dt.normalize()
    first = pd.Timestamp(choice.since or date.min.replace(year=1970))
    last = pd.Timestamp(choice.until or date(2261, 12, 31))
    chosen: pd.Series = days.between(first, last)
    return chosen


def _within(grades: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    away = ~_on_days(grades["submitted_at"], choice)
    if not away.any():
        return grades
    nothing = {"state": NOT_BEGUN, "score": np.nan, "attempts": 0, "late": False, "passed": False, "hours": 0.0}
    return grades.assign(
        submitted_at=grades["submitted_at"].mask(away),
        **{column: grades[column].mask(away, value) for column, value in nothing.items()},
    )


def read_book(root: Path, course: Course) -> Book:
    """Everything of ``course``, which lies in ``root``, but what is archived.

    Raises GradingError when the gradebook cannot be read, CourseError without the course's secret.
    """
    now = datetime.now(UTC)
    marked = [quiz.id for module in course.modules for quiz in module.quizzes if quiz.marked]
    with frames.open_gradebook(root) as connection:
        units = frames.units(connection)
        learners = frames.learners(connection)
        grades = frames.grades(connection, course)
        responses = frames.responses(connection, quizzes=marked, values=True)
    return Book(
        course=course,
        read_at=now,
        units=tuple(units["unit"]),
        learners=learners,
        grades=grades,
        responses=without_self_checks(responses, course),
        modules=frames.modules(course),
        items=frames.items(course),
        options=frames.options(course, load_identity(root / "course")),
    )
