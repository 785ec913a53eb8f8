"""Claims where rows and files are written: in bulk grading, and in nbgrader's own autograde.

nbgrader's converter offers no place around one submission, so its claim is taken by the first of our
preprocessors and given up by the next submission's, or runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.engine import Connection

from qinlian.errors import GradingError
from qinlian.grading.claims import Claims, Pair

__all__ = ["Guard", "acting", "claim_of"]

_WAIT, _LOOK = 30.0, 0.1
_LEASE = 60.0
"""Longer than a worker's: nothing renews it while nbgrader is at work on one submission."""
_AFTERWARDS = 5.0
"""Seconds that nbgrader has left for its last steps once the grades are written."""

_acting: ContextVar[Claims | None] = ContextVar("qinlian_acting", default=None)


def _nothing(_: bool) -> None:
    return None


@dataclass(frozen=True)
class Guard:
    """Lets one module's rows and files be written only by who holds the learners' claims."""

    claims: Claims
    module: str
    begin: Callable[[bool], None] = _nothing
    """Called before each batch; True when nbgrader itself grades it, which takes much longer."""

    def renew(self, connection: Connection, learners: Collection[str]) -> None:
        """Check and renew within the transaction that writes; raises ClaimError."""
        self.claims.renew(connection, [(learner, self.module) for learner in learners])

    def sure(self, learner: str) -> bool:
        """True while the claim is ours beyond doubt."""
        return self.claims.sure([(learner, self.module)])


@contextmanager
def acting(claims: Claims) -> Iterator[None]:
    """Whatever nbgrader grades inside is claimed already, by ``claims``."""
    token = _acting.set(claims)
    try:
        yield
    finally:
        _acting.reset(token)


class _Claim:
    """The pair that nbgrader's autograde is at in this process."""

    def __init__(self, db_url: str) -> None:
        self._claims = Claims(db_url, lease=_LEASE)
        self._pair: Pair | None = None

    def take(self, pair: Pair) -> None:
        """Make it ours before anything of it is read; raises GradingError when a worker keeps it too long."""
        if (others := _acting.get()) is not None and others.sure([pair]):
            return
        if self._pair is not None and self._pair != pair:
            self._claims.release([self._pair])
            self._pair = None
        end = time.monotonic() + _WAIT
        while not self._claims.hold([pair]).mine:
            if time.monotonic() >= end:
                raise GradingError(f"自动评分正在评 {pair[0]} 的 {pair[1]}；请稍后再评")
            self._claims.bury()
            time.sleep(_LOOK)
        self._pair = pair

    def write(self, connection: Connection, pair: Pair) -> None:
        """Check in the transaction that writes that it is still ours; raises ClaimError. Others get it soon after."""
        if (others := _acting.get()) is not None and others.sure([pair]):
            others.renew(connection, [pair])
        else:
            self._claims.renew(connection, [pair], _AFTERWARDS)


@lru_cache(maxsize=64)
def claim_of(db_url: str) -> _Claim:
    """What nbgrader's autograde has claimed in this process, in one gradebook."""
    return _Claim(db_url)
