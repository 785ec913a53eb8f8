"""The gradebook at one moment, while others write to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from qinlian.backup import postgres
from qinlian.backup.members import DATABASE
from qinlian.backup.site import Site
from qinlian.errors import BackupError

__all__ = ["MEMBERS", "Snapshot", "copy_sqlite", "is_sqlite", "snapshot"]

MEMBERS = {"sqlite": f"{DATABASE}/gradebook.db", "postgresql": f"{DATABASE}/gradebook.dump"}
"""Kind of database → the name of its member."""
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Snapshot:
    """``file`` holds the gradebook; ``connection`` sees exactly what is in it."""

    kind: str
    file: Path
    connection: Connection

    @property
    def member(self) -> str:
        """Its name in a backup."""
        return MEMBERS[self.kind]

    def kept(self) -> Iterator[tuple[str, str]]:
        """(module, folder in the exchange) of every attempt that was taken in."""
        if inspect(self.connection).has_table("qinlian_arrival"):
            query = text("SELECT module, folder FROM qinlian_arrival WHERE state IN ('已收', '已评分', '停放')")
            for row in self.connection.execution_options(yield_per=1000).execute(query):
                yield row.module, row.folder

    def attempted(self) -> Iterator[tuple[str, str]]:
        """(learner, module) of everybody who has a graded attempt."""
        if inspect(self.connection).has_table("qinlian_attempt"):
            query = text("SELECT DISTINCT learner, module FROM qinlian_attempt")
            for row in self.connection.execution_options(yield_per=1000).execute(query):
                yield row.learner, row.module


@contextmanager
def snapshot(site: Site, folder: Path) -> Iterator[Snapshot | None]:
    """The gradebook as it is now, in a file in ``folder``; None where there is none yet. Raises BackupError."""
    if site.sqlite is None:
        with postgres.dumped(site.db_url, folder / "gradebook.dump") as connection:
            yield Snapshot("postgresql", folder / "gradebook.dump", connection)
        return
    if not site.sqlite.is_file():
        yield None
        return
    target = folder / "gradebook.db"
    copy_sqlite(site.sqlite, target)
    engine = _engine(f"sqlite:///{target}")
    try:
        with engine.connect() as connection:
            yield Snapshot("sqlite", target, connection)
    except SQLAlchemyError:
        raise BackupError(f"成绩册 {site.sqlite} 读不出来；请检查它是不是成绩册") from None


def _engine(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool, hide_parameters=True)


def is_sqlite(start: bytes) -> bool:
    """True for a file that begins like this."""
    return start.startswith(_MAGIC)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database that is in use, at one moment. Raises BackupError when it is damaged or stays locked."""
    try:
        with closing(sqlite3.connect(target)) as copy:
            try:
                _copy(source, copy, "ro")
            except sqlite3.OperationalError:
                # Whoever wrote it last died: what was left half-written must be undone first, by writing.
                _copy(source, copy, "rw")
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error:
        raise BackupError(f"{source.name} 读不出来，没有备份；请检查磁盘，或从上一份备份恢复") from None
    if found != "ok":
        raise BackupError(f"{source.name} 已经损坏，没有备份；请保留上一份备份，并用它恢复")


def _copy(source: Path, target: sqlite3.Connection, mode: str) -> None:
    address = f"{source.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=60)) as live:
        # All pages in one step: writers wait for a moment, and nothing has to begin anew.
        live.backup(target, pages=-1)
