"""Which group of people each learner counts in, where nothing may be told of few: whole branches of the tree of units.

A unit with enough people is a group of its own. What is too small joins what is too small beside it in the unit
above, and so on up. So the groups never overlap, whoever looks: a report on one branch shows some of the groups
of the report on everything, and subtracting one report from another gives nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from qinlian.items.selfcheck.scale import OTHER_UNITS, SMALLEST_GROUP
from qinlian.roster.units import SEPARATOR, at_or_below

__all__ = ["EVERYBODY", "MERGED", "groups_of", "settled", "within"]

EVERYBODY = "全体学员"

MERGED = "（连同人少的下级单位）"
"""Behind the name of a unit whose group also holds people of units below it."""


def groups_of(units: Mapping[str, str]) -> dict[str, str]:
    """Learner → name of their group, for those who find one; ``units`` is learner → unit."""
    found = _standing(Counter(units.values()))
    return {learner: found[unit] for learner, unit in units.items() if unit in found}


def _standing(sizes: Mapping[str, int]) -> dict[str, str]:
    """Unit → name of its group, for units that find one; ``sizes`` is unit → people in the unit itself."""
    waiting: dict[str, set[str]] = defaultdict(set)
    for unit in sizes:
        waiting[unit].add(unit)
    found: dict[str, str] = {}
    depth = max((unit.count(SEPARATOR) for unit in sizes), default=0)
    for level in range(depth, -1, -1):
        for unit in sorted(path for path in waiting if path.count(SEPARATOR) == level):
            inside = waiting[unit]
            if sum(sizes[one] for one in inside) >= SMALLEST_GROUP and _may_stand(unit):
                found |= dict.fromkeys(inside, unit if inside == {unit} else unit + MERGED)
            elif level:
                waiting[unit.rpartition(SEPARATOR)[0]] |= inside
    return found


def _may_stand(unit: str) -> bool:
    # A unit that is called like a group of several must not be taken for it.
    return unit not in ("", OTHER_UNITS, EVERYBODY) and not unit.endswith(MERGED)


def settled(sizes: Mapping[str, int]) -> dict[str, str]:
    """Unit → name of its group, for every unit or for none; ``sizes`` is unit → people of it who count.

    Who finds no group stands in 其他单位, which takes in the smallest other group as long as it is too small. Empty
    when there are fewer people than may be told of.
    """
    found = _standing(sizes)
    left = [unit for unit in sizes if unit not in found]
    groups = Counter[str]()
    for unit, group in found.items():
        groups[group] += sizes[unit]
    rest = sum(sizes[unit] for unit in left)
    while 0 < rest < SMALLEST_GROUP and groups:
        smallest = min(groups, key=lambda group: (groups[group], group))
        rest += groups.pop(smallest)
        left += [unit for unit, group in found.items() if group == smallest]
    if rest and rest < SMALLEST_GROUP:
        return {}
    return found | dict.fromkeys(left, OTHER_UNITS if groups else EVERYBODY)


def within(group: str, unit: str) -> bool:
    """True when everybody in the group of that name belongs to ``unit`` or below; all groups are within ``""``."""
    return not unit or at_or_below(group.removesuffix(MERGED), unit)
