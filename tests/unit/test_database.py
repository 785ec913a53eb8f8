"""The gradebook's database: opened once, waited for, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, inspect, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from qinlian.database import aware, chunks, dropped, naive, open_engine, retrying, writing
from tests.postgres import running_postgres, running_server

TABLES = MetaData()
THING = Table("qinlian_thing", TABLES, Column("id", Integer, primary_key=True), Column("name", String(20)))
OTHER = MetaData()
Table("qinlian_other", OTHER, Column("id", Integer, primary_key=True))


def existing(tmp_path: Path) -> str:
    """A database that nbgrader need not make: some table is in it."""
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE student (id VARCHAR(128))")
    engine.dispose()
    return url


def test_one_address_may_be_opened_with_the_tables_of_several_rooms(tmp_path: Path):
    url = existing(tmp_path)
    assert open_engine(url, TABLES) is open_engine(url, TABLES)
    open_engine(url, OTHER)
    assert set(inspect(open_engine(url, TABLES)).get_table_names()) == {"student", "qinlian_thing", "qinlian_other"}


def test_an_exception_leaves_nothing_written(tmp_path: Path):
    engine = open_engine(existing(tmp_path), TABLES)

    def work() -> None:
        with writing(engine) as connection:
            connection.execute(insert(THING).values(id=1, name="a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    with engine.connect() as connection:
        assert connection.execute(select(THING)).all() == []


def test_a_database_that_went_away_is_known_behind_what_somebody_made_of_it():
    away = OperationalError("SELECT 1", {}, OSError("connection refused"))

    def made_another_of_it() -> None:
        try:
            raise away
        except OperationalError as error:
            raise ValueError("invalid entry", *error.args)  # noqa: B904 - as nbgrader does

    with pytest.raises(ValueError, match="invalid entry") as caught:
        made_another_of_it()
    assert dropped(caught.value)
    assert dropped(away)
    assert not dropped(ValueError())
    assert not dropped(OperationalError("SELECT 1", {}, OSError("no such column")))


def test_two_writers_wait_for_each_other(tmp_path: Path):
    engine = open_engine(existing(tmp_path), TABLES)
    inside = threading.Event()

    def first() -> None:
        with writing(engine) as connection:
            connection.execute(insert(THING).values(id=1, name="a"))
            inside.set()
            time.sleep(0.2)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(5)
    with writing(engine) as connection:
        names = [row.name for row in connection.execute(select(THING))]
    thread.join()
    assert names == ["a"]


def test_what_somebody_else_wrote_first_is_tried_again_and_given_up_after_some_tries():
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise IntegrityError("insert", {}, Exception("UNIQUE"))
        return "done"

    assert retrying(work) == "done"
    assert len(tries) == 3
    with pytest.raises(IntegrityError):
        retrying(lambda: (_ for _ in ()).throw(IntegrityError("insert", {}, Exception("UNIQUE"))), tries=2)


def test_moments_lose_their_zone_on_the_way_in_and_get_it_back():
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=8)))
    held = naive(noon)
    assert held is not None
    assert (held.hour, held.tzinfo) == (4, None)
    assert aware(held) == noon.astimezone(UTC)
    assert (naive(None), aware(None)) == (None, None)


def test_long_lists_come_in_parts():
    assert [len(part) for part in chunks(range(1000))] == [400, 400, 200]


@pytest.mark.slow
def test_a_new_postgresql_becomes_a_gradebook_with_our_tables():
    with running_postgres() as url:
        engine = open_engine(url, TABLES)
        assert {"student", "alembic_version", "qinlian_thing"} <= set(inspect(engine).get_table_names())


@pytest.mark.slow
def test_what_was_committed_survives_the_server():
    with running_server(fsync="on") as server:
        engine = create_engine(server.url, poolclass=NullPool)
        TABLES.create_all(engine)
        with writing(engine) as connection:
            connection.execute(insert(THING).values(id=1, name="名"))
        server.crash()
        server.start()
        with engine.connect() as connection:
            assert connection.execute(select(THING.c.name)).scalars().all() == ["名"]
