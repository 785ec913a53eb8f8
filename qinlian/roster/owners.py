"""Whose number a file's owner is, where people have no unix accounts: in the pods of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select

from qinlian.database import open_engine
from qinlian.roster.tables import METADATA, PERSON

__all__ = ["RosterOwners"]

_ASK_AGAIN = 5.0
"""Seconds after which a number that was nobody's is asked for again: somebody may have been imported since."""
_STRANGERS = 10_000
"""How many such numbers are remembered. Who makes up more of them makes us ask more often, no worse."""


class RosterOwners:
    """From the number of an owner to the account, by the roster. A number never changes hands, so it is kept."""

    def __init__(self, db_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        # Now, and not when first asked: then somebody may be writing, and the roster's tables could not be made.
        self._engine, self._clock = open_engine(db_url, METADATA), clock
        self._known: dict[int, str] = {}
        self._strangers: dict[int, float] = {}

    def __call__(self, uid: int) -> str:
        """The account of ``uid``, or ``#uid`` when it is nobody's. Raises SQLAlchemyError as the database does."""
        if uid in self._known:
            return self._known[uid]
        now = self._clock()
        if self._strangers.get(uid, now) > now:
            return f"#{uid}"
        found = self._ask(uid)
        if found is None:
            if len(self._strangers) >= _STRANGERS:
                self._strangers.clear()
            self._strangers[uid] = now + _ASK_AGAIN
            return f"#{uid}"
        self._known[uid] = found
        return found

    def _ask(self, uid: int) -> str | None:
        with self._engine.connect() as connection:
            found = connection.execute(select(PERSON.c.account).where(PERSON.c.uid == uid)).scalar_one_or_none()
        return None if found is None else str(found)
