"""From fractions of items to one plain float a grade cell can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["passes", "plain_score", "quiz_score"]


def plain_score(value: object, points: float) -> float:
    """``value`` as a built-in float clamped to [0, points].

    nbgrader fails open: anything it cannot read as a number is full marks. So whatever is not a
    finite number (NaN, infinity, None, text) is 0 here, and NumPy scalars become plain floats.
    """
    if isinstance(value, bool) or value is None:
        return 0.0
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    if not math.isfinite(number):
        return 0.0
    return float(min(max(number, 0.0), float(points)))


def quiz_score(points: float, parts: Iterable[tuple[float, float]]) -> float:
    """A quiz cell's score: points × earned / possible over the learner's draw.

    ``parts`` are (fraction in [0, 1], weight > 0) of each drawn item. Rounded to 2 decimals, so
    that formgrader and our reports print the same number. An empty draw scores 0.
    """
    earned = possible = 0.0
    for fraction, weight in parts:
        earned += plain_score(fraction, 1.0) * weight
        possible += weight
    if possible <= 0:
        return 0.0
    return plain_score(round(points * earned / possible, 2), points)


def passes(score: float, points: float, percent: float) -> bool:
    """True when ``score`` out of ``points`` reaches the pass mark."""
    # Multiplied by the mark and then divided: 0.57 of 1 reaches 57 %, which 0.57 × 100 does not.
    return score >= points * percent / 100
