"""Who is at work on whom: leases on (learner, module), so that several graders never meet.

Whoever grades, takes in or publishes anything of a learner's in one module holds that pair's claim
meanwhile (table ``qinlian_claim``). It runs out by the database's own clock unless it is renewed, so
the work of a grader that died, or lost the database, is taken over by another; and one that slept
meanwhile finds that out in the transaction in which it would have written (``renew``).

That work was begun is in the database before it begins. So a submission whose grading ends the
process is known for it afterwards: it is graded alone, after all others, and after ``TRIES`` times
it is put aside.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, not_, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from qinlian.database import chunks, db_now, dropped, retrying, writing
from qinlian.errors import ClaimError
from qinlian.grading.keeper import Keeper
from qinlian.grading.life import Life, has_died
from qinlian.grading.response_tables import ARRIVAL, BEGUN, CLAIM
from qinlian.grading.responses import open_engine

__all__ = ["CRASHED", "LEASE", "TRIES", "Claims", "Held", "Pair", "Turn", "new_owner"]

Pair = tuple[str, str]
"""(learner, module)."""
LEASE = 20.0
"""Seconds after which a claim that nobody renewed is anybody's."""
TRIES = 3
CRASHED = "评这份提交时，评分程序几次意外中断"
_FAR = 3600.0
"""No claim is made for longer: one that seems to be was made before the database's clock was set back."""
_BURY = 1.0
_MARGIN = 2.0
"""Seconds by which this process takes a claim of its own for shorter than it is."""


@dataclass(frozen=True)
class Turn:
    """One learner's attempts at one module that are to be graded now, in order of arrival."""

    learner: str
    module: str
    folders: tuple[str, ...]

    @property
    def pair(self) -> Pair:
        """What is claimed."""
        return self.learner, self.module


@dataclass(frozen=True)
class Held:
    """Which pairs are this grader's now, and which are no use trying: they ended their grader too often."""

    mine: frozenset[Pair] = field(default_factory=frozenset)
    worn: frozenset[Pair] = field(default_factory=frozenset)


def new_owner(label: str = "") -> str:
    """A name that no other grader has or had: ``label``, or host and process, and a random part."""
    return f"{label or f'{socket.gethostname()}-{os.getpid()}'}-{secrets.token_hex(6)}"[-200:]


def _living() -> ColumnElement[bool]:
    return and_(CLAIM.c.until > db_now(), CLAIM.c.until <= db_now() + _FAR)


def _claimed() -> ColumnElement[bool]:
    """That a row of CLAIM is a living one for a row of ARRIVAL."""
    return and_(CLAIM.c.learner == ARRIVAL.c.learner, CLAIM.c.module == ARRIVAL.c.module, _living())


def _pair_in(pairs: Sequence[Pair], table: Any) -> ColumnElement[bool]:
    return tuple_(table.c.learner, table.c.module).in_(list(pairs))


