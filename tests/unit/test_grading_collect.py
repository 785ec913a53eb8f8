"""Collecting, releasing and feedback as formgrader and nbgrader's own commands reach them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.utils import notebook_hash

from qinlian.grading.collect import QinlianCollect
from qinlian.grading.release import QinlianRelease, QinlianReleaseFeedback
from tests.classroom import QUIZ, Classroom, classroom_on
from tests.sample import MODULE

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return classroom_on(request.param, tmp_path, monkeypatch)


def formgrader(room: Classroom) -> NbGraderAPI:
    """What stands behind formgrader's buttons, with the course's own settings."""
    setting = room.setting
    return NbGraderAPI(setting.coursedir, setting.authenticator(), setting.factory(), config=setting.config)


def test_the_courses_settings_name_our_classes(room: Classroom) -> None:
    factory = room.setting.factory()
    assert (factory.collect, factory.release_assignment, factory.release_feedback) == (
        QinlianCollect,
        QinlianRelease,
        QinlianReleaseFeedback,
    )


def test_formgraders_buttons_collect_grade_and_release_without_the_worker(room: Classroom) -> None:
    sent = room.send("games", room.answers("games", right=3, text="一件小事"))
    api = formgrader(room)
    for result in (
        api.collect(MODULE.id),
        api.autograde(MODULE.id, "games"),
        api.generate_feedback(MODULE.id, "games"),
        api.release_feedback(MODULE.id, "games"),
    ):
        assert result["success"], result.get("error")
    assert room.scores("games")[QUIZ] == (40.0, None, False)
    page = (room.outbox / f"{notebook_hash(secret=sent.secret, notebook_id=MODULE.id)}.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "待评阅" in page


def test_a_worker_that_comes_later_adds_the_result_and_no_attempt(room: Classroom) -> None:
    sent = room.send("games", room.answers("games", right=3))
    api = formgrader(room)
    api.collect(MODULE.id)
    api.autograde(MODULE.id, "games")
    room.rounds().step()
    found = room.result(sent)
    assert found is not None
    assert (found.quizzes[QUIZ].attempt, found.quizzes[QUIZ].counted) == (1, 40.0)


def test_earlier_attempts_are_recorded_when_only_the_last_is_shown(room: Classroom) -> None:
    room.send("games", room.answers("games", right=5))
    room.send("games", room.answers("games", right=2))
    api = formgrader(room)
    assert api.collect(MODULE.id)["success"]
    assert api.autograde(MODULE.id, "games")["success"]
    # Both were first tries at the same draw; the better one counts.
    assert room.scores("games")[QUIZ][0] == 66.67


def test_submitted_holds_the_newest_on_time(room: Classroom) -> None:
    room.send("games", room.answers("games", right=1))
    second = room.send("games", room.answers("games", right=2))
    room.rounds().step()
    room.due(datetime.now(UTC))
    time.sleep(0.05)
    room.send("games", room.answers("games", right=6))
    formgrader(room).collect(MODULE.id)
    assert (room.submitted("games") / "submission_secret.txt").read_text() == second.secret


def test_in_a_groupshared_course_the_whole_group_has_what_one_of_it_collected(room: Classroom) -> None:
    room.send("games", room.answers("games"))
    api = formgrader(room)
    api.coursedir.groupshared = True
    before = os.umask(0o077)
    try:
        api.collect(MODULE.id)
    finally:
        os.umask(before)
    submitted = room.submitted("games")
    shared = [submitted.parent, *submitted.parent.rglob("*"), *(submitted.parents[1] / ".kept").rglob("*")]
    assert {path.stat().st_mode & 0o660 for path in shared} == {0o660}


def test_collecting_twice_changes_nothing(room: Classroom) -> None:
    room.send("games", room.answers("games"))
    api = formgrader(room)
    api.collect(MODULE.id)
    before = {p.name: p.read_bytes() for p in room.submitted("games").iterdir()}
    assert api.collect(MODULE.id)["success"]
    assert {p.name: p.read_bytes() for p in room.submitted("games").iterdir()} == before
