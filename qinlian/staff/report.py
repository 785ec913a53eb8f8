"""成绩报表: a row a learner and module, a page at a time or all of them one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, func, select, true
from sqlalchemy.engine import Connection

from qinlian.core.zone import BEIJING
from qinlian.database import aware
from qinlian.reports.states import GRADED, NOT_BEGUN, SENT, STATES, UNREAD
from qinlian.staff.plan import Plan, PlannedModule
from qinlian.staff.scope import learners
from qinlian.staff.standings import needed, read_widely, standings, state_of
from qinlian.staff.viewer import Viewer

__all__ = [
    "COLUMNS",
    "IDLE",
    "NAMES",
    "Filter",
    "Learner",
    "Names",
    "Page",
    "Row",
    "cells",
    "chosen",
    "every_name",
    "every_row",
    "find_learners",
    "name_cells",
    "names_of",
    "page_of",
]

COLUMNS = ("工号", "姓名", "单位", "部门", "培训对象", "模块", "得分", "满分", "状态", "提交时间", "获得学时")
NAMES = ("工号", "姓名", "单位", "部门", "培训对象", "邮箱")
IDLE = "一份未交"
"""Asked for as a state: learners who handed in nothing of what is asked for."""
_ROWS = 150
"""About so many rows stand on a page; a learner's rows are never parted."""
_PART = 400


@dataclass(frozen=True)
class Filter:
    """What of the report is asked for; empty means everything that may be seen."""

    below: str = ""
    module: str = ""
    state: str = ""
    words: str = ""

    def modules(self, plan: Plan) -> tuple[PlannedModule, ...]:
        """The modules that are asked for."""
        return tuple(m for m in plan.modules if self.module in ("", m.id))


@dataclass(frozen=True)
class Learner:
    """One learner as the pages name them."""

    account: str
    number: str
    name: str
    unit: str
    department: str
    email: str
    track: str


@dataclass(frozen=True)
class Row:
    """How one learner stands in one module; ``score`` is None until there is a result."""

    learner: Learner
    module: PlannedModule
    state: str
    score: float | None
    submitted_at: datetime | None
    passed: bool

    @property
    def hours(self) -> float:
        """The hours it has earned."""
        return self.module.hours if self.passed else 0.0

    @property
    def verdict(self) -> str:
        """What is said behind a final result."""
        return ("，及格" if self.passed else "，未及格") if self.state == GRADED else ""

    @property
    def tone(self) -> str:
        """How the page colours the state."""
        names = ("idle", "ungraded", "unread", "passed" if self.passed else "failed")
        return names[STATES.index(self.state)]


@dataclass(frozen=True)
class Page:
    """One page of the report. ``people`` counts the learners on all its ``pages``."""

    rows: tuple[Row, ...]
    people: int
    number: int
    pages: int


def chosen(connection: Connection, viewer: Viewer, plan: Plan, asked: Filter) -> tuple[str, ...]:
    """The accounts of the learners who have a row that is asked for, by unit and account."""
    modules = asked.modules(plan)
    people = learners(viewer, plan.tracks, below=asked.below, words=asked.words)
    takes = needed(plan, modules, people.c.track)
    query = select(people.c.account, takes).where(takes > 0).order_by(people.c.unit, people.c.account)
    if asked.state not in (*STATES, IDLE):
        return tuple(account for account, _ in connection.execute(query))
    read_widely(connection)
    came = standings(people, plan, modules, few=bool(viewer.home or asked.below or asked.words))
    holds = {
        IDLE: true(),
        NOT_BEGUN: true(),
        SENT: came.c.ungraded == 1,
        UNREAD: came.c.unread == 1,
        GRADED: and_(came.c.ungraded == 0, came.c.unread == 0),
    }
    counted = select(came.c.account, func.count()).where(holds[asked.state]).group_by(came.c.account)
    # Put together here: asked to subtract one list from the other, SQLite goes through one for each row of the other.
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
    if asked.state == IDLE:
        return tuple(account for account, _ in connection.execute(query) if account not in found)
    if asked.state == NOT_BEGUN:
        return tuple(account for account, count in connection.execute(query) if found.get(account, 0) < count)
    return tuple(account for account, _ in connection.execute(query) if account in found)


@dataclass(frozen=True)
class Names:
    """One page of learners' names. ``people`` counts those on all its ``pages``."""

    learners: tuple[Learner, ...]
    people: int
    number: int
    pages: int


def names_of(
    connection: Connection, viewer: Viewer, plan: Plan, asked: Filter, accounts: Sequence[str], number: int
) -> Names:
    """Page ``number`` of the names that ``viewer`` may see of ``accounts``."""
    part, number, pages = _part(accounts, _ROWS, number)
    people = _people(connection, viewer, plan, asked, accounts=part) if part else []
    return Names(tuple(people), len(accounts), number, pages)


