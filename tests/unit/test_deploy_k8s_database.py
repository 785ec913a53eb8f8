"""The statements that make the databases of a cluster, run by a real PostgreSQL: what the Hub's user may do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from qinlian.database import open_engine
from qinlian.hub.listed import DatabaseRoster
from qinlian.hub.volumes import open_roster_to
from qinlian.roster.store import RosterStore
from qinlian.roster.tables import METADATA
from tests.postgres import running_server
from tests.unit.kubernetes_rooms import name_of, of_kind

pytestmark = pytest.mark.slow
INSERT = (
    "INSERT INTO qinlian_person VALUES ('ql1001', '1001', '周晓岚', '省校', '', '', '', '学员', 20001, NULL, now())"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server on which the manifest's init.sh ran, as any user: the server trusts them all."""
    (config,) = [m for m in of_kind("ConfigMap") if name_of(m) == "postgres-init"]
    with running_server() as server:
        with create_engine(server.url).begin() as connection:
            connection.execute(text("CREATE ROLE postgres SUPERUSER LOGIN"))
        given = {"QINLIAN_PASSWORD": "it's one", "HUB_PASSWORD": 'an"other', "PGHOST": "127.0.0.1"}
        environment = {**os.environ, **given, "PGPORT": str(server.port), "PGDATABASE": "postgres"}
        subprocess.run(["sh", "-c", config["data"]["init.sh"]], env=environment, check=True)
        yield server.url


def engine_of(address: str, user: str, database: str) -> Engine:
    return create_engine(make_url(address).set(username=user, database=database))


def url_of(address: str, user: str, database: str) -> str:
    return make_url(address).set(username=user, database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def filled(address: str) -> str:
    """The same with a gradebook, somebody on the roster, and the Hub's right to look at it."""
    engine = open_engine(url_of(address, "qinlian", "qinlian"), METADATA)
    with engine.begin() as connection:
        connection.execute(text(INSERT))
    open_roster_to(engine, "hub")
    return address


def test_each_user_owns_a_database(address: str) -> None:
    for user in ("qinlian", "hub"):
        with engine_of(address, user, user).begin() as connection:
            connection.execute(text("CREATE TABLE probe (a int)"))
            connection.execute(text("DROP TABLE probe"))


def test_the_graders_do_not_get_into_the_hubs_database(address: str) -> None:
    with pytest.raises(Exception, match="permission denied for database"):
        engine_of(address, "qinlian", "hub").connect()


def test_the_hub_finds_a_learner_and_their_number(filled: str) -> None:
    found = DatabaseRoster(url_of(filled, "hub", "qinlian")).find("ql1001")
    assert found is not None
    assert found.uid == 20_001


def test_the_hub_reads_everybody_to_give_out_codes(filled: str) -> None:
    people = RosterStore(url_of(filled, "hub", "qinlian")).roster().people
    assert [person.account for person in people] == ["ql1001"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM grade",
        "SELECT * FROM submitted_assignment",
        "UPDATE qinlian_person SET uid = 20002",
        "INSERT INTO qinlian_unit VALUES ('x', 'x', '', 0)",
        "CREATE TABLE mine (a int)",
    ],
)
def test_the_hub_may_look_at_the_roster_and_do_nothing_else(filled: str, statement: str) -> None:
    with engine_of(filled, "hub", "qinlian").begin() as connection, pytest.raises(ProgrammingError, match="denied"):
        connection.execute(text(statement))


def test_to_open_the_roster_twice_is_no_mistake(filled: str) -> None:
    open_roster_to(open_engine(url_of(filled, "qinlian", "qinlian"), METADATA), "hub")
