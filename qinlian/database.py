"""The gradebook's database: one engine an address, transactions that wait for locks, and moments without a zone.

nbgrader's tables, those of grading and those of the roster lie in it together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Double, Engine, MetaData, create_engine, event, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.functions import FunctionElement

from qinlian.toolpath import put_tools_on_path

__all__ = ["aware", "chunks", "db_now", "dropped", "naive", "open_engine", "retrying", "writing"]

_T = TypeVar("_T")
_BATCH = 400
_MAKING = 0x71696E6C
"""The advisory lock under which tables are made on PostgreSQL."""
_PASSING_STATES = ("08", "40001", "40P01", "42P07", "42710", "55P03", "57P01", "57P02", "57P03")
"""SQLSTATEs that are over at the next try: connections, serialization, deadlocks, a server that goes or comes."""
_PASSING_WORDS = ("locked", "busy", "already exists", "connection refused", "connection failed", "duplicate column")


def _nothing(_: Connection) -> Sequence[str]:
    return ()


@lru_cache(maxsize=16)
def open_engine(db_url: str, tables: MetaData, lacking: Callable[[Connection], Sequence[str]] = _nothing) -> Engine:
    """The engine of a gradebook, with ``tables`` in it; waits for locks rather than failing.

    ``lacking`` looks at the database and returns the statements (none, as a rule) that it still needs
    besides its tables.
    """
    engine = _sqlite(db_url) if db_url.startswith("sqlite") else _server(db_url)
    retrying(lambda: _complete(engine, db_url, tables, lacking))
    return engine


def _complete(engine: Engine, db_url: str, tables: MetaData, lacking: Callable[[Connection], Sequence[str]]) -> None:
    with engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
        if there >= set(tables.tables) and not lacking(connection):
            return
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and not there:
        _make_gradebook(db_url)
    with writing(engine) as connection:
        if not sqlite:
            # Several programs open a new gradebook at once, and PostgreSQL lets nobody wait for a table.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
            if not inspect(connection).get_table_names():
                _make_gradebook(db_url)
        tables.create_all(connection)
        for statement in lacking(connection):
            connection.exec_driver_sql(statement)


# The parameters of a statement are what learners wrote, and an error's text gets into logs.
_QUIET: dict[str, Any] = {"hide_parameters": True}


def _sqlite(db_url: str) -> Engine:
    engine = create_engine(db_url, poolclass=NullPool, connect_args={"timeout": 30}, **_QUIET)
    # SQLite's driver would begin a reading transaction and fail to make it a writing one later.
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", _begin)
    return engine


def _server(db_url: str) -> Engine:
    """A few connections that are tried before they are used: a database may restart at any time."""
    patience = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    return create_engine(
        db_url, pool_size=2, max_overflow=8, pool_pre_ping=True, pool_recycle=900, connect_args=patience, **_QUIET
    )


class _Now(FunctionElement[float]):
    type = Double()
    inherit_cache = True


@compiles(_Now, "sqlite")
def _now_sqlite(*_: object, **__: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_Now, "postgresql")
def _now_postgresql(*_: object, **__: object) -> str:
    # Not now(), which stands still for as long as a transaction takes.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


def db_now() -> ColumnElement[float]:
    """Seconds since 1970 by the database's clock, whatever the clock of this machine says."""
    return _Now()


def _make_gradebook(db_url: str) -> None:
    # nbgrader marks a new database with its version only when it finds it empty, so it comes first.
    from nbgrader.api import Gradebook

    put_tools_on_path()
    with Gradebook(db_url):
        pass


def _begin(connection: Connection) -> None:
    writing_now = connection.get_execution_options().get("qinlian_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing_now else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that means to write from its start; committed unless an exception leaves it."""
    with engine.connect().execution_options(qinlian_writing=True) as connection, connection.begin():
        yield connection


def dropped(error: BaseException | None) -> bool:
    """True for an error of the connection: the server went away, or is not there yet.

    Also where somebody made another of it: nbgrader calls everything that it could not write an invalid entry.
    """
    while error is not None:
        if isinstance(error, DBAPIError) and _away(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _away(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    said = str(error.orig).lower()
    away = state.startswith(("08", "57P")) or "connection refused" in said or "connection failed" in said
    # Without a statement it was the connecting that failed, in whatever words.
    connecting = isinstance(error, OperationalError) and error.statement is None
    return bool(error.connection_invalidated) or away or connecting


def _passing(error: DBAPIError) -> bool:
    if isinstance(error, IntegrityError) or error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return str(state).startswith(_PASSING_STATES)
    return any(word in str(error.orig).lower() for word in _PASSING_WORDS)


def retrying(work: Callable[[], _T], tries: int = 5) -> _T:
    """Run ``work``, again after a while when what failed it is likely to be over then.

    So it is with locks, deadlocks, serialization failures, a connection that was cut, and rows that
    somebody else wrote first. ``work`` must be a transaction of its own that can be done twice.
    """
    for attempt in range(tries):
        try:
            return work()
        except DBAPIError as error:
            if not _passing(error) or attempt == tries - 1:
                raise
            # Two that met once do not meet again.
            time.sleep(0.1 * 2**attempt * random.uniform(0.5, 1.0))
    raise AssertionError("unreachable")


def naive(moment: datetime | None) -> datetime | None:
    """UTC without a zone, as nbgrader's tables and ours hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def aware(moment: datetime | None) -> datetime | None:
    """The other way round."""
    return moment.replace(tzinfo=UTC) if moment else None


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """``values`` in parts, each small enough for one statement."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
