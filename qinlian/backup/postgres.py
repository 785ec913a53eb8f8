"""A gradebook on PostgreSQL: out by pg_dump, back by pg_restore and psql in one transaction."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from qinlian.errors import BackupError

__all__ = ["check_tools", "dumped", "is_used", "loading", "refuse_others"]

_ASIDE = "qinlian_before_"
"""How a schema is called that a restore put aside, before the time."""
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_LOADED = "qinlian-loaded"
_PATIENCE = 5.0


@contextmanager
def _connected(db_url: str) -> Iterator[Connection]:
    engine = create_engine(
        db_url,
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": 10},
    )
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError:
        raise BackupError("连不上成绩册的数据库，或读写时断开了；请检查数据库在不在运行、地址和密码对不对") from None


def _server(connection: Connection) -> int:
    return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10000


def _tool(name: str, server: int) -> str:
    """The program of that name that is at least as new as the server, the oldest of those. Raises BackupError."""
    found = [which] if (which := shutil.which(name)) else []
    found += [str(path) for pattern in _PLACES for path in Path("/").glob(f"{pattern[1:]}/{name}")]
    versions: dict[int, str] = {}
    for path in found:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        if match := re.search(r"\) (\d+)", said):
            versions.setdefault(int(match[1]), path)
    hint = f"请安装 PostgreSQL {server} 版的客户端（Debian：apt-get install postgresql-client-{server}）"
    if not versions:
        raise BackupError(f"没有找到 PostgreSQL 的工具 {name}；{hint}")
    fit = sorted(version for version in versions if version >= server)
    if not fit:
        raise BackupError(f"这台机器的 {name} 是 {max(versions)} 版，比数据库服务器（{server} 版）旧，不能用；{hint}")
    return versions[fit[0]]


def _environment(db_url: str) -> dict[str, str]:
    """The address as libpq's variables: on a command line every user of the machine could read the password."""
    from psycopg.pq import Conninfo

    variables = {option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    url = make_url(db_url)
    known = {
        "host": url.host,
        "port": str(url.port) if url.port else None,
        "user": url.username,
        "password": str(url.password) if url.password else None,
        "dbname": url.database,
    }
    known |= {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return clean | {variables[name]: value for name, value in known.items() if value and name in variables}


@contextmanager
def dumped(db_url: str, target: Path) -> Iterator[Connection]:
    """Write the database at one moment to ``target``; gives a connection that sees that moment. Raises BackupError."""
    with _connected(db_url) as connection:
        tool = _tool("pg_dump", _server(connection))
        moment = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())
        # Compressed with everything else afterwards.
        command = [tool, "--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--snapshot={moment}"]
        command += [f"--exclude-schema={_ASIDE}*", f"--file={target}"]
        done = subprocess.run(command, env=_environment(db_url), capture_output=True, check=False)
        if done.returncode:
            raise BackupError(f"数据库没有导出来；{_reason(done.stderr)}")
        yield connection


def _reason(said: bytes) -> str:
    if b"No space left" in said:
        return "磁盘满了，请换一个空间够的位置再运行"
    if b"permission denied" in said:
        return "数据库账号的权限不够，请用成绩册所属的账号"
    if b"lock timeout" in said or b"could not obtain lock" in said:
        return "别的程序正在使用数据库，请先停下课堂再运行"
    return "请检查数据库的日志，然后再运行一次"


def check_tools(db_url: str) -> None:
    """Raise BackupError when what a restore needs is missing or older than the server."""
    with _connected(db_url) as connection:
        for name in ("pg_restore", "psql"):
            _tool(name, _server(connection))


def refuse_others(db_url: str) -> None:
    """Raise BackupError when other programs are connected to the database, and stay so for a while."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    end = time.monotonic() + _PATIENCE
    while True:
        with _connected(db_url) as connection:
            count = connection.execute(others).scalar_one()
        if not count:
            return
        if time.monotonic() > end:
            break
        # The server may not have noticed yet that one of them was just ended.
        time.sleep(0.5)
    raise BackupError(f"还有 {count} 个程序连着成绩册的数据库；请先停下课堂和自动评分，再恢复")


def is_used(db_url: str) -> bool:
    """True when there are tables already. Raises BackupError."""
    with _connected(db_url) as connection:
        return bool(inspect(connection).get_table_names())


@contextmanager
def loading(db_url: str, dump: Path, aside: str) -> Iterator[Callable[[], None]]:
    """Load a dump into the database in a transaction that the function given here commits.

    Tables that are there already go into the schema ``qinlian_before_<aside>``. Left without the commit,
    nothing has changed. Raises BackupError.
    """
    with _connected(db_url) as connection:
        server = _server(connection)
        used = bool(inspect(connection).get_table_names())
        schema = str(connection.execute(text("SELECT current_schema()")).scalar_one())
    quoted = '"' + schema.replace('"', '""') + '"'
    begin = ["BEGIN;", "SET lock_timeout = '10s';"]
    if used:
        begin += [f'ALTER SCHEMA {quoted} RENAME TO "{_ASIDE}{aside}";', f"CREATE SCHEMA {quoted};"]
    with tempfile.TemporaryFile() as said:
        psql = subprocess.Popen(
            [_tool("psql", server), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
            env=_environment(db_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            _feed(psql, "\n".join(begin).encode() + b"\n")
            unpack = [_tool("pg_restore", server), "--no-owner", "--no-privileges", "--file=-", str(dump)]
            made = subprocess.Popen(unpack, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            assert made.stdout is not None
            while piece := made.stdout.read(1 << 20):
                _feed(psql, piece)
            made.stdout.close()
            whole = made.wait() == 0
            _feed(psql, f"\\echo {_LOADED}\n".encode())
            if not whole or not _came(psql.stdout):
                raise BackupError(f"数据库没有恢复，仍是原来的样子；{_reason(_tail(said))}")

            def commit() -> None:
                _feed(psql, b"COMMIT;\n")
                assert psql.stdin is not None
                psql.stdin.close()
                if psql.wait():
                    raise BackupError(f"数据库没有恢复，仍是原来的样子；{_reason(_tail(said))}")

            yield commit
        finally:
            # Before the commit this ends the transaction, and nothing of it stays.
            if psql.poll() is None:
                psql.kill()
                psql.wait()
            for pipe in (psql.stdin, psql.stdout):
                if pipe is not None and not pipe.closed:
                    _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _feed(psql: subprocess.Popen[bytes], data: bytes) -> None:
    assert psql.stdin is not None
    try:
        psql.stdin.write(data)
        psql.stdin.flush()
    except BrokenPipeError:
        # It ended over an error, which shows when its answer does not come.
        return


def _came(stdout: IO[bytes] | None) -> bool:
    assert stdout is not None
    return any(line.strip() == _LOADED.encode() for line in iter(stdout.readline, b""))


def _tail(said: IO[bytes]) -> bytes:
    said.seek(0)
    return said.read()[-4000:]
