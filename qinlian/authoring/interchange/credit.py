"""Partial credit: the percentages that other systems put on options ⇄ our named rules."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PERCENT", "figure", "fractions", "rule_of"]

PERCENT = 100.0
_NEAR = 0.02
"""Moodle writes a third as 33.33333, older versions as 33.333 or 33.33."""


def figure(text: str) -> float:
    """A figure as other systems write it; 0 for what is none, or is out of all reason."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return 0.0
    return value if abs(value) < 1e6 else 0.0


def _close(left: float, right: float) -> bool:
    """True when two percentages are the same but for rounding."""
    return abs(left - right) < _NEAR


def fractions(rule: str, marks: Sequence[bool]) -> tuple[float, ...]:
    """The percentage of each option, right ones being True.

    The sum over what was chosen, not below 0, is the score: a wrong option costs everything under
    漏选按比例 and under 全对得分 (which percentages cannot say), and as much as a right one earns under 对错相抵.
    """
    each = PERCENT / max(1, sum(marks))
    wrong = -each if rule == "对错相抵" else -PERCENT
    return tuple(each if mark else wrong for mark in marks)


def rule_of(given: Sequence[float]) -> str | None:
    """The rule of 多选 that these percentages are, or None when they are none of ours."""
    right = [f for f in given if f > 0]
    wrong = [f for f in given if f <= 0]
    if not right:
        return None
    each = PERCENT / len(right)
    if not all(_close(f, each) for f in right):
        return None
    # With one right option both rules are the same, and the custom of examinations goes first.
    if all(f <= -PERCENT + _NEAR for f in wrong):
        return "漏选按比例"
    return "对错相抵" if all(_close(f, -each) for f in wrong) else None
