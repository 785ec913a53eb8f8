"""批阅心得: whose reflections wait for a reader, the longest wait first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from qinlian.database import aware
from qinlian.staff.plan import Plan, PlannedModule
from qinlian.staff.report import Filter, Learner, find_learners
from qinlian.staff.scope import learners
from qinlian.staff.standings import read_widely, standings
from qinlian.staff.viewer import Viewer

__all__ = ["Waiting", "waiting"]

MOST = 100
"""So many are listed; whoever has read those gets the next ones."""


@dataclass(frozen=True)
class Waiting:
    """One submission with a reflection to be read; ``notebook`` is its id in formgrader."""

    learner: Learner
    module: PlannedModule
    submitted_at: datetime | None
    notebook: str


def waiting(connection: Connection, viewer: Viewer, plan: Plan, asked: Filter) -> tuple[tuple[Waiting, ...], int]:
    """The first ``MOST`` submissions that ``viewer`` may see and somebody must read, and how many there are."""
    modules = asked.modules(plan)
    people = learners(viewer, plan.tracks, below=asked.below)
    read_widely(connection)
    came = standings(people, plan, modules, few=bool(viewer.home or asked.below))
    query = (
        select(came.c.account, came.c.module, came.c.submitted_at, came.c.notebook, func.count().over().label("all"))
        .where(came.c.unread == 1)
        .order_by(came.c.submitted_at, came.c.account)
        .limit(MOST)
    )
    rows = list(connection.execute(query))
    # Not joined above: SQLite then goes through everybody's submissions for each learner.
    who = find_learners(connection, viewer, plan, [row.account for row in rows])
    found = tuple(
        Waiting(who[r.account], plan.by_id[r.module], aware(r.submitted_at), r.notebook)
        for r in rows
        if r.account in who
    )
    return found, rows[0].all if rows else 0
