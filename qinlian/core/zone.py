"""The time zone in which people here read and write times."""

from __future__ import annotations

from datetime import timedelta, timezone

__all__ = ["BEIJING"]

BEIJING = timezone(timedelta(hours=8))
"""China has one time zone and no summer time."""
