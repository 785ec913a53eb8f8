"""answers.json on disk: nothing a learner did is lost, and a failure is told."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qinlian.core.files import ANSWERS_LIMIT, AnswerFile, LessonFile, parse_answers
from qinlian.errors import StoreError
from qinlian.notebooks.publish import publish
from qinlian.quiz.answer_file import AnswerStore
from tests.sample import COURSE, IDS, MODULE

LESSON = publish(COURSE, MODULE, IDS)
ONE, TWO, THREE = sorted(LESSON.items)[:3]
QUIZ = LESSON.block("90-exam")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> AnswerStore:
    return AnswerStore(tmp_path, LESSON, clock)


def on_disk(store: AnswerStore) -> dict[str, object]:
    return {item: answer.value for item, answer in parse_answers(store.path.read_bytes()).answers.items()}


def test_a_new_learner_has_no_answers_and_no_file(store: AnswerStore):
    assert store.read().answers == {}
    assert not store.path.exists()


def test_a_change_is_on_disk_with_time_edition_and_revision(store: AnswerStore):
    store.save({ONE: "a"})
    saved = store.save({TWO: ["b", "c"]})
    assert saved == store.read()
    assert saved.revision == 2
    assert saved.edition == LESSON.edition
    assert saved.saved_at == saved.answers[TWO].at == "2026-03-01T12:00:00.000+00:00"
    assert on_disk(store) == {ONE: "a", TWO: ["b", "c"]}


def test_only_what_changed_is_replaced_and_null_clears(store: AnswerStore):
    store.save({ONE: "a", TWO: "b"})
    store.save({TWO: None})
    assert on_disk(store) == {ONE: "a", TWO: None}


def test_two_stores_of_one_folder_merge(store: AnswerStore, tmp_path: Path):
    other = AnswerStore(tmp_path, LESSON)
    store.save({ONE: "a"})
    other.save({TWO: "b"})
    assert on_disk(store) == {ONE: "a", TWO: "b"}


def test_the_later_change_wins_when_an_older_one_arrives_late(store: AnswerStore, clock: Clock):
    store.save({ONE: "from the other tab"})
    clock.pass_seconds(10)
    long_ago, lately = clock().timestamp() - 60, clock().timestamp() - 5
    store.save({ONE: "waited too long", TWO: "waited"}, made={ONE: long_ago, TWO: long_ago})
    assert on_disk(store) == {ONE: "from the other tab", TWO: "waited"}
    store.save({ONE: "newer"}, made={ONE: lately})
    assert on_disk(store)[ONE] == "newer"


def test_of_two_changes_that_both_waited_the_later_one_wins_whichever_comes_first(store: AnswerStore, clock: Clock):
    early, late = clock().timestamp() - 600, clock().timestamp() - 300
    store.save({ONE: "late", TWO: "early"}, made={ONE: late, TWO: early})
    clock.pass_seconds(30)
    store.save({ONE: "early", TWO: "late"}, made={ONE: early, TWO: late})
    assert on_disk(store) == {ONE: "late", TWO: "late"}


def test_within_a_moment_what_comes_last_stands(store: AnswerStore, clock: Clock):
    """A page knows the server's clock only as well as messages are quick."""
    store.save({ONE: "first"})
    clock.pass_seconds(1)
    store.save({ONE: "second"}, made={ONE: clock().timestamp() - 1.5})
    assert on_disk(store)[ONE] == "second"
    # And what was first is not brought back by a change between the two.
    clock.pass_seconds(10)
    store.save({ONE: "older"}, made={ONE: clock().timestamp() - 13})
    assert on_disk(store)[ONE] == "second"


@pytest.mark.parametrize("made", [10.0**12, -1.0, 0.0, float("inf"), float("-inf")])
def test_a_page_that_names_an_impossible_time_loses_nothing(store: AnswerStore, clock: Clock, made: float):
    store.save({ONE: "a"}, made={ONE: made})
    assert on_disk(store)[ONE] == "a"
    clock.pass_seconds(60)
    store.save({ONE: "b"})
    assert on_disk(store)[ONE] == "b"


