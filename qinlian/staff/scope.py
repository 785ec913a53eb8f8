"""Whose rows somebody may see. Everything the pages show of people and units is selected from here.

No other module of the pages names the roster's tables (a test sees to it), and each query joins what it
reads to ``learners``. So what a browser asks for can narrow what is seen and never widen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, false, func, literal, or_, select, true
from sqlalchemy.engine import Connection

from qinlian.roster.people import LEARNER
from qinlian.roster.tables import PERSON, UNIT
from qinlian.roster.units import SEPARATOR
from qinlian.staff.viewer import Viewer

__all__ = ["learners", "units", "viewer_of"]

_STAFF = ("教师", "管理员")


def viewer_of(connection: Connection, account: str) -> Viewer | None:
    """The 教师 or 管理员 of that account; None for anybody else, and for one who left."""
    row = connection.execute(
        select(PERSON).where(PERSON.c.account == account, PERSON.c.role.in_(_STAFF), PERSON.c.archived_at.is_(None))
    ).one_or_none()
    return None if row is None else Viewer(account=row.account, name=row.name, role=row.role, unit=row.unit)


def _at_or_below(column: ColumnElement[str], unit: str) -> ColumnElement[bool]:
    # Not LIKE: it takes _ and % for wildcards, and SQLite's takes 甲A for 甲a.
    branch = unit + SEPARATOR
    return or_(column == unit, func.substr(column, 1, len(branch)) == branch)


def _seen(column: ColumnElement[str], viewer: Viewer, below: str) -> ColumnElement[bool]:
    """What holds of a unit's path when ``viewer`` may see it and it is at or below ``below`` (empty: any)."""
    if viewer.sees_all:
        own: ColumnElement[bool] = true()
    elif viewer.role == "教师" and viewer.unit:
        own = _at_or_below(column, viewer.unit)
    else:
        own = false()
    return and_(own, _at_or_below(column, below)) if below else own


def learners(
    viewer: Viewer,
    tracks: tuple[str, ...],
    *,
    below: str = "",
    number: str = "",
    words: str = "",
    accounts: Sequence[str] | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> CTE:
    """The learners whom ``viewer`` may see.

    ``below`` narrows to a unit, ``number`` to one 工号, ``words`` to names and numbers that contain it, ``accounts``
    to some of them. With ``limit`` they come in parts, ordered by unit and account, each after the place ``after``
    where the last one ended. A track that is none of the course's ``tracks`` counts as none.
    """
    known = PERSON.c.track.in_(tracks) if tracks else false()
    query: Select[Any] = select(
        PERSON.c.account,
        PERSON.c.number,
        PERSON.c.name,
        PERSON.c.unit,
        PERSON.c.department,
        PERSON.c.email,
        case((known, PERSON.c.track), else_=literal("")).label("track"),
    ).where(PERSON.c.role == LEARNER, PERSON.c.archived_at.is_(None), _seen(PERSON.c.unit, viewer, below))
    if number:
        query = query.where(func.lower(PERSON.c.number) == number.lower())
    if words:
        query = query.where(
            or_(PERSON.c.name.contains(words, autoescape=True), PERSON.c.number.icontains(words, autoescape=True))
        )
    if accounts is not None:
        query = query.where(PERSON.c.account.in_(accounts))
    if after is not None:
        unit, account = after
        query = query.where(or_(PERSON.c.unit > unit, and_(PERSON.c.unit == unit, PERSON.c.account > account)))
    if limit is not None:
        query = query.order_by(PERSON.c.unit, PERSON.c.account).limit(limit)
    return query.cte("learners")


def units(connection: Connection, viewer: Viewer, below: str = "") -> tuple[str, ...]:
    """The paths of the units that ``viewer`` may see, in order of first appearance."""
    query = select(UNIT.c.path).where(_seen(UNIT.c.path, viewer, below)).order_by(UNIT.c.place)
    return tuple(connection.execute(query).scalars())
