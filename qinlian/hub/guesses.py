"""Against guessing passwords: after repeated failures one has to wait, longer each time, up to a quarter of an hour.

Three things are counted: an account from one place, an account from everywhere, and a place whatever the
account. A browser in which the learner has signed in before is a place of its own, and only its own failures count
for it. So nobody can lock a colleague out of a browser the colleague already uses, not even from the same
office, and forged addresses win nothing, since the account counts too. While one has to wait, attempts are
neither tried nor counted. An account that does not exist is counted like any other.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from qinlian.hub.sign_in_store import SignInStore

__all__ = ["LONGEST", "Guesses", "Visitor"]

LONGEST = 900
"""Seconds that anybody may have to wait at most."""
_FORGOTTEN_AFTER = 3600.0
_ROWS = 20_000
_DEVICES = 8
_DEVICE_DAYS = 180


@dataclass(frozen=True)
class Visitor:
    """Who is trying: the account they name, the address they come from, the mark that their browser carries.

    ``with_code`` is one who shows a one-time code. It cannot be guessed, so it is counted apart and not from
    everywhere: whoever plays with a colleague's password does not keep them from their first sign-in.
    """

    account: str
    address: str
    device: str
    with_code: bool = False


@dataclass(frozen=True)
class _Limit:
    """So many failures are free; from the last free one on there is a wait, doubled each time."""

    free: int
    first: float
    longest: float

    def wait(self, failures: int) -> float:
        if failures < self.free:
            return 0.0
        return min(self.longest, self.first * 2.0 ** min(20, failures - self.free))


_ACCOUNT_HERE = _Limit(free=5, first=60, longest=LONGEST)
_ACCOUNT = _Limit(free=30, first=60, longest=300)
_PLACE = _Limit(free=100, first=60, longest=300)


class Guesses:
    """Failures counted in the sign-in store, so that they survive a restart; a bounded number of rows."""

    def __init__(self, store: SignInStore) -> None:
        self._store = store

    def begin(self, visitor: Visitor) -> int:
        """Count an attempt as failed before it is tried, so that many at once win nothing.

        Returns 0 when it may be tried, else the seconds to wait. Raises SignInError.
        """
        now = self._store.clock()
        with self._store.writing() as database:
            known = self._known(database, visitor)
            rows = [(key, limit, *self._row(database, key, now)) for key, limit in self._keys(visitor, known)]
            # A clock that was set back must not lock anybody out for longer than was meant.
            wait = max(min(until - now, limit.longest) for _, limit, _, until in rows)
            if wait > 0:
                return math.ceil(wait)
            for (account, place), limit, failures, _ in rows:
                database.execute(
                    "INSERT OR REPLACE INTO guess VALUES (?, ?, ?, ?, ?)",
                    (account, place, failures + 1, now + limit.wait(failures + 1), now),
                )
            self._tidy(database, now)
        return 0

    def succeeded(self, visitor: Visitor) -> None:
        """Take the attempt back that ``begin`` counted, and know this browser from now on. Raises SignInError."""
        with self._store.writing() as database:
            for key, limit in self._keys(visitor, self._known(database, visitor)):
                if limit is _ACCOUNT_HERE:
                    database.execute("DELETE FROM guess WHERE account = ? AND place = ?", key)
                else:
                    self._take_back(database, key, limit)
            self._remember(database, visitor)

    def _keys(self, visitor: Visitor, known: bool) -> list[tuple[tuple[bytes, bytes], _Limit]]:
        name = self._store.name
        account = name("account", visitor.account)
        if known:
            return [((account, name("device", visitor.device)), _ACCOUNT_HERE)]
        whole_place = ((b"", name("address", visitor.address)), _PLACE)
        if visitor.with_code:
            return [((account, name("code", visitor.address)), _ACCOUNT_HERE), whole_place]
        return [((account, name("address", visitor.address)), _ACCOUNT_HERE), ((account, b""), _ACCOUNT), whole_place]

    def _known(self, database: sqlite3.Connection, visitor: Visitor) -> bool:
        oldest = self._store.clock() - _DEVICE_DAYS * 86_400
        key = (self._store.name("account", visitor.account), self._store.name("device", visitor.device), oldest)
        asked = "SELECT 1 FROM device WHERE account = ? AND device = ? AND seen > ?"
        return database.execute(asked, key).fetchone() is not None

    def _remember(self, database: sqlite3.Connection, visitor: Visitor) -> None:
        account, device = self._store.name("account", visitor.account), self._store.name("device", visitor.device)
        database.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?)", (account, device, self._store.clock()))
        database.execute(
            "DELETE FROM device WHERE account = ?1 AND device NOT IN "
            "(SELECT device FROM device WHERE account = ?1 ORDER BY seen DESC LIMIT ?2)",
            (account, _DEVICES),
        )

    @staticmethod
    def _row(database: sqlite3.Connection, key: tuple[bytes, bytes], now: float) -> tuple[int, float]:
        found = database.execute(
            "SELECT failures, until, last FROM guess WHERE account = ? AND place = ?", key
        ).fetchone()
        if found is None or abs(now - found[2]) > _FORGOTTEN_AFTER:
            return 0, 0.0
        return int(found[0]), float(found[1])

    @staticmethod
    def _take_back(database: sqlite3.Connection, key: tuple[bytes, bytes], limit: _Limit) -> None:
        database.execute(
            "UPDATE guess SET until = CASE WHEN failures <= ? THEN 0 ELSE until END, failures = failures - 1 "
            "WHERE account = ? AND place = ? AND failures > 0",
            (limit.free, *key),
        )

    @staticmethod
    def _tidy(database: sqlite3.Connection, now: float) -> None:
        database.execute("DELETE FROM guess WHERE last < ?", (now - _FORGOTTEN_AFTER,))
        if database.execute("SELECT count(*) FROM guess").fetchone()[0] > _ROWS:
            database.execute(
                "DELETE FROM guess WHERE (account, place) IN (SELECT account, place FROM guess ORDER BY last LIMIT ?)",
                (_ROWS // 10,),
            )
