"""Who has met the rules of the course, and of everybody else what is still missing.

Pure functions over the frames (``qinlian.reports.frames``): no SQL and no files. A 结业证书 is earned when of the
learner's track every module is passed, the hours are reached, and nothing waits for a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from qinlian.core.model import Course
from qinlian.reports.certificates.statement import plain_number
from qinlian.reports.certificates.store import Facts, ModuleLine
from qinlian.reports.frames.contents import taken, track_named
from qinlian.reports.states import GRADED, NOT_BEGUN, SENT, UNREAD

__all__ = ["Standing", "standings"]


@dataclass(frozen=True)
class Standing:
    """One learner: what a certificate would say now, and in ``missing`` why there is none yet.

    Each reason is a Chinese clause. ``number`` is the 工号, the account where no roster knows the learner.
    """

    number: str
    facts: Facts
    missing: tuple[str, ...]


def standings(people: pd.DataFrame, grades: pd.DataFrame, course: Course) -> tuple[Standing, ...]:
    """Everybody in ``people``, in its order.

    ``people`` has account, number, name, unit, track; ``grades`` account, module, state, score (NaN until
    graded), max_score, passed, hours, one row a learner and module of theirs. A learner whose track the course
    does not have takes all of it.
    """
    by_account = {str(account): rows for account, rows in grades.groupby("account", observed=True, sort=False)}
    empty = grades.iloc[:0]
    columns = ["account", "number", "name", "unit", "track"]
    return tuple(
        _standing(dict(zip(columns, row, strict=True)), by_account.get(str(row[0]), empty), course)
        for row in people[columns].itertuples(index=False, name=None)
    )


def _standing(person: dict[str, object], rows: pd.DataFrame, course: Course) -> Standing:
    named = str(person["track"])
    track, (modules, mark) = track_named(course, named), taken(course, named)
    by_module: dict[str, Any] = {str(row.module): row for row in rows.itertuples(index=False)}
    lines: list[ModuleLine] = []
    missing: list[str] = []
    score = points = earned = 0.0
    for module in modules:
        row = by_module.get(module.id)
        state = str(row.state) if row is not None else NOT_BEGUN
        passed = row is not None and bool(row.passed)
        # As in every other report: what is passed already stays so, whatever a reader will add to it.
        hours = float(row.hours) if row is not None else 0.0
        got = 0.0 if row is None or pd.isna(row.score) else float(row.score)
        reason = _reason(state, passed, got, module.max_score, mark)
        if reason:
            missing.append(f"“{module.title}”{reason}")
        lines.append(ModuleLine(module.title, "已通过" if passed else _told(state), hours, module.hours))
        score, points, earned = score + got, points + module.max_score, earned + hours
    needed = track.hours if track is not None else sum(m.hours for m in course.modules)
    # Hours have two decimals at most; their sum in binary may miss the whole by a hair.
    if round(needed - earned, 6) > 0:
        missing.insert(0, f"还差 {plain_number(needed - earned)} 学时")
    if track is None and course.tracks and missing:
        missing.insert(0, "名单里没有写培训对象，按全部模块核对")
    facts = Facts(
        account=str(person["account"]),
        name=str(person["name"]),
        unit=str(person["unit"]),
        track=track.name if track is not None else "",
        course_id=course.id,
        course=course.title,
        hours=round(earned, 2),
        score=round(100 * score / points, 1) if points else None,
        modules=tuple(lines),
    )
    return Standing(str(person["number"] or person["account"]), facts, tuple(missing))


def _told(state: str) -> str:
    return "未通过" if state == GRADED else state


def _reason(state: str, passed: bool, score: float, points: float, mark: float) -> str:
    """Why a module does not count yet, empty for one that does."""
    if state == UNREAD:
        return "等教师评阅"
    if state == SENT:
        return "已提交，还没有评分"
    if passed:
        return ""
    if state == GRADED:
        return f"得 {plain_number(score)} 分，满分 {plain_number(points)}，不到 {plain_number(mark)}%"
    return "还没有学"
