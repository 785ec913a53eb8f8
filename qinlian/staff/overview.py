"""班级概况: how many learners of each unit stand where, totals rolled up the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import case, func, literal, select, union_all
from sqlalchemy.engine import Connection

from qinlian.roster.units import ancestors, own_name
from qinlian.staff.plan import Plan, PlannedModule
from qinlian.staff.scope import learners, units
from qinlian.staff.standings import needed, read_widely, standings
from qinlian.staff.viewer import Viewer

__all__ = ["Counts", "ModuleCounts", "Overview", "UnitCounts", "overview"]


@dataclass(frozen=True)
class Counts:
    """Of some learners: ``idle`` handed in nothing, ``finished`` passed all they have to take.

    The rest counts submissions, one a learner and module: ``given`` in all, of them ``ungraded``, ``unread``
    (a reflection waits for its reader) and ``passed``; ``earned`` are hours; ``asked`` is how many there will be.
    """

    learners: int = 0
    idle: int = 0
    finished: int = 0
    asked: int = 0
    given: int = 0
    ungraded: int = 0
    unread: int = 0
    passed: int = 0
    earned: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))

    @property
    def under_way(self) -> int:
        """Learners who began and are not through."""
        return self.learners - self.idle - self.finished

    @property
    def graded(self) -> int:
        """Submissions with a final result."""
        return self.given - self.ungraded - self.unread

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """What came, by how far it is."""
        return ("graded", self.graded), ("unread", self.unread), ("ungraded", self.ungraded)

    @property
    def missing(self) -> int:
        """Submissions that are still to come."""
        return self.asked - self.given

    @property
    def hours_each(self) -> float:
        """Hours earned by a learner on average."""
        return self.earned / self.learners if self.learners else 0.0


@dataclass(frozen=True)
class UnitCounts:
    """One unit with all below it, or, where ``direct``, only the learners of the unit itself."""

    path: str
    name: str
    depth: int
    counts: Counts
    direct: bool = False
    branches: bool = False


@dataclass(frozen=True)
class ModuleCounts:
    """One module, of the learners who take it."""

    module: PlannedModule
    counts: Counts


@dataclass(frozen=True)
class Overview:
    """``total`` of all learners seen; ``units`` in the order of the tree, those without learners left out."""

    total: Counts
    units: tuple[UnitCounts, ...]
    modules: tuple[ModuleCounts, ...]


def overview(connection: Connection, viewer: Viewer, plan: Plan, *, below: str = "", module: str = "") -> Overview:
    """What ``viewer`` may see at and below ``below``; of one ``module``, or of all of them.

    With a module only the learners who take it are counted, and ``finished`` means that they passed it.
    """
    modules = [m for m in plan.modules if module in ("", m.id)]
    read_widely(connection)
    by_unit: dict[str, Counts] = defaultdict(Counts)
    by_track: dict[str, int] = defaultdict(int)
    by_module: dict[str, Counts] = {}
    for kind, key, track, *numbers in connection.execute(_query(viewer, plan, modules, below)):
        # PostgreSQL's sums are decimals.
        people, finished, given, ungraded, unread, passed = map(int, numbers[:6])
        came = Counts(0, 0, finished, 0, given, ungraded, unread, passed, float(numbers[6]))
        if kind == "module":
            by_module[key] = came
        elif kind == "began":
            by_unit[key] += replace(came, idle=-people)
        elif any(track in m.marks for m in modules):
            asked = people * sum(track in m.marks for m in modules)
            by_unit[key] += Counts(learners=people, idle=people, asked=asked)
            by_track[track] += people
    return Overview(
        total=sum(by_unit.values(), Counts()),
        units=_rolled_up(units(connection, viewer, below), by_unit),
        modules=tuple(_module(m, by_module.get(m.id, Counts()), by_track) for m in modules),
    )


def _module(module: PlannedModule, came: Counts, by_track: Mapping[str, int]) -> ModuleCounts:
    asked = sum(count for track, count in by_track.items() if track in module.marks)
    return ModuleCounts(module, came + Counts(learners=asked, asked=asked, idle=asked - came.given))


def _query(viewer: Viewer, plan: Plan, modules: Sequence[PlannedModule], below: str) -> Any:
    """In one reading of the gradebook: learners by unit and track, what those who began came to, and each module."""
    people = learners(viewer, plan.tracks, below=below)
    came = standings(people, plan, modules, few=bool(viewer.home or below))
    sums = ("ungraded", "unread", "passed", "earned")
    each = (
        select(
            func.max(came.c.unit).label("unit"),
            func.max(came.c.track).label("track"),
            func.count().label("given"),
            *(func.sum(came.c[name]).label(name) for name in sums),
        )
        .group_by(came.c.account)
        .subquery("each")
    )
    through = case((each.c.passed >= needed(plan, modules, each.c.track), 1), else_=0)
    nothing = (literal(0),) * 5
    return union_all(
        select(literal("all"), people.c.unit, people.c.track, func.count(), *nothing, literal(0.0)).group_by(
            people.c.unit, people.c.track
        ),
        select(
            literal("began"),
            each.c.unit,
            each.c.track,
            func.count(),
            func.sum(through),
            *(func.sum(each.c[name]) for name in ("given", *sums)),
        ).group_by(each.c.unit, each.c.track),
        select(
            literal("module"),
            came.c.module,
            literal(""),
            literal(0),
            literal(0),
            func.count(),
            *(func.sum(came.c[name]) for name in sums),
        ).group_by(came.c.module),
    )


def _rolled_up(known: Iterable[str], direct: Mapping[str, Counts]) -> tuple[UnitCounts, ...]:
    """The tree with sums, each unit before those below it; ``direct`` counts the learners of a unit itself."""
    order = [*known, *(path for path in direct if path not in set(known))]
    totals: dict[str, Counts] = defaultdict(Counts)
    seen = set(order)
    below: dict[str, list[str]] = defaultdict(list)
    for path in order:
        parent = next((a for a in reversed(ancestors(path)) if a in seen), "")
        below[parent].append(path)
        for one in (*(a for a in ancestors(path) if a in seen), path):
            totals[one] += direct.get(path, Counts())
    rows: list[UnitCounts] = []

    def add(path: str, depth: int) -> None:
        if not totals[path].learners:
            return
        children = [child for child in below[path] if totals[child].learners]
        rows.append(UnitCounts(path, own_name(path), depth, totals[path], branches=bool(children)))
        own = direct.get(path, Counts())
        if children and own.learners:
            rows.append(UnitCounts(path, own_name(path), depth + 1, own, direct=True))
        for child in children:
            add(child, depth + 1)

    for path in below[""]:
        add(path, 0)
    return tuple(rows)
