"""What the follower does when its question about changes goes unanswered, on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from qinlian.database import dropped
from qinlian.grading import follow
from qinlian.grading.worker import Worker
from tests.classroom import classroom_on

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(classroom_on("postgres", tmp_path, monkeypatch).setting)


def test_a_connection_that_is_cut_right_then_is_told_as_such(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_CHANGES", "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DBAPIError) as caught:
        worker.follower.step()
    assert dropped(caught.value)


def test_where_counting_is_forbidden_it_looks_all_the_same(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_CHANGES", "SELECT sum(n_tup_ins) FROM pg_catalog.nothing_of_that_name")
    assert worker.follower.step(), "there are modules to look through"
