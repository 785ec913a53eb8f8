"""Whose rows a report has: the learners of a gradebook, by the roster where there is one, within a scope."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.engine import Connection

from qinlian.grading.tables import STUDENT
from qinlian.reports.book import kept, open_gradebook
from qinlian.roster.people import ALL, LEARNER, Roster, Scope
from qinlian.roster.store import read_roster

__all__ = ["Learner", "learners", "roster_of"]


@dataclass(frozen=True)
class Learner:
    """One learner as a report names them; what is not known of them is empty."""

    name: str
    unit: str
    track: str = ""
    number: str = ""
    department: str = ""
    archived: bool = False


def learners(connection: Connection, scope: Scope = ALL, *, archived: bool = False) -> dict[str, Learner]:
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
