"""What became of every folder that arrived in the exchange: table ``qinlian_arrival``.

It lies in the gradebook's database, so that worker, command and formgrader share it, and remembers
when a folder was first seen, which bounds the time a learner may claim.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Column, DateTime, Engine, Integer, MetaData, String, Table, Text, select
from sqlalchemy.engine import Connection

from qinlian.grading.responses import open_engine, retrying, writing

__all__ = ["Arrival", "Arrivals", "State", "secret_digest"]

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
)


@dataclass(frozen=True)
class Arrival:
    """One row; times are aware, in UTC. ``secret`` is a digest, never the secret itself."""

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

    @property
    def place(self) -> str:
        """A name for this arrival's own folder: fixed length, no character of the learner's choosing."""
        return hashlib.sha256(self.folder.encode()).hexdigest()[:24]


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

    def keep(self, folder: str, submitted_at: datetime, secret: str, notes: tuple[str, ...]) -> None:
        """Mark as 已收, with the time that counts."""
        self._set(
            folder,
            state="已收",
            submitted_at=_naive(submitted_at),
            secret=secret,
            notes=json.dumps(notes, ensure_ascii=False),
        )

    def refuse(self, folder: str, reason: str) -> None:
        """Mark as 拒收 with its Chinese reason."""
        self._set(folder, state="拒收", reason=reason)

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
