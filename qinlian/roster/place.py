"""Where a roster is kept: what the commands ask of it, wherever that is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from qinlian.roster.changes import Changes
from qinlian.roster.people import Entry, Person, Roster

__all__ = ["RosterPlace"]


class RosterPlace(Protocol):
    """As ``qinlian.roster.store.RosterStore``."""

    def roster(self) -> Roster:
        """Everybody."""

    def plan(self, entries: Sequence[Entry], *, complete: bool = False) -> Changes:
        """What importing ``entries`` would do."""

    def apply(self, entries: Sequence[Entry], now: datetime, archive: Collection[str] = ()) -> Changes:
        """Import ``entries`` and archive those accounts."""

    def archive(self, account: str, now: datetime) -> Person:
        """Mark somebody as gone."""

    def restore(self, account: str, now: datetime) -> Person:
        """Bring somebody back."""
