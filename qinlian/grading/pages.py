"""Feedback pages that are still to be made: they take longest, and nobody waits for them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from qinlian.grading.rounds import Rounds

__all__ = ["Pages"]

_AGAIN = (5.0, 60.0)
"""Seconds after which a page that failed is tried again: the database or the disk may be back by then."""


@dataclass
class _Wanted:
    """One page that is to be made: ``anyway``, even if there is a newer one than the grading."""

    anyway: bool
    failed: int = 0
    since: float = 0.0
    """Not to be tried before this moment of the monotonic clock."""


class Pages:
    """A queue of (module, learner). What another worker has made in the meantime is left out."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._waiting: dict[tuple[str, str], _Wanted] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, module: str, learner: str, *, anyway: bool = False) -> None:
        """Make this page if the one there is older than the grading, or ``anyway``: a mark has changed."""
        before = self._waiting.get((module, learner))
        self._waiting[module, learner] = _Wanted(anyway or (before is not None and before.anyway))

    def step(self) -> bool:
        """Make one page, if any is to be made now; True when there are more."""
        now = time.monotonic()
        for (module, learner), wanted in list(self._waiting.items()):
            if wanted.since > now:
                continue
            del self._waiting[module, learner]
            if wanted.anyway or self._outdated(module, learner):
                made = self._rounds.feedback(module, learner)
                if made is None:
                    # Somebody is at work on this learner, or the database is away: once more when that is over.
                    self._waiting[module, learner] = wanted
                    return False
                if not made and wanted.failed < len(_AGAIN):
                    wait = _AGAIN[wanted.failed]
                    self._waiting[module, learner] = _Wanted(wanted.anyway, wanted.failed + 1, now + wait)
                break
        return any(wanted.since <= now for wanted in self._waiting.values())

    def _outdated(self, module: str, learner: str) -> bool:
        setting = self._rounds.setting
        page = setting.step("feedback", learner, module) / f"{module}.html"
        graded = setting.step("autograded", learner, module) / f"{module}.ipynb"
        try:
            wanted = graded.stat().st_mtime_ns
        except OSError:
            # Nothing was graded: nbgrader makes rows for who was given more time, too.
            return False
        try:
            return page.stat().st_mtime_ns < wanted
        except OSError:
            return True
