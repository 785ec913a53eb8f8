"""The self-checks of a unit summed up: where its risks lie, and nothing about anybody.

No group of fewer than ``SMALLEST_GROUP`` people is told of, nor can one be found by subtracting:

- Units below that number are put together as 其他单位. If these together are still too few, the
  smallest of the other units joins them. So everybody stands in exactly one group that is large
  enough, and a sum over all less the groups shown leaves nobody over.
- The same rule holds for the risk points inside a group: those that few people rated stand together
  in one line a post, and posts with few people in one line of the rest. A post that one person in the
  unit holds would be that person's name.
- There is no line for everybody beside the groups, and no number that is not of a group.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qinlian.core.model import Course
from qinlian.items.selfcheck import OWN, TYPE
from qinlian.items.selfcheck.scale import OTHER_UNITS, SMALLEST_GROUP
from qinlian.reports.frames import open_gradebook
from qinlian.reports.frames.written import ratings
from qinlian.reports.groups import EVERYBODY, groups_of, within
from qinlian.roster.people import Roster

__all__ = [
    "GroupRisks",
    "RatedRisk",
    "SelfRating",
    "group_risks",
    "risk_names",
    "roster_risks",
    "self_checks",
    "self_ratings",
]

OWN_RISKS = "自己补充的风险点（文字不在这里）"


@dataclass(frozen=True)
class SelfRating:
    """What one learner's newest counted self-check says: risk id → (likelihood, consequence, safeguard)."""

    learner: str
    rows: Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True)
class RatedRisk:
    """One risk point in a group. ``mean`` is of likelihood × consequence, ``unguarded`` a share in [0, 1].

    ``merged`` is how many risk points stand in this line because too few people rated each; 0 for a line of its own.
    """

    name: str
    people: int
    mean: float
    unguarded: float
    merged: int = 0


@dataclass(frozen=True)
class GroupRisks:
    """One group. ``heat`` counts ratings by (likelihood, consequence); ``risks`` are ranked by ``mean``."""

    name: str
    people: int
    heat: Mapping[tuple[int, int], int]
    risks: tuple[RatedRisk, ...] = field(default=())


def self_checks(course: Course) -> set[str]:
    """The items (自查) in which learners rate risks of their own; in these nothing is right or wrong."""
    return {item.id for module in course.modules for item in module.items if item.kind == TYPE.label}


def self_ratings(gradebook: str | Path, course: Course) -> list[SelfRating]:
    """The newest counted self-check of every learner who handed one in.

    ``gradebook`` is the database's address, or the folder of the course that names it. Raises GradingError
    when that folder is no course or the database cannot be read.
    """
    newest: dict[str, SelfRating] = {}
    with open_gradebook(gradebook) as connection:
        for learner, value in ratings(connection, self_checks(course)):
            rows = {risk: (row[0], row[1], row[2]) for risk, row in json.loads(value)["rows"].items()}
            newest[learner] = SelfRating(learner, rows)
    return list(newest.values())


def risk_names(course: Course) -> dict[str, tuple[str, str]]:
    """Risk id → (post, risk point), for people."""
    posts = [post for module in course.modules for item in module.items for post in item.posts]
    return {risk.id: (post.name, risk.text) for post in posts for duty in post.duties for risk in duty.risks}


def group_risks(
    ratings: Iterable[SelfRating], names: Mapping[str, tuple[str, str]], units: Mapping[str, str] | None = None
) -> list[GroupRisks]:
    """What may be told of each unit; without ``units`` (learner → unit) all learners are one group.

    Who is not in ``units`` counts among 其他单位. Empty when there are fewer people than may be told of.
    """
    by_learner = {rating.learner: rating for rating in ratings}
    members: dict[str, set[str]] = defaultdict(set)
    for learner in by_learner:
        members[EVERYBODY if units is None else units.get(learner, "")].add(learner)
    groups = _merged(members)
    found = []
    for unit, people in sorted(groups.large.items()):
        found.append(_summed(unit, [by_learner[p] for p in sorted(people)], names))
    if groups.rest:
        name = OTHER_UNITS if groups.large else EVERYBODY
        found.append(_summed(name, [by_learner[p] for p in sorted(groups.rest)], names))
    return found


