"""A learner's own due date lies where only that learner's server finds it, before anything was handed in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qinlian.core.files import LESSON_NAME, LessonFile, LetterboxFile, letterbox_name
from qinlian.grading.letters import Letters
from qinlian.grading.worker import Worker
from tests.classroom import Classroom, fresh_classroom
from tests.sample import MODULE
from tests.unit.grading_told import all_done

pytestmark = pytest.mark.slow

SECRET = bytes(range(32))
DUE = datetime(2026, 9, 30, 15, 59, tzinfo=UTC)
LEARNERS = ("qlan", "qlbo", "qlcai")


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    """Three learners who handed in nothing; the released lesson names the due date that the gradebook has."""
    room = fresh_classroom(tmp_path)
    (room.root / "course" / "secret.txt").write_text(SECRET.hex())
    release(room, DUE)
    room.due(DUE)
    with room.gradebook() as gradebook:
        for learner in LEARNERS:
            gradebook.update_or_create_student(learner)
    return room


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def release(room: Classroom, due: datetime) -> None:
    """Let the released lesson name this due date."""
    path = room.inbound.parent / "outbound" / MODULE.id / LESSON_NAME
    lesson = LessonFile.model_validate_json(path.read_bytes()).model_copy(update={"due": due})
    path.write_text(lesson.model_dump_json(by_alias=True))


def letter_of(room: Classroom, learner: str) -> Path:
    return room.outbox / f"{letterbox_name(SECRET, learner)}.json"


def told(room: Classroom, learner: str) -> dict[str, datetime | None] | None:
    """The due dates in a learner's letterbox, None where there is no letterbox."""
    path = letter_of(room, learner)
    return LetterboxFile.model_validate_json(path.read_bytes()).dues if path.exists() else None


def extend(room: Classroom, learner: str, **more: int) -> None:
    """Give an extension to somebody who has handed in nothing."""
    with room.gradebook() as gradebook:
        gradebook.update_or_create_submission(MODULE.id, learner)
        gradebook.grant_extension(MODULE.id, learner, **more)


def test_an_extension_is_told_to_that_learner_alone(room: Classroom) -> None:
    extend(room, "qlan", days=3)
    assert Letters(room.setting).follow() == 1
    assert told(room, "qlan") == {MODULE.id: DUE + timedelta(days=3)}
    assert [told(room, other) for other in LEARNERS[1:]] == [None, None]


def test_the_worker_tells_it_within_a_round(room: Classroom) -> None:
    worker = Worker(room.setting)
    worker.step()
    extend(room, "qlan", hours=5)
    all_done(worker)
    assert told(room, "qlan") == {MODULE.id: DUE + timedelta(hours=5)}


def test_an_extension_taken_back_is_taken_out_of_the_letterbox(room: Classroom) -> None:
    extend(room, "qlan", days=3)
    letters = Letters(room.setting)
    letters.follow()
    extend(room, "qlan")
    letters.follow()
    assert told(room, "qlan") == {}


def test_also_when_the_worker_was_down_meanwhile(room: Classroom) -> None:
    extend(room, "qlan", days=3)
    Letters(room.setting).follow()
    extend(room, "qlan")
    assert Letters(room.setting).follow() == 1
    assert told(room, "qlan") == {}


def test_a_due_date_moved_in_formgrader_is_told_to_everybody_until_it_is_released(room: Classroom) -> None:
    moved = DUE + timedelta(days=7)
    room.due(moved)
    extend(room, "qlan", days=1)
    letters = Letters(room.setting)
    letters.follow()
    assert [told(room, learner) for learner in LEARNERS] == [
        {MODULE.id: moved + timedelta(days=1)},
        {MODULE.id: moved},
        {MODULE.id: moved},
    ]
    release(room, moved)
    letters.follow()
    assert [told(room, learner) for learner in LEARNERS] == [{MODULE.id: moved + timedelta(days=1)}, {}, {}]


def test_a_due_date_that_was_taken_away_is_told_as_none(room: Classroom) -> None:
    room.due(None)
    extend(room, "qlan", days=1)
    Letters(room.setting).follow()
    assert [told(room, learner) for learner in LEARNERS] == [{MODULE.id: None}] * 3


def test_an_extension_that_leads_back_to_the_released_date_says_nothing(room: Classroom) -> None:
    room.due(DUE - timedelta(days=1))
    extend(room, "qlan", days=1)
    Letters(room.setting).follow()
    assert told(room, "qlan") is None


def test_what_is_true_already_is_not_written_again(room: Classroom) -> None:
    extend(room, "qlan", days=3)
    letters = Letters(room.setting)
    letters.follow()
    before = letter_of(room, "qlan").stat().st_mtime_ns
    assert (letters.follow(), Letters(room.setting).follow()) == (0, 0)
    assert letter_of(room, "qlan").stat().st_mtime_ns == before


def test_the_same_state_of_the_gradebook_is_not_looked_at_twice(room: Classroom) -> None:
    letters = Letters(room.setting)
    letters.follow("one")
    extend(room, "qlan", days=3)
    assert (letters.follow("one"), letters.follow("two")) == (0, 1)


def test_a_damaged_letterbox_is_written_anew(room: Classroom) -> None:
    room.outbox.mkdir(exist_ok=True)
    letter_of(room, "qlan").write_text("{")
    assert Letters(room.setting).follow() == 1
    assert told(room, "qlan") == {}


def test_whoever_does_not_know_the_name_finds_nothing(room: Classroom) -> None:
    extend(room, "qlan", days=3)
    Letters(room.setting).follow()
    assert room.outbox.stat().st_mode & 0o077 == 0o011
    assert letter_of(room, "qlan").stat().st_mode & 0o777 == 0o644
    assert "qlan" not in letter_of(room, "qlan").read_text()


def test_a_failure_names_the_learner_and_never_the_letterbox(room: Classroom, log: pytest.LogCaptureFixture) -> None:
    extend(room, "qlan", days=3)
    # A file in the folder's place: root may write into any folder.
    room.outbox.parent.mkdir(exist_ok=True)
    room.outbox.write_text("")
    letters = Letters(room.setting)
    assert letters.follow() == 0
    assert "qlan" in log.text
    assert letterbox_name(SECRET, "qlan") not in log.text
    room.outbox.unlink()
    assert letters.follow() == 1


def test_without_a_secret_it_says_so_once_and_grading_goes_on(room: Classroom, log: pytest.LogCaptureFixture) -> None:
    (room.root / "course" / "secret.txt").unlink()
    letters = Letters(room.setting)
    assert [letters.follow(), letters.follow()] == [0, 0]
    assert log.text.count("延期没有告诉学员") == 1
