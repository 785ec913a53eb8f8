"""What became of every folder that arrived in the exchange: table ``qinlian_arrival``.

It lies in the gradebook's database, so that worker, command and formgrader share it, and remembers
when a folder was first seen, which bounds the time a learner may claim.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import ColumnElement, Engine, case, false, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from qinlian.database import chunks, db_now, writing
from qinlian.grading.response_tables import ARRIVAL
from qinlian.grading.responses import open_engine

__all__ = ["Arrival", "Arrivals", "Seen", "State", "secret_digest", "seen_with"]

State = Literal["等待", "已收", "已评分", "拒收", "停放"]
"""Seen but unfinished · kept and to be graded · graded · refused · given up after repeated failures."""

_BACK_OFF = (30.0, 300.0)
"""Seconds before a failed attempt is graded a second time, and a third, which is the last."""


@dataclass(frozen=True)
class Arrival:
    """One row; times are aware, in UTC.

    ``first_seen`` is when the folder was noticed and, once it was taken in, when it was first seen
    complete. ``looked`` is set when it was looked into, taken or not. ``secret`` is a digest, never
    the secret itself. ``told`` is set when its sender was told that it was refused or put aside.
    ``tries`` counts how often its grading was begun and neither came to its end nor was put off.
    ``due`` is when it may be graded again, by the database's clock; None: at once.
    """

    folder: str
    learner: str
    module: str
    first_seen: datetime
    submitted_at: datetime | None
    state: State
    secret: str
    tries: int
    reason: str
    notes: tuple[str, ...]
    looked: bool
    told: bool
    due: float | None

    @property
    def place(self) -> str:
        """A name for this arrival's own folder: fixed length, no character of the learner's choosing."""
        return hashlib.sha256(self.folder.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Seen:
    """When a submission's folder was first seen in the exchange, and what was said of it then."""

    first_seen: datetime
    notes: tuple[str, ...] = ()


def seen_with(connection: Connection, module: str, secrets: Sequence[str]) -> dict[str, Seen]:
    """Secret → how the folder came that held it, for those that came through the exchange."""
    wanted = {secret_digest(secret): secret for secret in secrets}
    found: dict[str, Seen] = {}
    for part in chunks(list(wanted)):
        query = select(ARRIVAL.c.secret, ARRIVAL.c.first_seen, ARRIVAL.c.notes)
        for row in connection.execute(query.where(ARRIVAL.c.module == module, ARRIVAL.c.secret.in_(part))):
            found[wanted[row.secret]] = Seen(row.first_seen.replace(tzinfo=UTC), tuple(json.loads(row.notes)))
    return found


def secret_digest(secret: str) -> str:
    """What the table keeps of a submission's secret."""
    return hashlib.sha256(b"qinlian-arrival\0" + secret.encode()).hexdigest()


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _arrival(row: object) -> Arrival:
    fields = dict(row._mapping)  # type: ignore[attr-defined]
    fields["first_seen"] = _aware(fields["first_seen"])
    fields["submitted_at"] = _aware(fields["submitted_at"])
    fields["notes"] = tuple(json.loads(fields["notes"]))
    return Arrival(**fields)


