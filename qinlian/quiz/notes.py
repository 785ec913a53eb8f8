"""What a learner writes for themselves: kept beside the modules, never in one, and never handed in.

nbgrader's submit, and ours, take files out of the module's own folder. The notes therefore lie next
to it, in ``.qinlian/notes/<course>/<module>.json``, which only the learner may read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qinlian.atomic import replace_file
from qinlian.core.files import LessonFile
from qinlian.core.zone import BEIJING
from qinlian.errors import StoreError
from qinlian.quiz.answer_file import stamp_over, utc_now
from qinlian.quiz.held import held, sync_folder, write_problem
from qinlian.quiz.values import plain_text

__all__ = ["LONGEST_NOTE", "NoteStore", "Notes", "note_key", "note_texts", "split_changes"]

LONGEST_NOTE = 4_000
"""Characters of one text."""
_MARK = "note:"
_MOST_TEXTS = 300
_LONGEST_NAME = 64
_LARGEST_FILE = 2_000_000

Notes = dict[str, dict[str, str]]
"""Public id of an item → its notes, text by name."""


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    texts: dict[str, str]
    at: str = ""


class _NoteFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    format: Literal["qinlian.notes/1"] = Field(default="qinlian.notes/1", alias="schema")
    notes: dict[str, _Note] = Field(default_factory=dict)


def split_changes(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changes of a save request as (answers, notes), each by the item's public id."""
    answers = {key: value for key, value in changes.items() if not key.startswith(_MARK)}
    notes = {key.removeprefix(_MARK): value for key, value in changes.items() if key.startswith(_MARK)}
    return answers, notes


def note_key(item: str) -> str:
    """The name of an item's notes among the changes of a save request."""
    return _MARK + item


def note_texts(value: Any) -> dict[str, str]:
    """A note as it may be written: short names, each with a text that is not empty. Raises StoreError."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_TEXTS:
        raise StoreError("这份笔记的格式不对，没有保存；请刷新页面后再写")
    for name, text in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not isinstance(text, str):
            raise StoreError("这份笔记的格式不对，没有保存；请刷新页面后再写")
        if len(text) > LONGEST_NOTE:
            raise StoreError(f"有一段文字超过了 {LONGEST_NOTE} 字，没有保存；请缩短后再试")
    return {name: plain_text(text) for name, text in sorted(value.items()) if text}


class NoteStore:
    """The private notes of one learner on one module; ``notice`` as in AnswerStore."""

    def __init__(self, folder: Path, lesson: LessonFile, clock: Callable[[], datetime] = utc_now) -> None:
        self.path = folder.parent / ".qinlian" / "notes" / lesson.course / f"{lesson.module}.json"
        self.notice = ""
        self._clock = clock

    def read(self) -> Notes:
        """What is on disk; nothing when there is no file.

        A damaged file is renamed and ``notice`` says so. Raises StoreError when it cannot be read.
        """
        return {item: dict(note.texts) for item, note in self._found().notes.items()}

    def save(self, changes: Mapping[str, Any], made: Mapping[str, float] | None = None) -> Notes:
        """Write the changed notes (public id → text by name, None to clear); returns all that is on disk now.

        ``made`` as in AnswerStore. Raises StoreError, with nothing written.
        """
        cleaned = {item: note_texts(value) for item, value in changes.items()}
        now = self._clock()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # parents=True makes the folders above with the usual mode.
            for folder in (self.path.parents[2], self.path.parents[1], self.path.parent):
                folder.chmod(0o700)
        except OSError as error:
            raise write_problem(error) from error
        with held(self.path.with_suffix(".lock")):
            notes = dict(self._found().notes)
            for item, texts in cleaned.items():
                at = stamp_over(notes[item].at if item in notes else "", (made or {}).get(item), now)
                if at is not None:
                    notes[item] = _Note(texts=texts, at=at)
            self._write(_NoteFile(notes=dict(sorted(notes.items()))))
        return {item: dict(note.texts) for item, note in notes.items()}

    def _write(self, record: _NoteFile) -> None:
        data = (record.model_dump_json(by_alias=True, indent=1) + "\n").encode()
        if len(data) > _LARGEST_FILE:
            raise StoreError("这个模块的笔记加起来太长，这次修改没有保存；请删减一些文字")
        try:
            replace_file(self.path, data, 0o600)
        except OSError as error:
            raise write_problem(error) from error
        sync_folder(self.path.parent)

    def _found(self) -> _NoteFile:
        try:
            return _NoteFile.model_validate(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return _NoteFile()
        except OSError as error:
            raise StoreError("读不出已保存的笔记；请稍后刷新，仍不行请联系管理员") from error
        except (ValueError, ValidationError, RecursionError):
            return self._put_aside()

    def _put_aside(self) -> _NoteFile:
        aside = self.path.with_name(
            f"{self.path.stem}.broken-{self._clock().astimezone(BEIJING):%Y%m%d-%H%M%S-%f}.json"
        )
        try:
            self.path.rename(aside)
        except OSError as error:
            raise StoreError("已保存的笔记读不出来，也移不开；请联系管理员") from error
        self.notice = f"原来保存的笔记读不出来，已另存为 {aside.name}，没有覆盖；请重新写，或请管理员查看那个文件"
        return _NoteFile()
