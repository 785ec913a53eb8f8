"""The roster, looked up in the gradebook's database and never written to."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.exc import SQLAlchemyError

from qinlian.errors import SignInError
from qinlian.hub.listed import DatabaseRoster, Listed
from qinlian.roster.tables import METADATA, PERSON
from tests.postgres import running_postgres

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC).replace(tzinfo=None)


def fill(db_url: str) -> None:
    engine = create_engine(db_url)
    METADATA.create_all(engine)
    common = {"unit": "省开放大学", "department": "", "email": "", "changed_at": NOW}
    rows = [
        {
            "account": "ql1",
            "number": "1",
            "name": "张三",
            "role": "学员",
            "uid": 20001,
            "archived_at": None,
            "track": "",
        },
        {
            "account": "ql2",
            "number": "2",
            "name": "李四",
            "role": "教师",
            "uid": 20002,
            "archived_at": NOW,
            "track": "教师",
        },
    ]
    with engine.begin() as connection:
        connection.execute(insert(PERSON), [row | common for row in rows])
    engine.dispose()


@pytest.fixture
def db_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'gradebook #1 100%.db'}"
    fill(url)
    return url


def test_people_are_found_with_what_sign_in_needs(db_url: str):
    roster = DatabaseRoster(db_url)
    assert roster.find("ql1") == Listed("ql1", "张三", "学员", archived=False)
    assert roster.find("ql2") == Listed("ql2", "李四", "教师", archived=True, track="教师")
    assert roster.find("ql3") is None
    assert roster.find("ql1' OR '1'='1") is None


def test_an_import_shows_at_once(db_url: str, tmp_path: Path):
    roster = DatabaseRoster(db_url)
    assert roster.find("ql1") is not None
    with sqlite3.connect(tmp_path / "gradebook #1 100%.db") as database:
        database.execute("UPDATE qinlian_person SET archived_at = changed_at WHERE account = 'ql1'")
    database.close()
    found = roster.find("ql1")
    assert found is not None
    assert found.archived


def test_looking_up_leaves_no_file_behind_not_even_while_somebody_writes(db_url: str, tmp_path: Path):
    roster = DatabaseRoster(db_url)
    writer = sqlite3.connect(tmp_path / "gradebook #1 100%.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE qinlian_person SET name = '王五'")
    before = sorted(path.name for path in tmp_path.iterdir())
    found = roster.find("ql1")
    assert found is not None
    assert found.name == "张三"
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    writer.execute("ROLLBACK")
    writer.close()
    roster.find("ql1")
    assert [path.name for path in tmp_path.iterdir()] == ["gradebook #1 100%.db"]


def test_a_file_that_is_missing_is_told_and_not_made(tmp_path: Path):
    with pytest.raises(SignInError, match="名单数据库读不出来"):
        DatabaseRoster(f"sqlite:///{tmp_path / 'none.db'}").find("ql1")
    assert list(tmp_path.iterdir()) == []


def test_a_gradebook_without_a_roster_and_an_address_that_is_none_are_told(tmp_path: Path):
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(SignInError):
        DatabaseRoster(f"sqlite:///{tmp_path / 'empty.db'}").find("ql1")
    with pytest.raises(SignInError, match="写法不对"):
        DatabaseRoster("no address")


def test_no_statement_can_write(db_url: str):
    roster = DatabaseRoster(db_url)
    with roster._engine.connect() as connection, pytest.raises(SQLAlchemyError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM qinlian_person")


@pytest.mark.slow
def test_a_roster_in_postgresql_is_read_and_cannot_be_written(tmp_path: Path):
    with running_postgres() as url:
        fill(url)
        for address in (url, url.replace("+psycopg", "")):
            roster = DatabaseRoster(address)
            assert roster.find("ql2") == Listed("ql2", "李四", "教师", archived=True, track="教师")
            with roster._engine.connect() as connection, pytest.raises(SQLAlchemyError, match="read-only"):
                connection.exec_driver_sql("DELETE FROM qinlian_person")
    with pytest.raises(SignInError, match="名单数据库读不出来"):
        roster.find("ql2")
