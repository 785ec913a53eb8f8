"""One lesson while its kernel lives: the answers, the grader's word, and everything that shows them.

There is one ``LiveLesson`` a folder and process, so that two tabs, or a cell run twice, share it. It
watches the files and tells every shown block when something changed.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qinlian.core.files import ANSWERS_NAME, LESSON_NAME, AnswerFile, LessonBlock, LessonFile
from qinlian.errors import QinlianError, StoreError
from qinlian.items.base import InvalidAnswer, ItemType, item_types
from qinlian.quiz.answer_file import AnswerStore, utc_now
from qinlian.quiz.due import Due
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.notes import NoteStore, note_key, note_texts, split_changes
from qinlian.quiz.state import BlockState, Standing, block_state, can_retake, started_quizzes
from qinlian.quiz.values import storable

__all__ = ["Asked", "LiveLesson", "RequestError", "live_lesson", "read_lesson"]

_ORIGINALS = ("source", "release")
_FILE_ROUND = 1.0
_ROUNDS_WHEN_IDLE = 5
"""The exchange is looked at every round while a submission waits, else every fifth."""
_LATEST = 20.0
"""Seconds after which a page has long told its learner that a request was not carried out."""
_TOO_LATE = "刚才的操作来得太迟，没有执行；请核对页面上的答案，再试一次"


@dataclass(frozen=True)
class Asked:
    """What a page knew when it asked for something; None where it did not say.

    ``attempt`` is the one it shows, ``sent`` when it asked, in seconds since 1970 by this server's clock.
    Requests wait in a page that is out of reach, and much may have happened when they come.
    """

    attempt: int | None = None
    sent: float | None = None


_NOTHING_SAID = Asked()


class RequestError(QinlianError):
    """The request makes no sense now; ``str()`` says why, in Chinese."""


def read_lesson(folder: Path) -> LessonFile:
    """lesson.json of ``folder``. Raises StoreError with what to do when it is missing or unreadable."""
    path = folder / LESSON_NAME
    try:
        return LessonFile.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise StoreError("这个文件夹里没有课程内容（lesson.json）；请回到“我的学习”，从那里打开课程") from None
    except (OSError, ValueError, ValidationError, RecursionError):
        raise StoreError("课程内容（lesson.json）读不出来；请回到“我的学习”重新打开课程，仍不行请联系管理员") from None


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def _type_of(published: dict[str, Any]) -> ItemType | None:
    # A lesson may be newer than the program: what it does not know it keeps all the same.
    return item_types().get(published.get("label", ""))


class LiveLesson:
    """The state of one lesson's folder, shared by all blocks shown from it.

    ``classroom`` is None where nothing can be submitted. ``learner`` only decides the draw. ``lock`` is held
    by whoever asks for something: the front end gives each page that is open a thread of its own in the kernel.
    Raises StoreError when the lesson cannot be read.
    """

    def __init__(self, folder: Path, classroom: Exchange | None, learner: str) -> None:
        self.lock = threading.RLock()
        self.folder = folder
        self.lesson = read_lesson(folder)
        self.store = AnswerStore(folder, self.lesson)
        self.own = NoteStore(folder, self.lesson)
        self._classroom = classroom
        self._learner = learner
        self._listeners: list[Callable[[], None]] = []
        self._seen = self._stamps()
        self._rounds = 0
        self._watch: asyncio.Task[None] | None = None
        self.standing = Standing()
        self.standing = self._ask()
        self.answers: AnswerFile = self.store.read()
        self.notes = self.own.read()
        self._overdue = self._is_overdue()

    def state(self, block_id: str) -> BlockState:
        """What that block shows now. Raises KeyError."""
        block = self.lesson.block(block_id)
        return block_state(self.lesson, self.answers, block, self.standing, self.notes, now=utc_now())

    @property
    def notice(self) -> str:
        """What the learner must know on opening, or empty."""
        return self.store.notice or self.own.notice

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` whenever anything changed; returns what ends it. Starts watching the files."""
        self._listeners.append(changed)
        self._start()

        def forget() -> None:
            with suppress(ValueError):
                self._listeners.remove(changed)

        return forget

    def save(
        self, block_id: str, changes: dict[str, Any], made: dict[str, float], asked: Asked = _NOTHING_SAID
    ) -> tuple[str, ...]:
        """Write changed answers and notes of one block. Raises StoreError and RequestError.

        Notes are changes under ``note:<public id>``. They are never handed in, so they may be written at any time.
        ``made`` is when each change was made; returns the names of those that gave way to a later one.
        """
        self._need_own_folder()
        self.look()
        state = self.state(block_id)
        answers, notes = split_changes(changes)
        # Of an attempt that was handed in elsewhere nothing may get into the next one.
        closed = state.phase != "open" or asked.attempt not in (None, state.attempt)
        if answers and state.block["kind"] == "quiz" and closed:
            raise RequestError("这次测验已经提交，不能再改答案")
        if not answers.keys() | notes.keys() <= state.items.keys():
            raise RequestError("题目已经更新，请刷新页面后再作答")
        for item, value in answers.items():
            kind = _type_of(state.items[item])
            if kind and not kind.admits(state.items[item], value):
                raise RequestError("这道题的答案格式不对，没有保存；请刷新页面后重新作答")
        if notes:
            self.notes = self.own.save(notes, split_changes(made)[1])
        if answers:
            self.answers = self.store.save(answers, split_changes(made)[0])
        self._announce()
        return self._passed_over(answers, notes)

    def _passed_over(self, answers: dict[str, Any], notes: dict[str, Any]) -> tuple[str, ...]:
        lost = [i for i, value in answers.items() if self.answers.answers[i].value != storable(value)]
        return (*lost, *(note_key(i) for i, value in notes.items() if self.notes.get(i, {}) != note_texts(value)))

    def sheet(self, block_id: str, item: str) -> tuple[str, bytes]:
        """A file of what the learner wrote on one item: (name, bytes); it is kept nowhere.

        Raises RequestError when the item makes none, or there is nothing in it yet.
        """
        self.look()
        state = self.state(block_id)
        try:
            published = state.items[item]
            kind = _type_of(published)
            made = kind.sheet(published, state.answers.get(item), state.notes.get(item, {})) if kind else None
        except KeyError:
            raise RequestError("题目已经更新，请刷新页面后再下载") from None
        except InvalidAnswer as error:
            raise RequestError(str(error)) from None
        if made is None:
            raise RequestError("这道题没有可以下载的表")
        return made

    def submit(self, block_id: str, asked: Asked = _NOTHING_SAID) -> None:
        """Hand in the module as it stands. Raises StoreError and RequestError."""
        classroom = self._need_classroom()
        self.look(exchange=True)
        state = self.state(block_id)
        if state.block["kind"] == "quiz" and state.phase != "open":
            raise RequestError("这次测验已经提交，请等待评分")
        _refuse_stale(asked, state.attempt)
        if state.block["kind"] == "reflection" and started_quizzes(self.lesson, self.answers, self.standing):
            raise RequestError("测验已经开始作答，心得会随测验一起提交；请先完成并提交测验")
        # A learner may hand in a blank paper: the file must exist all the same.
        self.answers = self.store.save({})
        classroom.submit(self.folder, self.lesson.module)
        self.look(exchange=True)

    def retake(self, block_id: str, asked: Asked = _NOTHING_SAID) -> None:
        """Begin the next attempt at a quiz with a new draw. Raises StoreError and RequestError."""
        classroom = self._need_classroom()
        self.look(exchange=True)
        _refuse_stale(asked, self.state(block_id).attempt)
        if not can_retake(self.lesson.block(block_id), self.answers, self.standing):
            raise RequestError("上一次还在评分，或作答次数已经用完，现在不能再做")
        # Only now, between attempts, may the questions change under the learner.
        before = self._quiz(block_id).items
        classroom.refresh(self.folder, self.lesson.module)
        self._reload_lesson()
        graded = self.standing.result
        block = self._quiz(block_id)
        last = graded.quizzes[block_id].attempt if graded else 0
        self.answers = self.store.start_attempt(block_id, last + 1, {*before, *block.items})
        self._announce()

    def look(self, exchange: bool = False) -> None:
        """Read again what changed on disk (and in the exchange) and tell the blocks."""
        with self.lock:
            self._look(exchange)

    def _look(self, exchange: bool) -> None:
        stamps = self._stamps()
        changed = stamps != self._seen
        if changed:
            self._seen = stamps
            self._reload_lesson()
            self.answers = self.store.read()
            self.notes = self.own.read()
        if exchange:
            standing = self._ask()
            changed = changed or standing != self.standing
            self.standing = standing
        overdue, self._overdue = self._overdue, self._is_overdue()
        changed = changed or overdue != self._overdue
        if changed:
            self._announce()

    def _quiz(self, block_id: str) -> LessonBlock:
        try:
            return self.lesson.block(block_id)
        except KeyError:
            raise RequestError("这个测验已经从课程中撤下，请回到“我的学习”重新打开课程") from None

    def _need_own_folder(self) -> None:
        # answers.json in source/ would be copied over every learner's own.
        if self.folder.parent.name in _ORIGINALS:
            raise RequestError("这里是课程原件，只供预览，答案不保存；学员请从“我的学习”打开课程")

    def _need_classroom(self) -> Exchange:
        self._need_own_folder()
        if self._classroom is None:
            raise RequestError("这里没有接入课堂，不能提交；请从“我的学习”打开课程")
        return self._classroom

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(map(_stamp, (self.folder / ANSWERS_NAME, self.folder / LESSON_NAME, self.own.path)))

    def _reload_lesson(self) -> None:
        # A lesson being replaced at this moment is read at the next round.
        with suppress(StoreError):
            self.lesson = self.store.lesson = read_lesson(self.folder)

    def _ask(self) -> Standing:
        if self._classroom is None:
            return Standing(learner=self._learner)
        return self._classroom.standing(self.lesson.module, self.standing)

    def _is_overdue(self) -> bool:
        return (self.standing.due or Due(self.lesson.due)).passed(utc_now())

    def _announce(self) -> None:
        self._seen = self._stamps()
        for listener in tuple(self._listeners):
            listener()

    def _start(self) -> None:
        if self._watch is None or self._watch.done():
            # Outside a kernel there is no loop and nothing to keep up to date.
            with suppress(RuntimeError):
                self._watch = asyncio.get_running_loop().create_task(self._watching())

    async def _watching(self) -> None:
        while self._listeners:
            await asyncio.sleep(_FILE_ROUND)
            self._rounds += 1
            # A file system that fails for a moment must not end the watch; the next round tries again.
            with suppress(OSError, ValueError, QinlianError):
                self.look(exchange=self.standing.waiting or self._rounds % _ROUNDS_WHEN_IDLE == 0)


def _refuse_stale(asked: Asked, attempt: int) -> None:
    # Whoever pressed the button was told that it did nothing, and may have gone on elsewhere.
    late = asked.sent is not None and utc_now().timestamp() - asked.sent > _LATEST
    if late or asked.attempt not in (None, attempt):
        raise RequestError(_TOO_LATE)


_open: dict[Path, LiveLesson] = {}


def live_lesson(folder: Path) -> LiveLesson:
    """The one ``LiveLesson`` of ``folder`` in this process, brought up to date. Raises StoreError."""
    folder = folder.resolve()
    if folder in _open:
        _open[folder].look(exchange=True)
        return _open[folder]
    _open[folder] = LiveLesson(folder, *_classroom())
    return _open[folder]


def _classroom() -> tuple[Exchange | None, str]:
    try:
        exchange = Exchange.from_environment()
    except StoreError:
        # A notebook opened outside a classroom still teaches: practice works, submitting says why not.
        return None, ""
    return exchange, exchange.learner