def _part(accounts: Sequence[str], size: int, number: int) -> tuple[Sequence[str], int, int]:
    """The accounts of a page, its number, and how many there are."""
    pages = max(1, -(-len(accounts) // size))
    number = min(max(1, number), pages)
    return accounts[(number - 1) * size : number * size], number, pages


def page_of(
    connection: Connection, viewer: Viewer, plan: Plan, asked: Filter, accounts: Sequence[str], number: int
) -> Page:
    """Page ``number`` (from 1; the last one when there are fewer) of what ``viewer`` may see of ``accounts``."""
    part, number, pages = _part(accounts, max(10, _ROWS // max(1, len(asked.modules(plan)))), number)
    rows = _rows(connection, viewer, plan, asked, accounts=part) if part else []
    return Page(tuple(rows), len(accounts), number, pages)


def every_row(engine: Engine, viewer: Viewer, plan: Plan, asked: Filter) -> Iterator[Row]:
    """All rows that ``viewer`` may see, in the order of the pages.

    Read in parts, each in a transaction of its own: whoever grades meanwhile waits for none of it.
    """
    for people in _parts(engine, viewer, plan, asked):
        with engine.connect() as connection:
            rows = _rows(connection, viewer, plan, asked, accounts=[one.account for one in people])
        yield from rows


def every_name(engine: Engine, viewer: Viewer, plan: Plan, asked: Filter) -> Iterator[Learner]:
    """The learners whom ``viewer`` may see and who handed in nothing of what is asked for."""
    modules = asked.modules(plan)
    for people in _parts(engine, viewer, plan, asked):
        accounts = [one.account for one in people]
        some = learners(viewer, plan.tracks, below=asked.below, accounts=accounts)
        came = standings(some, plan, modules, few=True)
        with engine.connect() as connection:
            began = set(connection.execute(select(came.c.account).distinct()).scalars())
        takes = (one for one in people if any(one.track in module.marks for module in modules))
        yield from (one for one in takes if one.account not in began)


def find_learners(connection: Connection, viewer: Viewer, plan: Plan, accounts: Sequence[str]) -> dict[str, Learner]:
    """Account → learner, of those whom ``viewer`` may see."""
    found = _people(connection, viewer, plan, Filter(), accounts=accounts) if accounts else []
    return {one.account: one for one in found}


def _parts(engine: Engine, viewer: Viewer, plan: Plan, asked: Filter) -> Iterator[list[Learner]]:
    """All learners who may be seen, some hundred at a time."""
    after: tuple[str, str] | None = None
    while True:
        with engine.connect() as connection:
            people = _people(connection, viewer, plan, asked, after=after, limit=_PART)
        if not people:
            return
        yield people
        after = (people[-1].unit, people[-1].account)


def name_cells(who: Learner) -> tuple[str, ...]:
    """A learner as the worksheet of names holds them, in the order of ``NAMES``."""
    return who.number, who.name, who.unit, who.department, who.track, who.email


def cells(row: Row) -> tuple[Any, ...]:
    """A row as the worksheet holds it, in the order of ``COLUMNS``; times are Beijing time, without a zone."""
    who, when = row.learner, row.submitted_at
    return (
        *(who.number, who.name, who.unit, who.department, who.track),
        *(row.module.name, row.score, row.module.max_score, row.state),
        when.astimezone(BEIJING).replace(tzinfo=None) if when else None,
        row.hours,
    )


def _people(connection: Connection, viewer: Viewer, plan: Plan, asked: Filter, **more: Any) -> list[Learner]:
    people = learners(viewer, plan.tracks, below=asked.below, words=asked.words, **more)
    query = select(people).order_by(people.c.unit, people.c.account)
    return [Learner(**row._mapping) for row in connection.execute(query)]


def _rows(connection: Connection, viewer: Viewer, plan: Plan, asked: Filter, *, accounts: Sequence[str]) -> list[Row]:
    """The rows of some learners, as far as ``viewer`` may see them."""
    modules = asked.modules(plan)
    people = _people(connection, viewer, plan, asked, accounts=accounts)
    chosen = learners(viewer, plan.tracks, below=asked.below, words=asked.words, accounts=accounts)
    came = select(standings(chosen, plan, modules, few=True))
    found = {(row.account, row.module): row for row in connection.execute(came)}
    rows = (_row(one, m, found.get((one.account, m.id))) for one in people for m in modules if one.track in m.marks)
    return [row for row in rows if asked.state in ("", row.state)]


def _row(learner: Learner, module: PlannedModule, came: Any) -> Row:
    if came is None:
        return Row(learner, module, NOT_BEGUN, None, None, passed=False)
    score = None if came.points is None else round(max(0.0, float(came.points)), 2)
    state = state_of(came.ungraded, came.unread)
    return Row(learner, module, state, score, aware(came.submitted_at), bool(came.passed))