def roster_risks(
    ratings: Sequence[SelfRating], names: Mapping[str, tuple[str, str]], roster: Roster, unit: str = ""
) -> list[GroupRisks]:
    """What may be told of the units of ``roster``, or of ``unit`` and those below it.

    The groups are always made over everybody, so that a report on one unit is a part of the report on all.
    """
    people = {rating.learner: person.unit for rating in ratings if (person := roster.find(rating.learner))}
    groups = group_risks(ratings, names, groups_of(people))
    return [group for group in groups if within(group.name, unit)]


@dataclass(frozen=True)
class _Groups:
    """Keys that may stand alone, and the people (and keys) of all others together: nobody, or enough."""

    large: dict[str, set[str]]
    rest: set[str]
    merged: set[str]


def _merged(members: Mapping[str, set[str]]) -> _Groups:
    """Put together what is too small, and as much besides as it takes to be no longer so.

    An empty key never stands alone.
    """
    large = {key: people for key, people in members.items() if key and len(people) >= SMALLEST_GROUP}
    merged = set(members) - set(large)
    rest = set().union(*(members[key] for key in merged))
    while rest and len(rest) < SMALLEST_GROUP and large:
        smallest = min(large, key=lambda key: (len(large[key]), key))
        rest |= large.pop(smallest)
        merged.add(smallest)
    return _Groups(large, rest, merged) if len(rest) >= SMALLEST_GROUP else _Groups(large, set(), set())


@dataclass
class _Gathered:
    """The ratings of one risk point, or of several that stand together: (learner, row)."""

    rows: list[tuple[str, tuple[int, int, int]]] = field(default_factory=list)
    risks: int = 0

    @property
    def people(self) -> set[str]:
        return {learner for learner, _ in self.rows}

    def take(self, other: _Gathered) -> None:
        self.rows += other.rows
        self.risks += other.risks


def _summed(name: str, ratings: list[SelfRating], names: Mapping[str, tuple[str, str]]) -> GroupRisks:
    by_risk: dict[tuple[str, str], _Gathered] = defaultdict(lambda: _Gathered(risks=1))
    for rating in ratings:
        for risk, row in rating.rows.items():
            gone = ("", f"岗位目录里已经没有的风险点 {risk}")
            which = ("", OWN_RISKS) if OWN.fullmatch(risk) else names.get(risk, gone)
            by_risk[which].rows.append((rating.learner, row))
    heat = Counter((row[0], row[1]) for found in by_risk.values() for _, row in found.rows)
    lines: dict[str, _Gathered] = defaultdict(_Gathered)
    alone: set[str] = set()
    for (post, text), found in sorted(by_risk.items()):
        if len(found.people) >= SMALLEST_GROUP:
            key = f"{post}：{text}" if post else text
            alone.add(key)
        else:
            key = f"{post}：其余风险点" if post else ""
        lines[key].take(found)
    groups = _merged({key: found.people for key, found in lines.items()})
    ranked = [_line(key, lines[key], 0 if key in alone else lines[key].risks) for key in groups.large]
    ranked.sort(key=lambda line: (-line.mean, -line.people, line.name))
    if groups.rest:
        rest = _Gathered()
        for key in sorted(groups.merged):
            rest.take(lines[key])
        # Too mixed to have a place among the others.
        ranked.append(_line("其他岗位和风险点", rest, rest.risks))
    return GroupRisks(name, len(ratings), dict(heat), tuple(ranked))


def _line(name: str, found: _Gathered, merged: int = 0) -> RatedRisk:
    return RatedRisk(
        name=f"{name}（{merged} 个合在一起）" if merged else name,
        people=len(found.people),
        mean=sum(row[0] * row[1] for _, row in found.rows) / len(found.rows),
        unguarded=sum(row[2] == 0 for _, row in found.rows) / len(found.rows),
        merged=merged,
    )
