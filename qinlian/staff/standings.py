"""How learners stand in each module, as SQL over nbgrader's tables and ours; the database adds up.

The same rules as ``qinlian.reports.frames``, which holds a row of everybody in memory (tests compare them). Units
and people come from ``scope`` alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Float,
    String,
    Subquery,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.engine import Connection

from qinlian.grading.response_tables import ARRIVAL
from qinlian.grading.tables import ASSIGNMENT, GRADE, SUBMITTED_ASSIGNMENT, SUBMITTED_NOTEBOOK
from qinlian.reports.states import GRADED, SENT, UNGRADED, UNREAD
from qinlian.staff.plan import Plan, PlannedModule

__all__ = ["needed", "read_widely", "standings", "state_of"]

_MAPPED = 1 << 28


def read_widely(connection: Connection) -> None:
    """Make ready for a query that reads much: SQLite then reads its file as memory, in two thirds of the time."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA mmap_size={_MAPPED}")


def state_of(ungraded: int, unread: int) -> str:
    """The word for a standing."""
    return SENT if ungraded else UNREAD if unread else GRADED


def needed(plan: Plan, modules: Sequence[PlannedModule], track: ColumnElement[str]) -> ColumnElement[int]:
    """How many of ``modules`` a learner of that track takes."""
    counts = {name: sum(name in module.marks for module in modules) for name in ("", *plan.tracks)}
    return case(counts, value=track, else_=0)


def _least(points: float) -> float:
    # A score counts rounded to two decimals, which the two databases do not round alike.
    return math.ceil(round(points * 100, 6)) / 100 - 0.005


def _bar(plan: Plan, modules: Sequence[PlannedModule], came: Subquery) -> ColumnElement[float]:
    """The points that pass; null for a module that the learner's track does not take."""
    # Not a table to join: SQLite then has no order of joins to get wrong.
    by_track = {
        track: case({m.id: _least(m.bar(track)) for m in taken}, value=came.c.module)
        for track in ("", *plan.tracks)
        if (taken := [m for m in modules if track in m.marks])
    }
    return case(by_track, value=came.c.track) if by_track else cast(null(), Float)


def _graded(people: CTE, modules: Sequence[str], few: bool) -> Subquery:
    """One row a submission that was graded: what it came to, and whether somebody must still read it."""
    sa, a, sn, g = SUBMITTED_ASSIGNMENT, ASSIGNMENT, SUBMITTED_NOTEBOOK, GRADE
    # nbgrader's own rule: a manual mark, where there is one, stands in the place of the automatic one.
    points = func.sum(func.coalesce(g.c.manual_score, g.c.auto_score, 0.0) + func.coalesce(g.c.extra_credit, 0.0))
    # A course of ours has one notebook a module, so the penalty stands in every one of its rows.
    penalty = func.max(func.coalesce(sn.c.late_submission_penalty, 0.0))
    query = (
        select(
            func.max(people.c.account).label("account"),
            func.max(people.c.unit).label("unit"),
            func.max(people.c.track).label("track"),
            func.max(a.c.name).label("module"),
            func.max(sa.c.timestamp).label("submitted_at"),
            (points - penalty).label("points"),
            func.max(case((g.c.needs_manual_grade, 1), else_=0)).label("unread"),
            func.max(sn.c.id).label("notebook"),
        )
        .select_from(people)
        .join(sa, sa.c.student_id == people.c.account)
        .join(a, a.c.id == sa.c.assignment_id)
        .join(sn, sn.c.assignment_id == sa.c.id)
        .join(g, g.c.notebook_id == sn.c.id)
        .where(a.c.name.in_(modules))
        .group_by(sa.c.id)
        # Rows that only hold an extension are no submission.
        .having(
            or_(
                func.max(sa.c.timestamp).is_not(None),
                func.count(g.c.auto_score) + func.count(g.c.manual_score) > 0,
            )
        )
    )
    if few:
        # Says nothing new; without it SQLite goes through everybody's submissions to find those of a few.
        query = query.where(sa.c.student_id.in_(select(people.c.account)))
    return query.subquery("graded")


def _waiting(people: CTE, modules: Sequence[str]) -> Subquery:
    """One row a learner and module of which something came, and nothing was graded yet."""
    sa, a, sn, g = SUBMITTED_ASSIGNMENT, ASSIGNMENT, SUBMITTED_NOTEBOOK, GRADE
    before = (
        select(sa.c.id)
        .join(a, a.c.id == sa.c.assignment_id)
        .join(sn, sn.c.assignment_id == sa.c.id)
        .join(g, g.c.notebook_id == sn.c.id)
        .where(
            sa.c.student_id == ARRIVAL.c.learner,
            a.c.name == ARRIVAL.c.module,
            or_(sa.c.timestamp.is_not(None), g.c.auto_score.is_not(None), g.c.manual_score.is_not(None)),
        )
        .correlate(ARRIVAL)
        .exists()
    )
    return (
        select(
            people.c.account,
            people.c.unit,
            people.c.track,
            ARRIVAL.c.module,
            func.max(ARRIVAL.c.submitted_at).label("submitted_at"),
        )
        .select_from(people)
        .join(ARRIVAL, ARRIVAL.c.learner == people.c.account)
        .where(ARRIVAL.c.state.in_(UNGRADED), ARRIVAL.c.module.in_(modules), ~before)
        .group_by(people.c.account, people.c.unit, people.c.track, ARRIVAL.c.module)
        .subquery("waiting")
    )


def standings(people: CTE, plan: Plan, modules: Sequence[PlannedModule], *, few: bool) -> CTE:
    """One row a learner of ``people`` and a module of which anything came.

    ``points`` (not below the bar by rounding, not cut at 0) is empty and ``ungraded`` 1 until there is a result;
    ``unread`` is 1 while somebody must read a reflection; ``passed`` and ``earned`` (hours) follow from the points;
    ``notebook`` is the id under which formgrader shows it. What a learner's track does not take is left out.
    ``few`` says that ``people`` are a part of all; the rows are the same with it and without.
    """
    ids = [module.id for module in modules]
    graded, waiting = _graded(people, ids, few), _waiting(people, ids)
    nothing: tuple[Any, ...] = (cast(null(), Float), literal(0), cast(null(), String), literal(1))
    came = union_all(
        select(
            *(graded.c[name] for name in ("account", "unit", "track", "module", "submitted_at")),
            cast(graded.c.points, Float).label("points"),
            graded.c.unread,
            graded.c.notebook,
            literal(0).label("ungraded"),
        ),
        select(*(waiting.c[name] for name in ("account", "unit", "track", "module", "submitted_at")), *nothing),
    ).subquery("came")
    bar = _bar(plan, modules, came)
    hours = case({m.id: m.hours for m in modules}, value=came.c.module) if modules else literal(0.0)
    return (
        select(
            came,
            case((came.c.points >= bar, 1), else_=0).label("passed"),
            case((came.c.points >= bar, hours), else_=0.0).label("earned"),
        )
        .where(bar.is_not(None))
        .cte("standings")
    )
