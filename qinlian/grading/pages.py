"""Feedback pages that are still to be made: they take longest, and nobody waits for them."""

from __future__ import annotations

from qinlian.grading.rounds import Rounds

__all__ = ["Pages"]


class Pages:
    """A queue of (module, learner). What another worker has made in the meantime is left out."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._waiting: dict[tuple[str, str], bool] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, module: str, learner: str, *, anyway: bool = False) -> None:
        """Make this page if the one there is older than the grading, or ``anyway``: a mark has changed."""
        self._waiting[module, learner] = anyway or self._waiting.get((module, learner), False)

    def step(self) -> bool:
        """Make one page, if any is to be made; True when there are more."""
        while self._waiting:
            (module, learner), anyway = next(iter(self._waiting.items()))
            del self._waiting[module, learner]
            if anyway or self._outdated(module, learner):
                if self._rounds.feedback(module, learner) is None:
                    # Somebody is at work on this learner; once more when the others are done.
                    self._waiting[module, learner] = anyway
                    return False
                break
        return bool(self._waiting)

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
