"""Who is on the roster, as sign-in needs to know it: looked up, never written."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from qinlian.errors import SignInError
from qinlian.roster.tables import PERSON

__all__ = ["DatabaseRoster", "Listed", "RosterLookup"]

_SECONDS = 5
_WANTED = (PERSON.c.account, PERSON.c.name, PERSON.c.role, PERSON.c.track, PERSON.c.archived_at, PERSON.c.uid)


@dataclass(frozen=True)
class Listed:
    """One person of the roster; ``role`` is 学员, 教师 or 管理员, ``track`` the 培训对象 or empty.

    ``uid`` is the number that the person's files belong to, of the unix account or of the pod.
    """

    account: str
    name: str
    role: str
    archived: bool
    track: str = ""
    uid: int = field(default=0, compare=False)


class RosterLookup(Protocol):
    """Where people are looked up."""

    def find(self, account: str) -> Listed | None:
        """The person of that account, None when the roster has none. Raises SignInError when it cannot be read."""


class DatabaseRoster:
    """The roster in the gradebook's database, SQLite or PostgreSQL.

    The Hub runs as root, and the file belongs to the grader. Opened for reading alone, it gets neither a journal
    nor a write-ahead log of root's, which the grader could not write to.
    """

    def __init__(self, db_url: str) -> None:
        try:
            url = make_url(db_url)
        except ArgumentError as error:
            raise SignInError("名单数据库的地址写法不对；请检查 QinlianAuthenticator.db_url") from error
        self._engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _server(url)

    def find(self, account: str) -> Listed | None:
        """As ``RosterLookup.find``."""
        try:
            with self._engine.connect() as connection:
                row = connection.execute(select(*_WANTED).where(PERSON.c.account == account)).one_or_none()
        except SQLAlchemyError as error:
            raise SignInError("名单数据库读不出来；请检查它是否在运行、文件是否在") from error
        if row is None:
            return None
        return Listed(row.account, row.name, row.role, row.archived_at is not None, row.track, row.uid)


def _sqlite(url: URL) -> Engine:
    address = f"file:{quote(url.database or '')}?mode=ro"
    opened = partial(sqlite3.connect, address, uri=True, timeout=_SECONDS, check_same_thread=False)
    return create_engine("sqlite://", creator=opened, poolclass=NullPool, hide_parameters=True)


def _server(url: URL) -> Engine:
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    options = f"-c default_transaction_read_only=on -c statement_timeout={_SECONDS * 1000}"
    return create_engine(
        url,
        pool_size=2,
        max_overflow=2,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={"connect_timeout": _SECONDS, "options": options},
    )
