"""Locks that one process on any machine holds, and that are given up when it dies.

On PostgreSQL they are advisory locks, each on a connection of its own; with SQLite, which is one
machine's, they are locks of files.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from qinlian.errors import GradingError

__all__ = ["Exclusive"]

_LOOK = 0.05
"""Seconds between two tries while somebody else has the lock."""


@lru_cache(maxsize=8)
def _engine(db_url: str) -> Engine:
    # Without a transaction: one that stays open for hours would keep PostgreSQL from cleaning up.
    return create_engine(
        db_url,
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3},
    )


class Exclusive:
    """One lock, by name. ``path`` is the file that stands for it where the database is SQLite."""

    def __init__(self, db_url: str, name: str, path: Path) -> None:
        self._path = None if db_url.startswith("postgresql") else path
        self._db_url = db_url
        self._file: IO[str] | None = None
        self._connection: Connection | None = None
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        self._mine = False

    def acquire(self, wait: float = 0.0) -> bool:
        """Take the lock, trying for ``wait`` seconds; False when somebody else keeps it."""
        end = time.monotonic() + wait
        while not self._try():
            if time.monotonic() >= end:
                return False
            time.sleep(_LOOK)
        return True

    def still_mine(self) -> bool:
        """True while nobody else can have it: its connection, if it needs one, never broke."""
        if self._mine and self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except DBAPIError:
                self._forget()
        return self._mine

    def release(self) -> None:
        """Give it up; does nothing without it."""
        if self._mine and self._connection is not None:
            try:
                self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": self._key})
            except DBAPIError:
                self._forget()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._mine = False

    def close(self) -> None:
        """Give it up, and the connection with it."""
        self.release()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def held(self, wait: float) -> Iterator[None]:
        """Hold it meanwhile; raises GradingError when somebody else keeps it longer than ``wait`` seconds."""
        if not self.acquire(wait):
            raise GradingError("另一个评分程序正在运行，等了很久没有结束；请稍后再试")
        try:
            yield
        finally:
            self.release()

    def _try(self) -> bool:
        if self._mine:
            return True
        self._mine = self._try_server() if self._path is None else self._try_file(self._path)
        return self._mine

    def _try_file(self, path: Path) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def _try_server(self) -> bool:
        try:
            if self._connection is None:
                self._connection = _engine(self._db_url).connect()
            return bool(
                self._connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar()
            )
        except DBAPIError:
            self._forget()
            raise

    def _forget(self) -> None:
        """The connection is of no more use, and the lock went with it."""
        self._mine = False
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
