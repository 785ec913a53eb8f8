"""A due date that is moved or an extension that is given holds for what was graded before, too."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from qinlian.grading import chunk, follow
from qinlian.grading.summary import Summary
from qinlian.grading.worker import Worker
from tests.classroom import QUIZ, Classroom, Sent, classroom_on
from tests.sample import MODULE
from tests.unit.grading_told import all_done

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return classroom_on(request.param, tmp_path, monkeypatch)


def two_attempts(room: Classroom, worker: Worker, *, between: bool) -> tuple[datetime, Sent]:
    """A poor attempt, then a good one; the deadline lies between them if so wished."""
    first = room.send("li", room.answers("li", right=3))
    all_done(worker)
    moment = datetime.now(UTC)
    if between:
        room.due(moment)
    result = room.result(first)
    assert result is not None
    second = room.send("li", room.answers("li", attempt=2, seen=result.quizzes[QUIZ].seen))
    all_done(worker)
    return moment, second


def counted(room: Classroom, sent: Sent) -> tuple[bool, float, float | None]:
    """Late or not, what the result says, what nbgrader holds."""
    result = room.result(sent)
    assert result is not None
    return result.late, result.quizzes[QUIZ].counted, room.scores("li")[QUIZ][0]


def test_an_extension_lets_a_late_attempt_count_in_gradebook_and_result_alike(room: Classroom) -> None:
    worker = Worker(room.setting)
    _, second = two_attempts(room, worker, between=True)
    assert counted(room, second) == (True, 40.0, 40.0)
    with room.gradebook() as gradebook:
        gradebook.grant_extension(MODULE.id, "li", hours=1)
    all_done(worker)
    assert counted(room, second) == (False, 80.0, 80.0)
    room.due(datetime.now(UTC) - timedelta(days=1))
    all_done(worker)
    # Now both are late, and of those the better one counts.
    assert counted(room, second) == (True, 80.0, 80.0)


@pytest.mark.parametrize("where", ["in between", "while grading"])
def test_an_extension_counts_though_the_gradebook_went_away_meanwhile(
    room: Classroom, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    worker = Worker(room.setting)
    _, second = two_attempts(room, worker, between=True)
    monkeypatch.setattr(follow, "_AFTER_FAILURE", 0.0)
    owner, name = (worker.rounds, "again") if where == "in between" else (chunk, "grade_submissions")
    real, failures = getattr(owner, name), [OperationalError("SELECT 1", {}, Exception("locked"))]

    def fails_once(*args: Any, **named: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*args, **named)

    monkeypatch.setattr(owner, name, fails_once)
    with room.gradebook() as gradebook:
        gradebook.grant_extension(MODULE.id, "li", hours=1)
    worker.follower.look_again()
    for _ in range(3):
        with suppress(OperationalError):
            all_done(worker)
    assert failures == []
    assert counted(room, second) == (False, 80.0, 80.0)


def test_a_due_date_moved_back_takes_away_what_came_after_it(room: Classroom) -> None:
    worker = Worker(room.setting)
    between, second = two_attempts(room, worker, between=False)
    assert counted(room, second) == (False, 80.0, 80.0)
    room.due(between)
    all_done(worker)
    assert counted(room, second) == (True, 40.0, 40.0)


def test_grading_everything_again_comes_to_the_same_in_gradebook_and_result(room: Classroom) -> None:
    worker = Worker(room.setting)
    _, second = two_attempts(room, worker, between=True)
    room.due(None)
    worker.rounds.again(MODULE.id, Summary())
    assert counted(room, second) == (False, 80.0, 80.0)
    assert room.submitted("li").joinpath("answers.json").read_bytes() == (second.folder / "answers.json").read_bytes()