class Arrivals:
    """The table, over one database address."""

    def __init__(self, db_url: str) -> None:
        self._engine: Engine = open_engine(db_url)
        self._open: Connection | None = None

    @contextmanager
    def together(self) -> Iterator[Connection]:
        """Everything done inside is one transaction: a class of submissions costs one write to disk."""
        with writing(self._engine) as connection:
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None

    @contextmanager
    def _work(self) -> Iterator[Connection]:
        if self._open is not None:
            yield self._open
        else:
            with writing(self._engine) as connection:
                yield connection

    @contextmanager
    def _look(self) -> Iterator[Connection]:
        if self._open is not None:
            yield self._open
        else:
            with self._engine.connect() as connection:
                yield connection

    def seen(self, folder: str, learner: str, module: str, now: datetime) -> Arrival:
        """The folder's row, made now when it is new."""
        values = {"folder": folder, "learner": learner, "module": module, "first_seen": _naive(now), "state": "等待"}
        with self._work() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            # Two that lost sight of each other may both see it first.
            connection.execute(dialect.insert(ARRIVAL).values(values).on_conflict_do_nothing())
            row = connection.execute(select(ARRIVAL).where(ARRIVAL.c.folder == folder)).one()
        return _arrival(row)

    def of(
        self,
        module: str | None = None,
        learner: str | Collection[str] | None = None,
        states: Iterable[State] | None = None,
    ) -> list[Arrival]:
        """Rows in order of arrival, narrowed by module, learner (or learners) and state."""
        query = select(ARRIVAL).order_by(ARRIVAL.c.submitted_at, ARRIVAL.c.first_seen, ARRIVAL.c.folder)
        if module is not None:
            query = query.where(ARRIVAL.c.module == module)
        if states is not None:
            query = query.where(ARRIVAL.c.state.in_(list(states)))
        learners = [learner] if isinstance(learner, str) else learner
        parts = [query] if learners is None else [query.where(_of(part)) for part in chunks(sorted(learners))]
        with self._look() as connection:
            return [_arrival(row) for part in parts for row in connection.execute(part)]

    def rows(self, folders: Sequence[str]) -> list[Arrival]:
        """The rows of these folders."""
        with self._look() as connection:
            parts = (select(ARRIVAL).where(ARRIVAL.c.folder.in_(part)) for part in chunks(folders))
            return [_arrival(row) for part in parts for row in connection.execute(part)]

    def taken(self, folders: Sequence[str] | None = None) -> set[str]:
        """Which of these folders (all without) have nothing more to give: they were taken in, or never will be."""
        query = select(ARRIVAL.c.folder).where(ARRIVAL.c.state != "等待")
        with self._look() as connection:
            if folders is None:
                return {row.folder for row in connection.execute(query)}
            parts = (query.where(ARRIVAL.c.folder.in_(part)) for part in chunks(folders))
            return {row.folder for part in parts for row in connection.execute(part)}

    def held(self, learners: Collection[str]) -> Counter[tuple[str, str]]:
        """(learner, module) → how many of these learners' attempts wait to be graded."""
        count: Counter[tuple[str, str]] = Counter()
        query = select(ARRIVAL.c.learner, ARRIVAL.c.module, func.count().label("held"))
        query = query.where(ARRIVAL.c.state == "已收").group_by(ARRIVAL.c.learner, ARRIVAL.c.module)
        with self._look() as connection:
            for part in chunks(sorted(learners)):
                for row in connection.execute(query.where(ARRIVAL.c.learner.in_(part))):
                    count[row.learner, row.module] = row.held
        return count

    def has_secret(self, digest: str, *, other_than: str) -> bool:
        """True when another folder came with the same secret."""
        query = select(ARRIVAL.c.folder).where(ARRIVAL.c.secret == digest, ARRIVAL.c.folder != other_than)
        with self._look() as connection:
            return bool(connection.execute(query).first())

    def _set(self, folder: str, **values: object) -> None:
        with self._work() as connection:
            connection.execute(ARRIVAL.update().where(ARRIVAL.c.folder == folder).values(**values))

    def look(self, folder: str) -> None:
        """Mark that the folder is looked into now; should it not be taken, it may change until it is."""
        self._set(folder, looked=True)

    def keep(
        self, folder: str, first_seen: datetime, submitted_at: datetime, secret: str, notes: tuple[str, ...]
    ) -> None:
        """Mark as 已收, with when it was first seen complete and the time that counts."""
        self._set(
            folder,
            state="已收",
            first_seen=_naive(first_seen),
            submitted_at=_naive(submitted_at),
            secret=secret,
            notes=json.dumps(notes, ensure_ascii=False),
        )

    def refuse(self, folder: str, reason: str) -> None:
        """Mark as 拒收 with its Chinese reason."""
        self._set(folder, state="拒收", reason=reason)

    def untold(self) -> list[Arrival]:
        """Folders that were refused or put aside, and whose senders were not told yet."""
        query = select(ARRIVAL).where(ARRIVAL.c.state.in_(["拒收", "停放"]), ARRIVAL.c.told == false())
        with self._look() as connection:
            return [_arrival(row) for row in connection.execute(query.order_by(ARRIVAL.c.folder))]

    def told(self, folders: Iterable[str]) -> None:
        """Mark that the senders of these know."""
        with self._work() as connection:
            for folder in folders:
                connection.execute(ARRIVAL.update().where(ARRIVAL.c.folder == folder).values(told=True))

    def graded(self, folders: Sequence[str]) -> None:
        """Mark as 已评分."""
        with self._work() as connection:
            for part in chunks(folders):
                done = update(ARRIVAL).where(ARRIVAL.c.folder.in_(part))
                connection.execute(done.values(state="已评分", reason="", tries=0, due=None))

    def later(self, folder: str, seconds: float | None) -> None:
        """It was not begun after all, or not done through no fault of its own (again in ``seconds``): it is no try."""
        tries = case((ARRIVAL.c.tries > 0, ARRIVAL.c.tries - 1), else_=0)
        with self._work() as connection:
            mine = update(ARRIVAL).where(ARRIVAL.c.folder == folder, ARRIVAL.c.state == "已收")
            connection.execute(mine.values(tries=tries, due=ARRIVAL.c.due if seconds is None else db_now() + seconds))

    def failed(self, folder: str, reason: str, limit: int) -> bool:
        """Its try, which was counted when it began, failed; True when that was the last and it is put aside (停放)."""
        with self._work() as connection:
            query = select(ARRIVAL.c.tries).where(ARRIVAL.c.folder == folder, ARRIVAL.c.state == "已收")
            row = connection.execute(query).first()
            if row is None:
                return False
            parked = int(row.tries) >= limit
            due = db_now() + _BACK_OFF[min(max(int(row.tries), 1), len(_BACK_OFF)) - 1]
            values = {"reason": reason, **({"state": "停放"} if parked else {"due": due})}
            connection.execute(update(ARRIVAL).where(ARRIVAL.c.folder == folder).values(**values))
        return parked

    def retry(self, module: str | None = None, *, but: str = "") -> int:
        """Give every folder that was put aside (``but`` for that reason) another chance; how many there were.

        What is only put off need not wait any longer.
        """
        aside = update(ARRIVAL).where(ARRIVAL.c.state == "停放", ARRIVAL.c.reason != but)
        waits = update(ARRIVAL).where(ARRIVAL.c.state == "已收", ARRIVAL.c.due.is_not(None))
        if module is not None:
            aside, waits = aside.where(ARRIVAL.c.module == module), waits.where(ARRIVAL.c.module == module)
        with self._work() as connection:
            connection.execute(waits.values(due=None))
            return int(connection.execute(aside.values(state="已收", tries=0, due=None)).rowcount)


def _of(learners: Sequence[str]) -> ColumnElement[bool]:
    return ARRIVAL.c.learner.in_(learners)
