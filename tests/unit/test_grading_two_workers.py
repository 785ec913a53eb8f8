"""Two real workers over one gradebook, killed at random; a database that goes away: nothing lost, nothing twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from qinlian.grading.arrivals import Arrivals
from tests.classroom import QUIZ, Classroom, Sent, classroom_on, make_classroom
from tests.managed import Managed, until
from tests.postgres import PostgresServer, running_server
from tests.sample import IDS

pytestmark = pytest.mark.slow

LEARNERS = [f"learner{number:02d}" for number in range(30)]


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return classroom_on(request.param, tmp_path, monkeypatch)


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PostgresServer, Classroom]]:
    """A classroom on a PostgreSQL of its own, which may be stopped."""
    with running_server(fsync="on") as server:
        monkeypatch.setenv("QINLIAN_DATABASE_URL", server.url)
        yield server, make_classroom(tmp_path / "repository", database=server.url)


def hand_in(room: Classroom, learner: str, attempt: int) -> Sent:
    """The first attempt has three right, the second all."""
    if attempt == 1:
        return room.send(learner, room.answers(learner, right=3))
    seen = tuple(IDS.of(item.id) for item in room.drawn(learner))
    return room.send(learner, room.answers(learner, attempt=2, seen=seen))


@contextmanager
def in_the_background(work: threading.Thread) -> Iterator[None]:
    work.start()
    try:
        yield
    finally:
        work.join(300)


def rows(room: Classroom, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(room.db_url, poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def check_the_books(room: Classroom, newest: dict[str, Sent], attempts: int) -> None:
    """Each submission is one attempt, each learner has every row once, and everybody's last result is out."""
    assert {a.state for a in Arrivals(room.db_url).of()} == {"已评分"}
    query = "SELECT learner, count(*), min(number), max(number) FROM qinlian_attempt GROUP BY learner ORDER BY learner"
    assert rows(room, query) == [(name, attempts, 1, attempts) for name in sorted(newest)]
    count = len(newest)
    tables = {"submitted_assignment": count, "submitted_notebook": count, "grade": 2 * count, "comment": count}
    assert {table: rows(room, f"SELECT count(*) FROM {table}")[0][0] for table in tables} == tables
    assert rows(room, "SELECT learner FROM qinlian_claim") == []
    for name, sent in newest.items():
        told = room.result(sent)
        assert told is not None
        assert (told.quizzes[QUIZ].attempt, told.quizzes[QUIZ].counted) == (attempts, 80.0 if attempts == 2 else 40.0)
        assert room.scores(name)[QUIZ][0] == told.quizzes[QUIZ].counted


def test_sixty_submissions_two_workers_and_kill_9(room: Classroom) -> None:
    chance = random.Random(5)
    newest: dict[str, Sent] = {}

    def send() -> None:
        for attempt in (1, 2):
            for learner in LEARNERS:
                newest[learner] = hand_in(room, learner, attempt)
                time.sleep(chance.uniform(0.0, 0.2))

    with ExitStack() as stack:
        workers = [stack.enter_context(Managed(room.root, "--owner", f"worker-{n}")) for n in range(2)]
        with in_the_background(threading.Thread(target=send)):
            for number in range(4):
                time.sleep(chance.uniform(0.2, 1.5))
                workers[number % 2].kill()
        until(lambda: all(room.result(sent) for sent in newest.values()), 600)
        until(lambda: not rows(room, "SELECT learner FROM qinlian_claim"))
        assert [len(worker.ended) for worker in workers] == [2, 2]
    check_the_books(room, newest, 2)


@pytest.mark.parametrize("way", ["stop", "crash"])
def test_the_database_goes_away_and_comes_back(away: tuple[PostgresServer, Classroom], way: str) -> None:
    server, room = away
    newest: dict[str, Sent] = {}

    def send() -> None:
        for learner in LEARNERS:
            newest[learner] = hand_in(room, learner, 1)
            time.sleep(0.2)

    with Managed(room.root) as worker:
        with in_the_background(threading.Thread(target=send)):
            for _ in range(3):
                time.sleep(1.0)
                getattr(server, way)()
                time.sleep(1.5)
                server.start()
        until(lambda: all(room.result(sent) for sent in newest.values()), 600)
        # What had its result written when the database went has it written once more, some seconds later.
        until(lambda: not Arrivals(room.db_url).of(states=["等待", "已收"]), 120)
        until(lambda: not rows(room, "SELECT learner FROM qinlian_claim"))
        assert worker.ended == [], "the worker outlived its database"
        assert "成绩册连不上" in worker.log
        assert "Traceback" not in worker.log, worker.log
    check_the_books(room, newest, 1)


def test_a_worker_waits_for_a_database_that_is_not_there_yet(away: tuple[PostgresServer, Classroom]) -> None:
    server, room = away
    sent = hand_in(room, "an", 1)
    server.stop()
    worker = Managed(room.root)
    threading.Timer(8.0, server.start).start()
    with worker:
        until(lambda: room.result(sent))
        assert worker.ended == []
