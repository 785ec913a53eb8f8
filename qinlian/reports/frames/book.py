"""A gradebook opened to be read, by a report that must not get in the way of grading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from qinlian.configured import database_of
from qinlian.errors import GradingError

__all__ = ["kept", "open_gradebook"]

_T = TypeVar("_T")
_KEPT = "qinlian.reports"


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        # To open a file that is not there would make one, empty and readable by everybody.
        there = url.database is not None and Path(url.database).exists()
        return create_engine(
            url if there else "sqlite://", poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 30}
        )
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        # All frames of a report then show the same moment; it holds up nobody who writes.
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": 10},
    )


@contextmanager
def open_gradebook(gradebook: str | Path) -> Iterator[Connection]:
    """A connection that can only read; ``gradebook`` is the address, or the folder of the course that names it.

    Where there is no gradebook yet, all frames are empty. On PostgreSQL all that is read through one connection is
    of one moment. On SQLite a reader holds up who hands in, so that there it is of one moment a query only.
    Raises GradingError when the folder is no course or the database cannot be read, then without its address.
    """
    try:
        url = make_url(database_of(gradebook) if isinstance(gradebook, Path) else gradebook)
    except ArgumentError:
        raise GradingError("成绩册的地址写得不对；核对 QINLIAN_DATABASE_URL 或 nbgrader_config.py") from None
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only=ON")
            else:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            connection.info[_KEPT] = {}
            yield connection
    except DBAPIError:
        # The driver's words may hold the address, and a statement's parameters are what learners wrote.
        raise GradingError("成绩册读不出来：数据库没有应答，或文件已损坏；稍后再试，还不行就从备份恢复") from None
    finally:
        engine.dispose()


def kept(connection: Connection, read: Callable[[Connection], _T]) -> _T:
    """What ``read`` gives, asked for once as long as a gradebook is open: every frame of a report needs the people.

    Of any other connection, which may live for days, it is read anew.
    """
    known = connection.info.get(_KEPT)
    if known is None:
        return read(connection)
    if read not in known:
        known[read] = read(connection)
    found: _T = known[read]
    return found
