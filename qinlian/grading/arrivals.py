"""What became of every folder that arrived in the exchange: table ``qinlian_arrival``.

It lies in the gradebook's database, so that worker, command and formgrader share it, and remembers
when a folder was first seen, which bounds the time a learner may claim.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Boolean, Column, DateTime, Engine, Integer, MetaData, String, Table, Text, false, inspect, select
from sqlalchemy.engine import Connection

from qinlian.database import chunks, retrying, writing
from qinlian.grading.responses import open_engine

__all__ = ["Arrival", "Arrivals", "Seen", "State", "secret_digest", "seen_with"]

State = Literal["等待", "已收", "已评分", "拒收", "停放"]
"""Seen but unfinished · kept and to be graded · graded · refused · given up after repeated failures."""

_TABLE = Table(
    "qinlian_arrival",
    MetaData(),
    Column("folder", String(500), primary_key=True),
    Column("learner", String(64), nullable=False, default="", index=True),
    Column("module", String(100), nullable=False, default="", index=True),
    Column("first_seen", DateTime, nullable=False),
    Column("submitted_at", DateTime),
    Column("state", String(8), nullable=False),
    Column("secret", String(64), nullable=False, default="", index=True),
    Column("tries", Integer, nullable=False, default=0),
    Column("reason", Text, nullable=False, default=""),
    Column("notes", Text, nullable=False, default="[]"),
    Column("looked", Boolean, nullable=False, default=False),
    Column("told", Boolean, nullable=False, default=False),
)


@dataclass(frozen=True)
class Arrival:
    """One row; times are aware, in UTC.

    ``first_seen`` is when the folder was noticed and, once it was taken in, when it was first seen
    complete. ``looked`` is set when it was looked into, taken or not. ``secret`` is a digest, never
    the secret itself. ``told`` is set when its sender was told that it was refused or put aside.
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
    """Secret → how the folder came that held it; empty where nothing ever came through the exchange."""
    if not inspect(connection).has_table(_TABLE.name):
        return {}
    wanted = {secret_digest(secret): secret for secret in secrets}
    found: dict[str, Seen] = {}
    for part in chunks(list(wanted)):
        query = select(_TABLE.c.secret, _TABLE.c.first_seen, _TABLE.c.notes)
        for row in connection.execute(query.where(_TABLE.c.module == module, _TABLE.c.secret.in_(part))):
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
        retrying(lambda: _TABLE.create(self._engine, checkfirst=True))
        self._open: Connection | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything done inside is one transaction: a class of submissions costs one write to disk."""
        with writing(self._engine) as connection:
            self._open = connection
            try:
                yield
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
        with self._work() as connection:
            row = connection.execute(select(_TABLE).where(_TABLE.c.folder == folder)).first()
            if row is None:
                values = {"folder": folder, "learner": learner, "module": module, "first_seen": _naive(now)}
                connection.execute(_TABLE.insert().values(state="等待", **values))
                row = connection.execute(select(_TABLE).where(_TABLE.c.folder == folder)).one()
        return _arrival(row)

    def of(
        self, module: str | None = None, learner: str | None = None, states: Iterable[State] | None = None
    ) -> list[Arrival]:
        """Rows in order of arrival, narrowed by module, learner and state."""
        query = select(_TABLE)
        if module is not None:
            query = query.where(_TABLE.c.module == module)
        if learner is not None:
            query = query.where(_TABLE.c.learner == learner)
        if states is not None:
            query = query.where(_TABLE.c.state.in_(list(states)))
        query = query.order_by(_TABLE.c.submitted_at, _TABLE.c.first_seen, _TABLE.c.folder)
        with self._look() as connection:
            return [_arrival(row) for row in connection.execute(query)]

    def finished(self) -> set[str]:
        """Names of folders with which nothing more is to be done."""
        query = select(_TABLE.c.folder).where(_TABLE.c.state.in_(["已评分", "拒收", "停放"]))
        with self._look() as connection:
            return {row.folder for row in connection.execute(query)}

    def has_secret(self, digest: str, *, other_than: str) -> bool:
        """True when another folder came with the same secret."""
        query = select(_TABLE.c.folder).where(_TABLE.c.secret == digest, _TABLE.c.folder != other_than)
        with self._look() as connection:
            return bool(connection.execute(query).first())

    def _set(self, folder: str, **values: object) -> None:
        with self._work() as connection:
            connection.execute(_TABLE.update().where(_TABLE.c.folder == folder).values(**values))

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
        query = select(_TABLE).where(_TABLE.c.state.in_(["拒收", "停放"]), _TABLE.c.told == false())
        with self._look() as connection:
            return [_arrival(row) for row in connection.execute(query.order_by(_TABLE.c.folder))]

    def told(self, folders: Iterable[str]) -> None:
        """Mark that the senders of these know."""
        with self._work() as connection:
            for folder in folders:
                connection.execute(_TABLE.update().where(_TABLE.c.folder == folder).values(told=True))

    def graded(self, folder: str) -> None:
        """Mark as 已评分."""
        self._set(folder, state="已评分", reason="")

    def failed(self, folder: str, reason: str, limit: int) -> bool:
        """Count one failure; True when the ``limit`` is reached and the folder is put aside (停放)."""
        with self._work() as connection:
            row = connection.execute(select(_TABLE.c.tries).where(_TABLE.c.folder == folder)).one()
            tries = int(row.tries) + 1
            parked = tries >= limit
            values: dict[str, object] = {"tries": tries, "reason": reason}
            if parked:
                values["state"] = "停放"
            connection.execute(_TABLE.update().where(_TABLE.c.folder == folder).values(**values))
        return parked

    def retry(self, module: str | None = None) -> int:
        """Give every folder that was put aside another chance; how many there were."""
        query = _TABLE.update().where(_TABLE.c.state == "停放")
        if module is not None:
            query = query.where(_TABLE.c.module == module)
        with self._work() as connection:
            return int(connection.execute(query.values(state="已收", tries=0)).rowcount)
