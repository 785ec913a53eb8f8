"""A ledger's template as data: what the author wrote under each ``####`` heading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from qinlian.items.base import BodyText

__all__ = ["Person", "Settings", "Subject", "Template", "Vendor", "Violation", "money"]


def money(yuan: int) -> str:
    """20000 → 20,000"""
    return f"{yuan:,}"


@dataclass(frozen=True)
class Settings:
    """The lines under 台账. Amounts are in yuan."""

    rows: tuple[int, int]
    start: date
    end: date
    skipped: frozenset[date] = frozenset()
    variants: int = 24
    limit: int = 0
    window: int = 7
    guests: int = 10
    hosts: int = 3

    def hosts_allowed(self, guests: int) -> int:
        """How many may keep the guests company at table.

        《党政机关国内公务接待管理规定》第十条第一款 has the same two steps, with 10 and 3.
        """
        return self.hosts if guests <= self.guests else guests // 3

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The days on which something can happen, in order."""
        span = range((self.end - self.start).days + 1)
        every = (self.start + timedelta(days=n) for n in span)
        return tuple(day for day in every if day not in self.skipped)


@dataclass(frozen=True)
class Subject:
    """A 科目: what money is spent on, for how much, and how often among the rows."""

    name: str
    category: str
    low: int
    high: int
    weight: int


@dataclass(frozen=True)
class Vendor:
    """A supplier and names that look like its own; ``sells`` are 科目, all when empty."""

    name: str
    aliases: tuple[str, ...]
    sells: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Person:
    name: str
    driver: bool


@dataclass(frozen=True)
class Violation:
    """A kind to plant ``times`` over, ``rows`` rows each, among ``decoys`` that only look like it."""

    kind: str
    times: int
    rows: int
    decoys: int
    explanation: str
    citations: tuple[BodyText, ...]


@dataclass(frozen=True)
class Template:
    """Everything a ledger is made from."""

    settings: Settings
    subjects: tuple[Subject, ...]
    vendors: tuple[Vendor, ...]
    people: tuple[Person, ...]
    visitors: tuple[str, ...]
    places: tuple[str, ...]
    cars: tuple[str, ...]
    violations: tuple[Violation, ...]
    reasons: tuple[tuple[str, int], ...]
    """(kind, decoys) of every reason on offer; decoys of a planted kind stand with the violation."""

    @property
    def planted(self) -> int:
        """How many rows are planted in every variant."""
        return sum(v.times * v.rows for v in self.violations)

    @property
    def groups(self) -> int:
        """How many findings there are in every variant."""
        return sum(v.times for v in self.violations)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that occur, in the order of the 科目."""
        return tuple(dict.fromkeys(s.category for s in self.subjects))

    def subjects_of(self, category: str) -> tuple[Subject, ...]:
        return tuple(s for s in self.subjects if s.category == category)