def _upsert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> Any:
    """INSERT … ON CONFLICT of the database at hand."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).values(list(rows))


class Claims:
    """What one grader holds in one gradebook. Not to be shared by threads."""

    def __init__(self, db_url: str, owner: str = "", lease: float | None = None) -> None:
        self.owner, self.lease = owner or new_owner(), LEASE if lease is None else lease
        self._db_url, self._engine = db_url, open_engine(db_url)
        self._life = Life(db_url, self.owner)
        self._buried = 0.0
        self._lock = threading.Lock()
        self._sure: dict[Pair, float] = {}
        self._owed: list[tuple[frozenset[Pair], str]] = []

    def now(self) -> float:
        """The database's time, in seconds since 1970."""
        with self._engine.connect() as connection:
            return float(connection.execute(select(db_now())).scalar_one())

    # Taking

    def waiting(self) -> bool:
        """True when ``next`` would find something, or something to put aside. Only looks."""
        with self._engine.connect() as connection:
            return bool(connection.execute(self._pairs(self._waits()).limit(1)).first())

    def elsewhere(self, module: str | None = None, before: float | None = None) -> bool:
        """True while somebody else is at work on what waits to be graded."""
        others = select(CLAIM.c.owner).where(_claimed(), CLAIM.c.owner != self.owner).exists()
        query = select(ARRIVAL.c.folder).where(self._waits(module, None, before), others).limit(1)
        with self._engine.connect() as connection:
            return bool(connection.execute(query).first())

    def next(
        self, limit: int, *, module: str | None = None, learner: str | None = None, before: float | None = None
    ) -> list[Turn]:
        """Claim up to ``limit`` pairs with attempts to grade, oldest first; empty when there are none for us.

        Each attempt's try is counted. One that was tried before comes after all others, the most tried last, and alone.
        ``before`` (a time of ``now``) leaves out what was put off after that.
        """
        self._ready()
        waits = self._waits(module, learner, before)
        return retrying(lambda: self._next(limit, waits))

    def _waits(
        self, module: str | None = None, learner: str | None = None, before: float | None = None
    ) -> ColumnElement[bool]:
        due = ARRIVAL.c.due < (db_now() if before is None else before)
        waits = and_(ARRIVAL.c.state == "已收", or_(ARRIVAL.c.due.is_(None), due))
        if module is not None:
            waits = and_(waits, ARRIVAL.c.module == module)
        return waits if learner is None else and_(waits, ARRIVAL.c.learner == learner)

    def _pairs(self, waits: ColumnElement[bool]) -> Select[Any]:
        """Pairs that wait and that nobody else has, those first that were tried least."""
        taken = select(CLAIM.c.owner).where(_claimed(), CLAIM.c.owner != self.owner).exists()
        worst = func.max(ARRIVAL.c.tries)
        return (
            select(ARRIVAL.c.learner, ARRIVAL.c.module, worst.label("worst"))
            .where(waits, not_(taken))
            .group_by(ARRIVAL.c.learner, ARRIVAL.c.module)
            .order_by(worst, func.min(ARRIVAL.c.submitted_at), ARRIVAL.c.learner, ARRIVAL.c.module)
        )

    def _next(self, limit: int, waits: ColumnElement[bool]) -> list[Turn]:
        # Where two looked at the same moment, one of them gets nothing, and looks again.
        for _ in range(3):
            with writing(self._engine) as connection:
                self._park(connection)
                found = connection.execute(self._pairs(waits).limit(limit)).all()
                fresh = [(row.learner, row.module) for row in found if not row.worst]
                wanted = fresh or [(row.learner, row.module) for row in found[:1]]
                if not wanted:
                    return []
                mine = set(self._take(connection, wanted))
                turns = self._turns(connection, [pair for pair in wanted if pair in mine], waits)
            if turns:
                return turns
        return []

    def _park(self, connection: Connection) -> None:
        """Put aside what ended its grader too often: its last try was begun, and nobody is at it any more."""
        at_it = select(CLAIM.c.owner).where(_claimed()).exists()
        lost = and_(ARRIVAL.c.state == "已收", ARRIVAL.c.tries >= TRIES, not_(at_it))
        if connection.execute(select(ARRIVAL.c.folder).where(lost).limit(1)).first():
            connection.execute(update(ARRIVAL).where(lost).values(state="停放", reason=CRASHED))

    def _take(self, connection: Connection, pairs: Iterable[Pair]) -> list[Pair]:
        until, start = db_now() + self.lease, time.monotonic()
        # Always in the same order, so that two that take at once wait for each other and no more.
        rows = [{"learner": w, "module": m, "owner": self.owner, "until": until} for w, m in sorted(pairs)]
        got: list[Pair] = []
        for part in chunks(rows):
            made = _upsert(connection, CLAIM, part)
            made = made.on_conflict_do_update(
                index_elements=["learner", "module"],
                set_={"owner": made.excluded.owner, "until": made.excluded.until},
                where=or_(CLAIM.c.owner == self.owner, not_(_living())),
            ).returning(CLAIM.c.learner, CLAIM.c.module)
            got += [(row.learner, row.module) for row in connection.execute(made)]
        self._remember(got, start)
        return got

    def _turns(self, connection: Connection, mine: Sequence[Pair], waits: ColumnElement[bool]) -> list[Turn]:
        """What is to be graded of these pairs now, counted as begun; a pair with nothing left is given back."""
        waiting: dict[Pair, list[Any]] = {pair: [] for pair in mine}
        order = (ARRIVAL.c.submitted_at, ARRIVAL.c.first_seen, ARRIVAL.c.folder)
        for part in chunks(mine):
            query = select(ARRIVAL.c.folder, ARRIVAL.c.learner, ARRIVAL.c.module, ARRIVAL.c.tries)
            for row in connection.execute(query.where(waits, _pair_in(part, ARRIVAL)).order_by(*order)):
                waiting[row.learner, row.module].append(row)
        turns = []
        for (learner, module), rows in waiting.items():
            begun = next((place for place, row in enumerate(rows) if row.tries), len(rows))
            # The untried up to the first that was tried; that one only when its own turn comes.
            folders = tuple(row.folder for row in (rows[:begun] or rows[:1]))
            if folders:
                turns.append(Turn(learner, module, folders))
        self._give_back(connection, set(mine) - {turn.pair for turn in turns})
        for some in chunks([folder for turn in turns for folder in turn.folders]):
            statement = update(ARRIVAL).where(ARRIVAL.c.folder.in_(some))
            connection.execute(statement.values(tries=ARRIVAL.c.tries + 1))
        return turns

    def hold(self, pairs: Collection[Pair], work: str = "") -> Held:
        """Claim those of ``pairs`` that nobody else has.

        ``work`` names what is begun with each; it is counted until ``release`` is told that it ended,
        and what never came to its end ``TRIES`` times is worn.
        """
        if not pairs:
            return Held()
        self._ready()
        return retrying(lambda: self._hold(pairs, work))

    def _ready(self) -> None:
        """Before anything is taken: be known to live, and owe nothing."""
        self._life.go_on()
        self._give_back_owed()

    def _hold(self, pairs: Collection[Pair], work: str) -> Held:
        worn: set[Pair] = set()
        with writing(self._engine) as connection:
            for part in chunks(sorted(pairs)) if work else ():
                query = select(BEGUN.c.learner, BEGUN.c.module).where(BEGUN.c.work == work, BEGUN.c.times >= TRIES)
                worn |= {(row.learner, row.module) for row in connection.execute(query.where(_pair_in(part, BEGUN)))}
            mine = self._take(connection, set(pairs) - worn)
            for some in chunks(sorted(mine)) if work else ():
                rows = [{"learner": w, "module": m, "work": work, "times": 1} for w, m in some]
                made = _upsert(connection, BEGUN, rows)
                connection.execute(
                    made.on_conflict_do_update(
                        index_elements=["learner", "module", "work"], set_={"times": BEGUN.c.times + 1}
                    )
                )
        return Held(frozenset(mine), frozenset(worn))

    # Keeping

    def renew(self, connection: Connection, pairs: Collection[Pair], lease: float | None = None) -> None:
        """Make sure, in the transaction that writes, that the claims are ours; they last anew from now.

        Until it ends nobody else gets them: changing the rows locks them, as SELECT … FOR UPDATE would.
        Raises ClaimError, for nothing must be written then.
        """
        start, count = time.monotonic(), 0
        for part in chunks(sorted(set(pairs))):
            mine = and_(CLAIM.c.owner == self.owner, _living(), _pair_in(part, CLAIM))
            until = db_now() + (self.lease if lease is None else lease)
            count += int(connection.execute(update(CLAIM).where(mine).values(until=until)).rowcount)
        if count != len(set(pairs)):
            raise ClaimError("评分的时间太长，这些提交已由另一个评分程序接手；这里不再写入")
        self._remember(pairs, start, lease)

    def retake(self, connection: Connection, pairs: Collection[Pair]) -> list[Pair]:
        """Of these, what nobody else has taken over, ours for certain until the transaction ends."""
        return self._take(connection, pairs)

    def sure(self, pairs: Iterable[Pair]) -> bool:
        """True while they are ours beyond doubt, without asking: before a file is put in place."""
        now = time.monotonic()
        return all(self._sure.get(pair, 0.0) > now for pair in pairs)

    @contextmanager
    def keeping(self, limit: float, fatal: Keeper.Fatal | None = None) -> Iterator[Keeper]:
        """Renew what is held for as long as the work inside takes, up to ``limit`` seconds.

        Then ``fatal`` is called, from another thread, if it is given.
        """
        keeper = Keeper(self._renew_all, self.lease / 4, limit, fatal)
        try:
            yield keeper
        finally:
            keeper.stop()

    def _renew_all(self) -> None:
        start = time.monotonic()
        mine = and_(CLAIM.c.owner == self.owner, _living())
        statement = update(CLAIM).where(mine).values(until=db_now() + self.lease)
        with writing(self._engine) as connection:
            kept = connection.execute(statement.returning(CLAIM.c.learner, CLAIM.c.module)).all()
        with self._lock:
            # What was given back in the meantime stays given back.
            self._remember(
                [(row.learner, row.module) for row in kept if (row.learner, row.module) in self._sure], start
            )

    def _remember(self, pairs: Iterable[Pair], start: float, lease: float | None = None) -> None:
        end = start + max(0.0, (self.lease if lease is None else lease) - _MARGIN)
        self._sure.update(dict.fromkeys(pairs, end))

    # Giving back

    def bury(self) -> None:
        """Let nobody wait for the claims of graders that have died; looks once a second at most."""
        if time.monotonic() - self._buried < _BURY:
            return
        self._buried = time.monotonic()
        self._give_back_owed()
        with self._engine.connect() as connection:
            others = select(CLAIM.c.owner).where(CLAIM.c.owner != self.owner, _living()).distinct()
            owners = connection.execute(others).scalars().all()
        for owner in owners:
            if has_died(self._db_url, owner):
                with writing(self._engine) as connection:
                    connection.execute(update(CLAIM).where(CLAIM.c.owner == owner).values(until=0.0))

    def close(self) -> None:
        """This grader is at its end; what it still holds is anybody's once somebody looks."""
        self._life.end()

    def forgive(self, module: str | None = None) -> None:
        """Let what ended its grader too often be tried again: a person asks for it."""

        def work() -> None:
            with writing(self._engine) as connection:
                every = delete(BEGUN)
                connection.execute(every if module is None else every.where(BEGUN.c.module == module))

        retrying(work)

    def release(self, pairs: Collection[Pair], work: str = "") -> None:
        """Give these back; ``work``, if it was named, came to an end.

        Where the database is away, this is done before the next are taken, or at the next ``bury``.
        """
        if not pairs:
            return
        self._owed.append((frozenset(pairs), work))
        try:
            self._give_back_owed()
        except DBAPIError as error:
            if not dropped(error):
                raise

    def _give_back_owed(self) -> None:
        def give() -> None:
            pairs, work = self._owed[0]
            with writing(self._engine) as connection:
                self.release_in(connection, pairs, work)

        while self._owed:
            retrying(give)
            del self._owed[0]

    def release_in(self, connection: Connection, pairs: Collection[Pair], work: str = "") -> None:
        """The same within a transaction."""
        if work:
            for part in chunks(sorted(pairs)):
                connection.execute(delete(BEGUN).where(BEGUN.c.work == work, _pair_in(part, BEGUN)))
        self._give_back(connection, pairs)

    def _give_back(self, connection: Connection, pairs: Collection[Pair]) -> None:
        for part in chunks(sorted(pairs)):
            connection.execute(delete(CLAIM).where(CLAIM.c.owner == self.owner, _pair_in(part, CLAIM)))
        with self._lock:
            for pair in pairs:
                self._sure.pop(pair, None)
