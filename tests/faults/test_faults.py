"""Two rounds of each fault on a Hub with PostgreSQL; ``python -m tests.faults`` tries a hundred."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.__main__ import MODULES, faults_of, start_servers, try_fault
from tests.faults.crowd import Crowd
from tests.hub.room import CITY, OTHER, HubRoom, Someone
from tests.postgres import PostgresServer, running_server

pytestmark = pytest.mark.hub
PEOPLE = tuple(
    Someone(f"f80{n}", name, unit) for n, name, unit in ((1, "周一", CITY), (2, "林二", OTHER), (3, "陈三", OTHER))
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as made:
        yield made


@pytest.fixture(scope="module")
def crowd(server: PostgresServer) -> Iterator[Crowd]:
    room = HubRoom(PEOPLE, ("--learner-disk", "1", "--database-url", server.url))
    try:
        room.start()
        start_servers(room)
        yield Crowd(room, MODULES)
    finally:
        room.remove()


@pytest.mark.parametrize("name", ["worker", "hub", "database", "disk", "readonly"])
def test_nothing_acknowledged_is_lost_doubled_or_half_written(crowd: Crowd, server: PostgresServer, name: str) -> None:
    took = try_fault(crowd.room, crowd, name, faults_of(server)[name], 2, seed=7)
    assert len(took) == 2
    assert crowd.told.submissions
