"""Times, numbers and addresses as the pages write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from qinlian.core.zone import BEIJING

__all__ = ["address", "clock", "day", "field_time", "number", "share"]


def day(moment: datetime | None, now: datetime | None = None) -> str:
    """Date and time of day in Beijing, the year only where it is not this one; empty without a moment."""
    if moment is None:
        return ""
    there, today = moment.astimezone(BEIJING), (now or datetime.now(UTC)).astimezone(BEIJING)
    year = "" if there.year == today.year else f"{there.year}年"
    return f"{year}{there.month}月{there.day}日 {there:%H:%M}"


def clock(moment: datetime) -> str:
    """The time of day in Beijing."""
    return f"{moment.astimezone(BEIJING):%H:%M:%S}"


def field_time(moment: datetime) -> str:
    """A moment as a field for date and time holds it, in Beijing time."""
    return f"{moment.astimezone(BEIJING):%Y-%m-%dT%H:%M}"


def number(value: float | None) -> str:
    """A number without zeros nobody needs, thousands apart; empty for None."""
    if value is None:
        return ""
    text = f"{value:,.2f}"
    return text.rstrip("0").rstrip(".")


def share(part: float, whole: float) -> int:
    """``part`` of ``whole`` in percent; 100 only when it is all of it."""
    if whole <= 0:
        return 0
    return 100 if part >= whole else min(99, round(100 * part / whole))


def address(path: str, **query: Any) -> str:
    """``path`` with those of the arguments that say something."""
    said = {name: value for name, value in query.items() if value not in ("", None, 1)}
    return f"{path}?{urlencode(said)}" if said else path
