"""From what a learner flagged to a fraction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RULES", "Tally", "fraction", "tally"]

RULES = ("按处计分", "错标轻扣")
"""Scoring rules; the first is the default."""

_PRICE = {"按处计分": 2, "错标轻扣": 4}
"""How many rows falsely accused take a whole finding away."""


@dataclass(frozen=True)
class Tally:
    """What was flagged, against what was planted."""

    seen: tuple[float, ...]
    """Of each finding the share that was seen, in [0, 1]."""
    right: int
    other: int
    """Planted rows flagged for another reason."""
    missed: int
    false: int


def tally(key: Mapping[str, Mapping[str, str]], flagged: Mapping[str, str]) -> Tally:
    """Compare flags (row → reason) with the key (row → reason and group)."""
    groups: dict[str, list[float]] = {}
    for row in sorted(key):
        given = flagged.get(row)
        credit = 0.0 if given is None else 1.0 if given == key[row]["reason"] else 0.5
        groups.setdefault(key[row]["group"], []).append(credit)
    seen = tuple(sum(rows) / len(rows) for _, rows in sorted(groups.items()))
    every = [credit for rows in groups.values() for credit in rows]
    return Tally(seen, every.count(1.0), every.count(0.5), every.count(0.0), sum(row not in key for row in flagged))


def fraction(found: Tally, rule: str) -> float:
    """The fraction in [0, 1]: (findings seen - rows falsely accused / N) / findings.

    A finding counts by the share of its rows that were flagged, half for a row flagged for another
    reason. N is 2 under 按处计分 and 4 under 错标轻扣; the template's checks see to it that a ledger has
    clean rows enough (at least 4 a finding) that whoever flags everything earns nothing.
    """
    worth = sum(found.seen) - found.false / _PRICE.get(rule, _PRICE[RULES[0]])
    return min(1.0, max(0.0, worth / len(found.seen)))
