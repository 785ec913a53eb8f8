"""Everything that the class report is made of, read once; and a note of each reading, for the page to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from qinlian.authoring.secret import load_identity
from qinlian.core.model import Course
from qinlian.reports import frames
from qinlian.reports.analysis import Gain, Reliability, distractors, flags, gain, item_table, reliability
from qinlian.reports.frames.people import roster_of
from qinlian.reports.page.shares import Shares, shares, told_of
from qinlian.reports.page.source import Source
from qinlian.reports.reflection_report import read_reflections
from qinlian.reports.reflections import Entry
from qinlian.reports.risks import GroupRisks, group_risks, risk_names, roster_risks, self_checks, self_ratings
from qinlian.roster.people import ALL, Scope

__all__ = ["Facts", "gather", "reliability_of", "without_self_checks"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Facts:
    """What a report on ``unit`` (empty: everything) says, as frames; ``sources`` is a note of each reading by name.

    ``units`` are the roster's, in its order; ``learners`` and ``grades`` are of the people within the scope. Items,
    shares, gain and risks rest on everybody, and are told of groups of enough people only (see ``shares``).
    """

    course: Course
    unit: str
    archived: bool
    read_at: datetime
    units: tuple[str, ...]
    learners: pd.DataFrame
    grades: pd.DataFrame
    modules: pd.DataFrame
    items: pd.DataFrame
    options: pd.DataFrame
    item_table: pd.DataFrame
    distractors: pd.DataFrame
    flags: pd.DataFrame
    reliability: Mapping[str, Reliability]
    topics: Shares
    rules: Shares
    gain: Gain | None
    risks: Sequence[GroupRisks]
    reflections: Sequence[Entry]
    sources: Mapping[str, Source] = field(default_factory=dict)


class _Notes:
    """Notes of readings, as they are made."""

    def __init__(self) -> None:
        self.made: dict[str, Source] = {}

    def __call__(self, name: str, frame: pd.DataFrame, call: str, conditions: str) -> pd.DataFrame:
        self.made[name] = Source(call, conditions, len(frame))
        return frame


def gather(
    root: Path,
    course: Course,
    scope: Scope = ALL,
    unit: str = "",
    *,
    archived: bool = False,
    progress: Progress = lambda _: None,
) -> Facts:
    """Read the gradebook of the course in ``root`` and work out all that the report says.

    ``scope`` is that of ``unit``, a path of the roster. ``progress`` gets a short Chinese line at each step. Raises
    GradingError when the gradebook cannot be read, CourseError without the course's secret.
    """
    note, now = _Notes(), datetime.now(UTC)
    whose = f"单位：{unit} 及下级" if unit else "全部学员"
    whose += "，连同已归档的" if archived else "，不含已归档的"
    everybody = "全部学员，连同已归档的（不随单位变，见“怎么算的”）"
    items, modules = frames.items(course), frames.modules(course)
    options = frames.options(course, load_identity(root / "course"))
    marked = [quiz.id for module in course.modules for quiz in module.quizzes if quiz.marked]
    progress("读成绩册")
    with frames.open_gradebook(root) as connection:
        learners = note(
            "learners", frames.learners(connection, scope, archived=archived), "frames.learners", f"{whose}；一人一行"
        )
        known = note("units", frames.units(connection, scope), "frames.units", "名单里的单位，一个一行")
        grades = note(
            "grades",
            frames.grades(connection, course, scope, archived=archived),
            "frames.grades",
            f"{whose}；每人要学的每课一行",
        )
        people = note(
            "everybody", frames.learners(connection, archived=True), "frames.learners", f"{everybody}；一人一行"
        )
        progress("读每一道题的作答")
        responses = note(
            "responses",
            frames.responses(connection, quizzes=marked, values=True),
            "frames.responses",
            f"{everybody}；计分的测验，每人每个测验第一次计入的作答；抽到的每题一行",
        )
        quizzes = note("quizzes", frames.quizzes(connection), "frames.quizzes", f"{everybody}；每次提交的每个测验一行")
    responses = without_self_checks(responses, course)
    units = dict(zip(people["account"], people["unit"].astype(str), strict=True))
    progress("分析题目")
    table, chosen = item_table(responses), distractors(responses, options)
    progress("读自查和心得")
    risks, reflections = _risks(root, course, unit), read_reflections(root, None, scope)
    note.made["risks"] = Source(
        "risks.self_ratings", f"{everybody}；每人最近一次计入的自查", sum(g.people for g in risks)
    )
    note.made["reflections"] = Source(
        "reflection_report.read_reflections", f"{whose}；每人每课现在的一篇", len(reflections)
    )
    return Facts(
        course=course,
        unit=unit,
        archived=archived,
        read_at=now,
        units=tuple(known["unit"]),
        learners=learners,
        grades=grades,
        modules=modules,
        items=items,
        options=options,
        item_table=table,
        distractors=chosen,
        flags=flags(table, chosen),
        reliability=reliability_of(course, responses),
        topics=shares(responses, items, units, "topics", unit),
        rules=shares(responses, items, units, "citations", unit),
        gain=_gain(course, quizzes, units, unit),
        risks=risks,
        reflections=reflections,
        sources=note.made,
    )


def without_self_checks(responses: pd.DataFrame, course: Course) -> pd.DataFrame:
    """The rows of items that can be got right or wrong, which is what item analysis is about."""
    return responses[~responses["item"].isin(self_checks(course))]


def reliability_of(course: Course, responses: pd.DataFrame) -> dict[str, Reliability]:
    """Quiz → how far its scores can be relied on, of those that more than one item makes up."""
    counts = {quiz.id: quiz.count for module in course.modules for quiz in module.quizzes if quiz.marked}
    taken = {str(quiz): rows for quiz, rows in responses.groupby("quiz", observed=True)}
    return {quiz: reliability(taken[quiz], count) for quiz, count in counts.items() if quiz in taken and count > 1}


def _gain(course: Course, quizzes: pd.DataFrame, units: Mapping[str, str], unit: str) -> Gain | None:
    """From the test of what is known before to the one over all modules; None where the course lacks either."""
    every = [quiz for module in course.modules for quiz in module.quizzes]
    before = [quiz.id for quiz in every if not quiz.marked]
    after = [quiz.id for quiz in every if quiz.marked and quiz.whole]
    if not before or not after:
        return None
    counted = quizzes[quizzes["state"] == frames.COUNTS].astype({"account": "str", "quiz": "str"})
    both = set(counted.loc[counted["quiz"] == before[0], "account"])
    both &= set(counted.loc[counted["quiz"] == after[-1], "account"])
    told = told_of({who: units[who] for who in sorted(both) if who in units}, unit)
    return gain(counted[counted["account"].isin(told.keys())], before[0], after[-1]) if told else None


def _risks(root: Path, course: Course, unit: str) -> list[GroupRisks]:
    roster, ratings, names = roster_of(root), self_ratings(root, course), risk_names(course)
    if roster.people:
        return roster_risks(ratings, names, roster, unit)
    return group_risks(ratings, names)
