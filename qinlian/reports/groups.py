"""Which group of people each learner counts in, where nothing may be told of few: whole branches of the tree of units.

A unit with enough people is a group of its own. What is too small joins what is too small beside it in the unit
above, and so on up. So the groups never overlap, whoever looks: a report on one branch shows some of the groups
of the report on everything, and subtracting one report from another gives nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from qinlian.items.selfcheck.scale import OTHER_UNITS, SMALLEST_GROUP
from qinlian.roster.units import SEPARATOR, at_or_below

__all__ = ["EVERYBODY", "MERGED", "groups_of", "within"]

EVERYBODY = "全体学员"

MERGED = "（连同人少的下级单位）"
"""Behind the name of a unit whose group also holds people of units below it."""


def groups_of(units: Mapping[str, str]) -> dict[str, str]:
    """Learner → name of their group, for those who find one; ``units`` is learner → unit."""
    waiting: dict[str, set[str]] = defaultdict(set)
    own: dict[str, set[str]] = defaultdict(set)
    for learner, unit in units.items():
        own[unit].add(learner)
        waiting[unit].add(learner)
    found: dict[str, str] = {}
    depth = max((unit.count(SEPARATOR) for unit in units.values()), default=0)
    for level in range(depth, -1, -1):
        for unit in sorted(path for path in waiting if path.count(SEPARATOR) == level):
            people = waiting[unit]
            # A unit that is called like the groups of everybody else must not be taken for them.
            if len(people) >= SMALLEST_GROUP and unit not in (OTHER_UNITS, EVERYBODY):
                name = unit if people <= own[unit] else unit + MERGED
                found |= dict.fromkeys(people, name)
            elif level:
                waiting[unit.rpartition(SEPARATOR)[0]] |= people
    return found


def within(group: str, unit: str) -> bool:
    """True when everybody in the group of that name belongs to ``unit`` or below."""
    return at_or_below(group.removesuffix(MERGED), unit)
