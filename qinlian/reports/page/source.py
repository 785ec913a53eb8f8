"""Where a figure on the page comes from: which function gave it, under which conditions, and from how many rows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """One reading. ``call`` is a function of ``qinlian.reports``; ``conditions`` says in Chinese what was read."""

    call: str
    conditions: str
    rows: int
