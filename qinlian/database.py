"""The gradebook's database: one engine an address, transactions that wait for locks, and moments without a zone.

nbgrader's tables, those of grading and those of the roster lie in it together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Engine, MetaData, create_engine, event, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from qinlian.toolpath import put_tools_on_path

__all__ = ["aware", "chunks", "naive", "open_engine", "retrying", "writing"]

_T = TypeVar("_T")
_BATCH = 400


@lru_cache(maxsize=16)
def open_engine(db_url: str, tables: MetaData) -> Engine:
    """The engine of a gradebook, with ``tables`` in it; waits for locks rather than failing."""
    sqlite = db_url.startswith("sqlite")
    # The parameters of a statement are what learners wrote, and an error's text gets into logs.
    engine = create_engine(
        db_url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 30} if sqlite else {}
    )
    if sqlite:
        # SQLite's driver would begin a reading transaction and fail to make it a writing one later.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", _begin)
    if not inspect(engine).get_table_names():
        _make_gradebook(db_url)
    retrying(lambda: tables.create_all(engine))
    return engine


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


def retrying(work: Callable[[], _T], tries: int = 5) -> _T:
    """Run ``work``, again after a while when the database was locked or somebody wrote the same rows."""
    for attempt in range(tries):
        try:
            return work()
        except (OperationalError, IntegrityError) as error:
            said = str(error.orig).lower()
            passing = isinstance(error, IntegrityError) or any(
                w in said for w in ("locked", "busy", "deadlock", "already exists")
            )
            if not passing or attempt == tries - 1:
                raise
            time.sleep(0.1 * 2**attempt)
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
