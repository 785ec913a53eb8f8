"""A gradebook on PostgreSQL goes out and comes back in one transaction, or the reason is said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

from qinlian.backup import postgres
from qinlian.errors import BackupError
from tests.postgres import PostgresServer, running_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as made:
        yield made


@pytest.fixture
def url(server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """A database with one row in it."""
    made = server.create(f"t{abs(hash(request.node.name))}")
    _run(made, "CREATE TABLE mark (id serial PRIMARY KEY, score float)", "INSERT INTO mark (score) VALUES (7.5)")
    return made


def _run(url: str, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _scores(url: str, schema: str = "public") -> list[float]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return [row.score for row in connection.execute(text(f"SELECT score FROM {schema}.mark ORDER BY id"))]


def _asides(url: str) -> list[str]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return sorted(s for s in inspect(connection).get_schema_names() if s.startswith("qinlian_before_"))


@pytest.fixture
def dump(url: str, tmp_path: Path) -> Path:
    with postgres.dumped(url, tmp_path / "dump"):
        pass
    return tmp_path / "dump"


def test_what_is_dumped_is_of_one_moment(url: str, tmp_path: Path, server: PostgresServer) -> None:
    with postgres.dumped(url, tmp_path / "dump") as connection:
        _run(url, "INSERT INTO mark (score) VALUES (1)")
        # Whoever looks through this connection sees what is in the dump.
        assert connection.execute(text("SELECT count(*) FROM mark")).scalar_one() == 1
    there = server.create("moment")
    with postgres.loading(there, tmp_path / "dump", "x") as commit:
        commit()
    assert _scores(there) == [7.5]
    # Counters come back too: the next row gets the next number.
    _run(there, "INSERT INTO mark (score) VALUES (2)")
    assert _scores(there) == [7.5, 2.0]


def test_what_was_there_goes_aside(url: str, dump: Path) -> None:
    _run(url, "UPDATE mark SET score = 1")
    with postgres.loading(url, dump, "20261122") as commit:
        commit()
    assert _scores(url) == [7.5]
    assert _asides(url) == ["qinlian_before_20261122"]
    assert _scores(url, "qinlian_before_20261122") == [1.0]


def test_what_was_put_aside_is_not_backed_up(url: str, dump: Path, tmp_path: Path, server: PostgresServer) -> None:
    for name in ("one", "two"):
        with postgres.loading(url, dump, name) as commit:
            commit()
    with postgres.dumped(url, tmp_path / "second"):
        pass
    there = server.create("without")
    with postgres.loading(there, tmp_path / "second", "x") as commit:
        commit()
    assert (_scores(there), _asides(there)) == ([7.5], [])


def test_without_a_commit_nothing_changes(url: str, dump: Path) -> None:
    _run(url, "UPDATE mark SET score = 1")
    with pytest.raises(RuntimeError), postgres.loading(url, dump, "x"):
        raise RuntimeError("the disk is full")
    assert (_scores(url), _asides(url)) == ([1.0], [])


@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_a_dump_cut_short_changes_nothing(url: str, dump: Path, part: float) -> None:
    _run(url, "INSERT INTO mark (score) SELECT n FROM generate_series(1, 3000) n")
    with postgres.dumped(url, dump.parent / "long"):
        pass
    data = (dump.parent / "long").read_bytes()
    (dump.parent / "long").write_bytes(data[: int(len(data) * part)])
    before = _scores(url)
    with (
        pytest.raises(BackupError, match="数据库没有恢复，仍是原来的样子"),
        postgres.loading(url, dump.parent / "long", "x"),
    ):
        pass
    assert (_scores(url), _asides(url)) == (before, [])


def test_somebody_who_is_connected_is_not_cut_off(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_PATIENCE", 0.5)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(BackupError, match="还有 1 个程序连着"):
            postgres.refuse_others(url)
    postgres.refuse_others(url)


def test_a_server_that_does_not_answer_is_said(url: str, tmp_path: Path) -> None:
    gone = make_url(url).set(port=1).render_as_string(hide_password=False)
    with pytest.raises(BackupError, match="连不上成绩册的数据库"), postgres.dumped(gone, tmp_path / "dump"):
        pass


def _only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **tools: str) -> None:
    """Only these tools are found, each a script."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in tools.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(postgres, "_PLACES", ())


def test_a_missing_tool_is_named_with_the_package(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch)
    with (
        pytest.raises(BackupError, match=r"没有找到 PostgreSQL 的工具 pg_dump；.*postgresql-client-\d+"),
        postgres.dumped(url, tmp_path / "dump"),
    ):
        pass


def test_a_tool_older_than_the_server_is_said(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(tmp_path, monkeypatch, pg_dump='echo "pg_dump (PostgreSQL) 9.6"')
    with (
        pytest.raises(BackupError, match=r"这台机器的 pg_dump 是 9 版，比数据库服务器（\d+ 版）旧"),
        postgres.dumped(url, tmp_path / "dump"),
    ):
        pass


def test_an_older_tool_on_the_path_does_not_hide_a_newer_one(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pg_dump").write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6"\n')
    (programs / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with postgres.dumped(url, tmp_path / "dump"):
        assert (tmp_path / "dump").stat().st_size > 0


def test_what_tells_the_password_is_no_command_line(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user of a machine can read every command line."""
    real = shutil.which("pg_dump")
    assert real is not None
    noted = tmp_path / "noted"
    script = f'case "$1" in --version) exec {real} --version;; esac\necho "$@" > {noted}\nexec {real} "$@"'
    _only(tmp_path, monkeypatch, pg_dump=script)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}/usr/bin{os.pathsep}/bin")
    secret = make_url(url).set(password="geheim").render_as_string(hide_password=False)
    with postgres.dumped(secret, tmp_path / "dump"):
        pass
    assert "geheim" not in noted.read_text()
    assert postgres._environment(secret)["PGPASSWORD"] == "geheim"
