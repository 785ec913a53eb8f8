"""A person of the roster, and all of them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from qinlian.authoring.textfile import nearest
from qinlian.errors import RosterError
from qinlian.roster.units import ancestors, at_or_below, find, own_name

__all__ = [
    "ALL",
    "LEARNER",
    "NUMBER",
    "Entry",
    "Person",
    "Role",
    "Roster",
    "Scope",
    "account_of",
]

_T = TypeVar("_T")
Role = Literal["学员", "教师", "管理员"]
LEARNER: Role = "学员"
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,28}", re.ASCII)
"""What a 工号 may be: with its prefix it is a unix user's name of at most 30 characters."""


def account_of(number: str) -> str:
    """The account of a 工号: Hub user, unix user and nbgrader's student id. Raises ValueError for what is no 工号."""
    if not NUMBER.fullmatch(number):
        raise ValueError(f"no number: {number!r}")
    return f"ql{number.lower()}"


class Entry(BaseModel):
    """One line of a sheet: what an institution says of somebody. ``role`` None: the sheet has no such column."""

    model_config = ConfigDict(frozen=True)

    number: str = Field(description="工号 as it was written")
    name: str
    unit: str = Field(description="path of the unit, tidy")
    department: str = ""
    track: str = Field(default="", description="培训对象; empty: the learner chooses")
    email: str = ""
    role: Role | None = None

    @property
    def account(self) -> str:
        """The account that this person has or will get."""
        return account_of(self.number)


class Person(BaseModel):
    """One person of the roster. Times are aware, in UTC."""

    model_config = ConfigDict(frozen=True)

    account: str
    number: str
    name: str
    unit: str
    department: str = ""
    track: str = ""
    email: str = ""
    role: Role = LEARNER
    uid: int = Field(description="of the unix account, and of the pod, on every machine")
    archived_at: datetime | None = None
    changed_at: datetime

    @property
    def archived(self) -> bool:
        """True for somebody who left: the data stay, nobody can sign in."""
        return self.archived_at is not None

    @property
    def learns(self) -> bool:
        """True for a 学员 who is there."""
        return self.role == LEARNER and not self.archived

    @property
    def teaches(self) -> bool:
        """True for a 教师 or 管理员 who is there."""
        return self.role != LEARNER and not self.archived


@dataclass(frozen=True)
class Scope:
    """Whose rows may be shown.

    ``units`` are the highest units that may be looked at, None for everything (then also learners whom no
    roster knows). ``accounts`` are the people at or below them.
    """

    units: tuple[str, ...] | None
    accounts: frozenset[str] = frozenset()

    def admits(self, account: str) -> bool:
        """True when rows of that learner may be shown."""
        return self.units is None or account in self.accounts

    def only(self, rows: Iterable[_T], account: Callable[[_T], str]) -> list[_T]:
        """The rows of learners who may be shown, and nobody else's; ``account`` tells whose a row is."""
        return [row for row in rows if self.admits(account(row))]


ALL = Scope(None)
"""Everything, as a 管理员 sees it."""


@dataclass(frozen=True)
class Roster:
    """Everybody, archived people too, in the order in which they were first imported."""

    people: tuple[Person, ...] = ()

    @cached_property
    def by_account(self) -> Mapping[str, Person]:
        """Account → person."""
        return {person.account: person for person in self.people}

    def find(self, account: str) -> Person | None:
        """The person of that account."""
        return self.by_account.get(account)

    @property
    def units(self) -> tuple[str, ...]:
        """The units that people belong to, in order of first appearance."""
        return tuple(dict.fromkeys(person.unit for person in self.people))

    def unit_named(self, text: str) -> str:
        """The one unit that somebody means by ``text``: its path, or its last parts. Raises RosterError."""
        found = find(text, self.units)
        if len(found) == 1:
            return found[0]
        if found:
            raise RosterError(f"“{text}”有 {len(found)} 个：{'、'.join(found[:5])}；从上级写起")
        known = dict.fromkeys(one for unit in self.units for one in (*ancestors(unit), unit))
        close = nearest(text, [*known, *map(own_name, known)], listed=False)
        raise RosterError(f"名单里没有单位“{text}”；{close or '用 qinlian roster list 看有哪些单位'}")

    def people_below(self, unit: str) -> tuple[Person, ...]:
        """Who belongs to ``unit`` or to a unit below it."""
        return tuple(person for person in self.people if at_or_below(person.unit, unit))

    def scope(self, *units: str) -> Scope:
        """The people at or below any of ``units``, and nobody else."""
        return Scope(units, frozenset(p.account for unit in units for p in self.people_below(unit)))

    def scope_of(self, person: Person) -> Scope:
        """What a person may see of others: a 管理员 everything, a 教师 their unit and below, others nothing."""
        if not person.teaches:
            return Scope(())
        return ALL if person.role == "管理员" else self.scope(person.unit)
