"""Figures as the report writes them, and texts without what could disturb a page."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["between", "change", "percent", "points", "shown", "signed"]


def percent(share: float | None) -> str:
    """A share in [0, 1] in whole percent; all and nothing only where it is so. A dash for NaN and None."""
    if share is None or math.isnan(share):
        return "—"
    whole = round(100 * share)
    if 0 < share < 1:
        whole = min(max(whole, 1), 99)
    return f"{whole}%"


def points(value: float | None) -> str:
    """A number with one decimal, so that those of a column stand under each other; a dash for NaN and None."""
    return "—" if value is None or math.isnan(value) else f"{value:.1f}"


def signed(value: float | None) -> str:
    """A coefficient in [−1, 1] with two decimals; a dash for NaN and None."""
    return "—" if value is None or math.isnan(value) else f"{value:.2f}".replace("-", "−")


def change(share: float | None) -> str:
    """A difference of two shares, in [−1, 1], in percentage points with its sign; a dash for NaN and None."""
    return "—" if share is None or math.isnan(share) else f"{100 * share:+.0f}".replace("-", "−")


def between(write: Callable[[float], str], low: float, high: float) -> str:
    """An interval as ``write`` writes its ends; empty where none is told."""
    return "" if math.isnan(low) or math.isnan(high) else f"{write(low)} 到 {write(high)}"


def shown(text: str) -> str:
    """A text without control characters and without marks that turn the direction of what follows."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")
