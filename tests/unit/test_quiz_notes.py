"""Private notes: written like answers, kept where no submission looks."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qinlian.core.files import LessonFile
from qinlian.errors import StoreError
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.quiz.answer_file import AnswerStore
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson, RequestError
from qinlian.quiz.notebook_file import without_widgets
from qinlian.quiz.notes import LONGEST_NOTE, NoteStore, split_changes
from qinlian.quiz.widget import QuizWidget
from tests.sample import IDS
from tests.selfcheck import CHECK, COURSE, MODULE

LESSON: LessonFile = publish(COURSE, MODULE, IDS)
BLOCK, ITEM = "91-selfcheck", IDS.of(CHECK.id)
SECRET_WORDS = "我最怕的是验收那天的电话"
VALUE = {"post": "CG", "rows": {"CG01": [4, 5, 0], "CG03": [2, 2, 1]}}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    released = tmp_path / "exchange" / COURSE.id / "outbound" / MODULE.id
    released.mkdir(parents=True)
    for name in ("inbound", "feedback"):
        (tmp_path / "exchange" / COURSE.id / name).mkdir()
    (released / "lesson.json").write_bytes(lesson_bytes(LESSON))
    (released / f"{MODULE.id}.ipynb").write_text('{"cells": [], "metadata": {}}')
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def exchange(home: Path) -> Exchange:
    exchange = Exchange(ExchangeSettings(home.parent / "exchange", COURSE.id, "amy", home.parent / "cache"))
    exchange.fetch(MODULE.id, home / MODULE.id)
    return exchange


@pytest.fixture
def live(home: Path, exchange: Exchange) -> LiveLesson:
    return LiveLesson(home / MODULE.id, exchange, "amy")


def note(text: str = SECRET_WORDS) -> dict[str, Any]:
    return {f"note:{ITEM}": {"CG01.now": text}}


def everything_below(folder: Path) -> str:
    return "\n".join(p.read_text("utf-8", "replace") for p in folder.rglob("*") if p.is_file())


def test_a_request_is_split_into_answers_and_notes():
    assert split_changes({"a": 1, "note:a": {"x": "y"}, "b": None}) == ({"a": 1, "b": None}, {"a": {"x": "y"}})


def test_notes_come_back_and_stand_apart_from_the_answers(live: LiveLesson, home: Path):
    live.save(BLOCK, {ITEM: VALUE, **note()}, {})
    state = LiveLesson(live.folder, None, "amy").state(BLOCK)
    assert state.answers == {ITEM: VALUE}
    assert state.notes == {ITEM: {"CG01.now": SECRET_WORDS}}
    assert SECRET_WORDS not in everything_below(home / MODULE.id)
    assert SECRET_WORDS in live.own.path.read_text("utf-8")


def test_only_the_learner_may_read_them_and_they_lie_outside_the_module(live: LiveLesson, home: Path):
    live.save(BLOCK, note(), {})
    assert live.own.path == home / ".qinlian" / "notes" / COURSE.id / f"{MODULE.id}.json"
    assert stat.S_IMODE(live.own.path.stat().st_mode) == 0o600
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in list(live.own.path.parents)[:3])
    assert (home / MODULE.id) not in live.own.path.parents
    assert not live.store.path.exists(), "notes alone are no answer"


def test_neither_our_submit_nor_a_copy_of_the_whole_folder_takes_them_along(
    live: LiveLesson, home: Path, exchange: Exchange, tmp_path: Path
):
    live.save(BLOCK, {ITEM: VALUE, **note()}, {})
    live.submit(BLOCK)
    for handed_in in (tmp_path / "exchange", tmp_path / "cache"):
        assert "CG01" in everything_below(handed_in)
        assert SECRET_WORDS not in everything_below(handed_in)
    # What nbgrader's own submit does.
    shutil.copytree(home / MODULE.id, tmp_path / "stock")
    assert SECRET_WORDS not in everything_below(tmp_path / "stock")


def test_widget_state_that_a_learner_saved_into_the_notebook_stays_behind(live: LiveLesson, home: Path, tmp_path: Path):
    live.save(BLOCK, {ITEM: VALUE}, {})
    notebook = {"cells": [], "metadata": {"widgets": {"state": {"notes": SECRET_WORDS}}, "qinlian": {"lesson": True}}}
    (home / MODULE.id / f"{MODULE.id}.ipynb").write_text(json.dumps(notebook, ensure_ascii=False))
    live.submit(BLOCK)
    assert SECRET_WORDS not in everything_below(tmp_path / "exchange")
    kept = json.loads(without_widgets(json.dumps(notebook).encode()))
    assert kept == {"cells": [], "metadata": {"qinlian": {"lesson": True}}}


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"metadata": 1}', b"\xff"])
def test_what_is_no_notebook_is_left_alone(data: bytes):
    assert without_widgets(data) == data


def test_text_in_the_place_of_a_rating_is_never_written(live: LiveLesson):
    for value in ({"post": "CG", "rows": {"CG01": SECRET_WORDS}}, {"post": SECRET_WORDS, "rows": {}}, SECRET_WORDS):
        with pytest.raises((RequestError, StoreError)):
            live.save(BLOCK, {ITEM: value}, {})
    assert not live.store.path.exists()


def test_a_note_never_gets_into_the_answer_file_by_another_way(live: LiveLesson):
    with pytest.raises(StoreError, match="没有保存"):
        AnswerStore(live.folder, LESSON).save(note())
    assert not live.store.path.exists()


def test_notes_may_be_written_after_the_ratings_were_handed_in(live: LiveLesson):
    live.save(BLOCK, {ITEM: VALUE}, {})
    live.submit(BLOCK)
    with pytest.raises(RequestError, match="已经提交"):
        live.save(BLOCK, {ITEM: VALUE}, {})
    live.save(BLOCK, note("交了以后又想到一条"), {})
    assert live.state(BLOCK).notes == {ITEM: {"CG01.now": "交了以后又想到一条"}}


def test_notes_on_something_that_is_not_in_the_block_are_refused(live: LiveLesson):
    with pytest.raises(RequestError, match="题目已经更新"):
        live.save(BLOCK, {"note:0000000000000000": {"a": "b"}}, {})


def test_a_tab_sees_what_another_process_wrote(live: LiveLesson, home: Path):
    heard: list[int] = []
    live.listen(lambda: heard.append(1))
    NoteStore(home / MODULE.id, LESSON).save({ITEM: {"CG01.add": "别处写的"}})
    live.look()
    assert heard
    assert live.state(BLOCK).notes == {ITEM: {"CG01.add": "别处写的"}}


def test_an_older_note_that_waited_in_a_page_gives_way(home: Path):
    now = datetime(2027, 1, 1, tzinfo=UTC)
    clock = iter([now, now + timedelta(seconds=5), now + timedelta(seconds=6)])
    store = NoteStore(home / MODULE.id, LESSON, lambda: next(clock))
    store.save({ITEM: {"a": "新的"}})
    assert store.save({ITEM: {"a": "旧的"}}, {ITEM: now.timestamp() - 25}) == {ITEM: {"a": "新的"}}
    assert store.save({ITEM: {"a": "再新的"}}, {ITEM: now.timestamp() + 5}) == {ITEM: {"a": "再新的"}}


def test_empty_texts_are_not_kept_and_none_clears(home: Path):
    store = NoteStore(home / MODULE.id, LESSON)
    assert store.save({ITEM: {"a": "x", "b": ""}}) == {ITEM: {"a": "x"}}
    assert store.save({ITEM: None}) == {ITEM: {}}


@pytest.mark.parametrize(
    "value", ["x", 3, ["x"], {"a": 1}, {"a": {"b": "c"}}, {"": "x"}, {"a" * 65: "x"}, {"a": "字" * (LONGEST_NOTE + 1)}]
)
def test_a_note_of_another_shape_is_refused_and_the_old_one_stays(home: Path, value: Any):
    store = NoteStore(home / MODULE.id, LESSON)
    store.save({ITEM: {"a": "旧的"}})
    with pytest.raises(StoreError, match="没有保存"):
        store.save({ITEM: value})
    assert store.read() == {ITEM: {"a": "旧的"}}


def test_a_damaged_file_is_put_aside_and_the_learner_is_told(live: LiveLesson):
    live.save(BLOCK, note(), {})
    live.own.path.write_text("{")
    assert live.own.read() == {}
    assert "另存为" in live.notice
    assert len(list(live.own.path.parent.glob("*.broken-*.json"))) == 1


def test_a_full_disk_is_told_and_leaves_the_old_notes(live: LiveLesson, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    live.save(BLOCK, note("旧的"), {})
    with monkeypatch.context() as patch:
        patch.setattr("qinlian.quiz.notes.replace_file", full)
        with pytest.raises(StoreError, match="磁盘空间不足"):
            live.save(BLOCK, note("新的"), {})
    assert live.own.read() == {ITEM: {"CG01.now": "旧的"}}


def test_the_sheet_is_made_on_request_and_kept_nowhere(live: LiveLesson, home: Path):
    live.save(BLOCK, {ITEM: VALUE, **note()}, {})
    before = sorted(p for p in home.rglob("*"))
    widget = QuizWidget(live, BLOCK)
    widget.request = {"id": "r1", "action": "sheet", "item": ITEM}
    assert widget.status["ok"]
    assert widget.status["kind"] == "sheet"
    assert widget.status["file"]["name"].endswith(".xlsx")
    assert widget.status["file"]["data"].startswith("UEsDB"), "a zip, in base64"
    assert sorted(p for p in home.rglob("*")) == before
    widget.close()


@pytest.mark.parametrize(("item", "why"), [(ITEM, "还没有选岗位"), ("0" * 16, "题目已经更新"), (None, "题目已经更新")])
def test_a_sheet_that_cannot_be_made_says_why(live: LiveLesson, item: Any, why: str):
    widget = QuizWidget(live, BLOCK)
    widget.request = {"id": "r1", "action": "sheet", "item": item}
    assert widget.status["kind"] == "refused"
    assert why in widget.status["text"]
    widget.close()
