"""The unix numbers that a roster gives to people, and those that it gives to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

__all__ = ["FIRST_UID", "RESERVED_UIDS", "uids_above"]

FIRST_UID = 20_001
"""Above the users that a machine makes for its people, below 60000, where Debian's own range ends."""

RESERVED_UIDS = frozenset({65_534, 65_535})
"""Nobody's: servers of files turn everybody they do not know into the first, and the second means none."""


def uids_above(last: int) -> Iterator[int]:
    """The numbers that people get, one after the other, when ``last`` was given out before."""
    return (uid for uid in count(last + 1) if uid not in RESERVED_UIDS)