def test_a_clock_set_back_does_not_refuse_what_is_new(store: AnswerStore, clock: Clock):
    store.save({ONE: "a"})
    clock.pass_seconds(-3600)
    store.save({ONE: "b"})
    assert on_disk(store)[ONE] == "b"


def _save_fifty(folder: str, item: str) -> None:
    store = AnswerStore(Path(folder), LESSON)
    for n in range(50):
        store.save({item: str(n)})


def test_two_processes_never_lose_each_others_changes(store: AnswerStore, tmp_path: Path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_save_fifty, args=(str(tmp_path), item)) for item in (ONE, TWO)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert on_disk(store) == {ONE: "49", TWO: "49"}
    assert store.read().revision == 100


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b'{"schema": "qinlian.answers/1", "answers": {',
        b"\xff\xfe",
        b"[]",
        b"x" * (ANSWERS_LIMIT + 1),
        json.dumps({"schema": "qinlian.answers/1", "course": "qinlian", "module": "other", "edition": "e"}).encode(),
    ],
)
def test_a_file_that_cannot_be_read_is_put_aside_and_told(store: AnswerStore, tmp_path: Path, broken: bytes):
    store.path.write_bytes(broken)
    store.save({ONE: "a"})
    (aside,) = tmp_path.glob("answers.broken-*.json")
    assert aside.read_bytes() == broken
    assert aside.name in store.notice
    assert on_disk(store) == {ONE: "a"}


def test_more_than_one_megabyte_is_refused_and_the_old_file_stays(store: AnswerStore):
    blocks = {item: {f"k{n}": "字" * 5000 for n in range(60)} for item in (ONE, TWO)}
    store.save({THREE: "a"})
    with pytest.raises(StoreError, match="1 MB"):
        store.save(blocks)
    assert on_disk(store) == {THREE: "a"}


def test_a_full_disk_is_told_and_leaves_the_old_answers(
    store: AnswerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    store.save({ONE: "a"})
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match="磁盘空间不足"):
        store.save({ONE: "b"})
    assert on_disk(store) == {ONE: "a"}
    assert not list(tmp_path.glob("*.tmp"))


def test_a_folder_that_cannot_be_written_is_told(store: AnswerStore, monkeypatch: pytest.MonkeyPatch):
    real = os.open

    def read_only(path, flags, *rest, **more):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StoreError, match="不能写入"):
        store.save({ONE: "a"})


def test_a_new_attempt_clears_the_pool_and_nothing_else(store: AnswerStore):
    store.save({QUIZ.items[0]: "a", ONE: "x"} | dict.fromkeys(LESSON.block("p1").items, "p"))
    begun = store.start_attempt("90-exam", 2, QUIZ.items)
    assert begun.attempts == {"90-exam": 2}
    assert set(begun.answers).isdisjoint(QUIZ.items)
    assert set(LESSON.block("p1").items) <= set(begun.answers)


def test_what_a_new_edition_does_not_have_stays_for_the_next(store: AnswerStore):
    store.save({ONE: "a", TWO: "b"})
    items = {item: public for item, public in LESSON.items.items() if item != TWO}
    store.lesson = LessonFile.model_validate(LESSON.model_dump(by_alias=True) | {"edition": "next", "items": items})
    saved = store.save({THREE: "c"})
    assert saved.edition == "next"
    assert on_disk(store) == {ONE: "a", TWO: "b", THREE: "c"}


def test_reading_puts_nothing_aside_that_another_process_has_just_mended(store: AnswerStore, tmp_path: Path):
    store.path.write_bytes(b"{")
    other = AnswerStore(tmp_path, LESSON)
    found: list[AnswerFile] = []
    with other._locked():
        reading = threading.Thread(target=lambda: found.append(store.read()))
        reading.start()
        time.sleep(0.1)
        mended = AnswerFile(course=LESSON.course, module=LESSON.module, edition=LESSON.edition, revision=7)
        store.path.write_text(mended.model_dump_json(by_alias=True))
    reading.join()
    assert found == [mended]
    assert not list(tmp_path.glob("answers.broken-*"))
    assert store.notice == ""
