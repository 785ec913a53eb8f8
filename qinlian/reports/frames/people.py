"""Who learns, and in which unit: the learners of a gradebook, by the roster where there is one, within a scope."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sqlalchemy import inspect, select
from sqlalchemy.engine import Connection

from qinlian.grading.tables import STUDENT
from qinlian.reports.frames.book import kept, open_gradebook
from qinlian.roster.people import ALL, LEARNER, Roster, Scope
from qinlian.roster.store import read_roster
from qinlian.roster.tables import UNIT
from qinlian.roster.units import Node, ancestors, at_or_below, tree

__all__ = ["Learner", "by_account", "learners", "roster_of", "units"]

_TEXTS = ("account", "number", "name", "unit", "department", "track")


@dataclass(frozen=True)
class Learner:
    """One learner as a report names them; what is not known of them is empty."""

    name: str
    unit: str
    track: str = ""
    number: str = ""
    department: str = ""
    archived: bool = False


def by_account(connection: Connection, scope: Scope = ALL, *, archived: bool = False) -> dict[str, Learner]:
    """Account → learner, for everybody whom ``scope`` admits, in the order of accounts.

    Name, unit and track are the roster's. Whom it does not know (as in a classroom of demonstrations) is named as
    in nbgrader's own record: ``last_name``, and ``first_name`` for the unit. Who left is there only with
    ``archived``; who teaches is no learner.
    """
    everybody = kept(connection, _everybody)
    return {a: one for a, one in everybody.items() if scope.admits(a) and (archived or not one.archived)}


def _everybody(connection: Connection) -> dict[str, Learner]:
    """All that learn or learnt, in the order of accounts."""
    if not inspect(connection).has_table(STUDENT.name):
        return {}
    roster = read_roster(connection)
    found: dict[str, Learner] = {}
    rows = connection.execute(select(STUDENT.c.id, STUDENT.c.last_name, STUDENT.c.first_name).order_by(STUDENT.c.id))
    for row in rows:
        person = roster.find(row.id)
        if person is None:
            found[row.id] = Learner(row.last_name or "", row.first_name or "")
        elif person.role == LEARNER:
            known = (person.name, person.unit, person.track, person.number, person.department, person.archived)
            found[row.id] = Learner(*known)
    return found


def roster_of(gradebook: str | Path) -> Roster:
    """The roster of a gradebook: its address, or the folder of the course that names it. Raises GradingError."""
    with open_gradebook(gradebook) as connection:
        return read_roster(connection)


def learners(connection: Connection, scope: Scope = ALL, *, archived: bool = False) -> pd.DataFrame:
    """One row a learner whom ``scope`` admits, in the order of accounts; who left only with ``archived``.

    - account: str, nbgrader's student id
    - number: str, 工号; empty for whom no roster knows (so are department and track)
    - name: str
    - unit: category, the path of the unit; empty where none is known
    - department: category
    - track: category, 培训对象 as the roster has it; empty where the learner chooses. ``grades`` takes one that is
      none of the course's for none
    - archived: bool, True for somebody who left
    """
    found = by_account(connection, scope, archived=archived)
    table = pd.DataFrame(
        [{"account": account, **vars(learner)} for account, learner in found.items()], columns=[*_TEXTS, "archived"]
    )
    texts = {"account": "str", "number": "str", "name": "str"}
    return table.astype(texts | dict.fromkeys(("unit", "department", "track"), "category") | {"archived": "bool"})


def units(connection: Connection, scope: Scope = ALL) -> pd.DataFrame:
    """One row a unit that ``scope`` reaches, also one without learners; each unit right before those below it.

    - unit: str, the path, with ``roster.units.SEPARATOR``
    - name: str, the last part of the path
    - parent: str, the path of the unit above, empty for the highest
    - depth: int, 0 for the highest, whatever the scope
    - people: int, learners in the unit itself, without those who left
    - people_below: int, those in the unit or in one below it
    """
    known = []
    if inspect(connection).has_table(UNIT.name):
        known = list(connection.execute(select(UNIT.c.path).order_by(UNIT.c.place)).scalars())
    inside = Counter(learner.unit for learner in by_account(connection, scope).values() if learner.unit)
    below = Counter(dict.fromkeys(known, 0))
    for unit, count in inside.items():
        for path in (*ancestors(unit), unit):
            below[path] += count
    rows = [
        (node.path, node.name, node.path[: -len(node.name) - 1], node.depth, inside[node.path], below[node.path])
        for root in tree(dict.fromkeys([*known, *sorted(inside)]))
        for node in _in_order(root)
        if scope.units is None or any(at_or_below(node.path, top) for top in scope.units)
    ]
    table = pd.DataFrame(rows, columns=["unit", "name", "parent", "depth", "people", "people_below"])
    texts = dict.fromkeys(("unit", "name", "parent"), "str")
    return table.astype(texts | dict.fromkeys(("depth", "people", "people_below"), "int64"))


def _in_order(node: Node) -> list[Node]:
    return [node, *(one for child in node.below for one in _in_order(child))]
