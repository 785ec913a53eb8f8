"""What changes after grading: marks, comments, due dates, and modules that close.

Nobody tells of a change in formgrader, so the gradebook is looked at, by one worker at a time
whatever their number, one module after another, and never for more than a small part of its time.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from qinlian.database import dropped
from qinlian.grading.exclusive import Exclusive
from qinlian.grading.history import misjudged
from qinlian.grading.late import Deadline, deadline
from qinlian.grading.letters import Letters
from qinlian.grading.pages import Pages
from qinlian.grading.responses import open_engine
from qinlian.grading.results import Marks, marks_of
from qinlian.grading.rounds import CHUNK, Rounds
from qinlian.grading.setting import lock_path
from qinlian.grading.summary import Summary
from qinlian.grading.tables import ASSIGNMENT

__all__ = ["Follower"]

_LOOK, _SHARE, _AFTER_FAILURE = 1.0, 10.0, 10.0
"""Seconds between two looks, how many times as long as the last one took, and seconds after a result failed."""
_CHANGES = """
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables
    WHERE relname IN ('assignment', 'submitted_assignment', 'submitted_notebook', 'grade', 'comment')
"""
_CHECKS = 2
"""How many looks check the deadlines once they changed: somebody may have graded by the old ones meanwhile."""


class Follower:
    """Keeps results, letterboxes and feedback pages true for as long as it lives."""

    def __init__(self, rounds: Rounds, pages: Pages) -> None:
        self._rounds, self._pages, self._setting = rounds, pages, rounds.setting
        self._letters = Letters(self._setting)
        path = lock_path(self._setting.coursedir, "marks")
        self._role = Exclusive(self._setting.db_url, "qinlian marks", path)
        self._known: dict[str, dict[str, int]] = {}
        self._dues: dict[str, tuple[Deadline, int]] = {}
        self._tried: dict[str, set[str]] = {}
        self._modules: deque[str] = deque()
        self._stale: dict[str, list[str]] = {}
        self._stamp: object = None
        self._next = 0.0

    def look_again(self) -> None:
        """Look at the next opportunity, whatever the time and whether or not anything changed."""
        self._stamp, self._next = None, 0.0
        self._modules.clear()

    def close(self) -> None:
        """Let another worker follow."""
        self._role.release()

    def step(self) -> bool:
        """One small piece of work, if there is any; True when there is more."""
        if self._stale:
            self._results()
        elif self._modules:
            self._examine(self._modules.popleft())
        elif time.monotonic() >= self._next:
            self._look()
        return bool(self._stale or self._modules)

    def _look(self) -> None:
        self._next = time.monotonic() + _LOOK
        if not (self._role.still_mine() or self._role.acquire()):
            return
        with open_engine(self._setting.db_url).connect() as connection:
            stamp = self._gradebook_stamp(connection)
            if stamp is not None and stamp == self._stamp:
                return
            self._stamp = stamp
            self._modules.extend(connection.execute(select(ASSIGNMENT.c.name).order_by(ASSIGNMENT.c.name)).scalars())
        self._rounds.tell_refused()
        self._letters.follow(stamp)

    def _gradebook_stamp(self, connection: Connection) -> object:
        """Changes when the gradebook may have changed, and with every minute, when a module may close."""
        url, minute = self._setting.db_url, int(time.time() // 60)
        if not url.startswith("sqlite:///"):
            try:
                count = connection.execute(text(_CHANGES)).scalar()
            except DBAPIError as error:
                if dropped(error):
                    raise
                # Who may not count looks anew every few seconds; until it is rolled back nothing else can be asked.
                connection.rollback()
                count = None
            return (minute, count) if count is not None else int(time.time() // 5)
        try:
            found = Path(url.removeprefix("sqlite:///")).stat()
        except OSError:
            return None
        return minute, found.st_mtime_ns, found.st_size

    def _examine(self, module: str) -> None:
        """Find out of whom in one module a result is no longer true, and whom to grade again before."""
        start = time.monotonic()
        with open_engine(self._setting.db_url).connect() as connection:
            found = marks_of(connection, module)
            due = deadline(connection, module, sorted(found))
            before, checks = self._dues.get(module, (due, 0))
            checks = checks if before == due else 0
            wrong = misjudged(connection, module) if checks < _CHECKS else set()
        self._dues[module] = due, checks + 1
        now = self._rounds.intake.now()
        state = {name: _digest(marks, due.passed(name, now)) for name, marks in found.items()}
        known = self._known.setdefault(module, {})
        changed = sorted(name for name, digest in state.items() if known.get(name) != digest)
        self._next = max(self._next, time.monotonic() + _SHARE * (time.monotonic() - start))
        if checks < _CHECKS:
            self._regrade(module, wrong)
        if changed:
            self._stale[module] = changed
            # Taken for done; what fails is forgotten again.
            known.update({name: state[name] for name in changed})

    def _regrade(self, module: str, wrong: set[str]) -> None:
        # One that grading again does not set right (stock collect took it, say) is not tried for ever.
        tried = self._tried.get(module, set()) & wrong
        summary = Summary()
        try:
            if wrong - tried:
                for parcel in self._rounds.again(module, summary, learners=wrong - tried):
                    self._pages.add(module, parcel.arrival.learner)
        except BaseException:
            # Who was not reached has marks by the old date, and nothing else would ever lead here again.
            self._once_more(module)
            raise
        self._tried[module] = wrong - summary.later
        if summary.later:
            self._once_more(module)

    def _once_more(self, module: str) -> None:
        self._dues.pop(module, None)
        self._stamp = None
        self._next = max(self._next, time.monotonic() + _AFTER_FAILURE)

    def _results(self) -> None:
        """Write again some of the results that may be no longer true."""
        module, names = next(iter(self._stale.items()))
        some, rest = names[:CHUNK], names[CHUNK:]
        if rest:
            self._stale[module] = rest
        else:
            del self._stale[module]
        held = self._rounds.claims.hold([(name, module) for name in some], "结果")
        self._rounds.warn_of(held, "结果")
        mine = {name for name, _ in held.mine}
        again = set(some) - mine - {name for name, _ in held.worn}
        try:
            with self._rounds.keeping():
                written, failed = self._rounds.publish(module, mine) if mine else ([], [])
        finally:
            self._rounds.claims.release(held.mine, "结果")
        if again:
            # Somebody is grading them, and will have done so in a moment.
            self._stamp = None
        if failed:
            self._next = time.monotonic() + _AFTER_FAILURE
        again |= {p.arrival.learner for p in failed}
        fresh = {p.arrival.learner for p in written}
        for name in again:
            self._known[module].pop(name, None)
        for name in sorted(mine - again):
            self._pages.add(module, name, anyway=name in fresh)


def _digest(marks: Marks, closed: bool) -> int:
    cells = tuple((name, mark.score, mark.waiting, mark.comment) for name, mark in sorted(marks.cells.items()))
    handed_in: datetime | None = marks.handed_in
    return hash((cells, marks.penalty, handed_in, closed))
