"""Whether a grader that has claims still lives.

Its claims run out by themselves, in time for a machine that is lost. A process that merely died is
found out at once: each grader holds a lock for as long as it lives, named after itself.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from qinlian.grading.exclusive import Exclusive

__all__ = ["Life", "has_died"]


def _lock(db_url: str, owner: str) -> tuple[Exclusive, Path]:
    path = Path(f"{db_url.removeprefix('sqlite:///')}-graders") / hashlib.sha256(owner.encode()).hexdigest()[:24]
    return Exclusive(db_url, f"qinlian grader {owner}", path), path


class Life:
    """This grader's own lock."""

    def __init__(self, db_url: str, owner: str) -> None:
        self._lock, self._path = _lock(db_url, owner)
        self._file = not db_url.startswith("postgresql")

    def go_on(self) -> None:
        """Be known to live from now on; again after the connection broke."""
        if not self._lock.still_mine():
            self._lock.acquire()

    def end(self) -> None:
        """Whatever this grader has is anybody's."""
        if self._file and self._lock.still_mine():
            self._path.unlink(missing_ok=True)
        self._lock.close()


def has_died(db_url: str, owner: str) -> bool:
    """True when a grader that once lived, by its ``Life``, lives no more."""
    lock, path = _lock(db_url, owner)
    on_server = db_url.startswith("postgresql")
    if not on_server and not path.exists():
        return False
    try:
        dead = lock.acquire()
        if dead and not on_server:
            path.unlink(missing_ok=True)
        return dead
    finally:
        lock.close()
