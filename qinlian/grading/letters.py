"""Letterboxes: what one learner must know before anything of theirs was graded.

An extension, or a due date that was moved in formgrader, stands in nbgrader's gradebook, where no
learner can look. It is written where that one learner's own server finds it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.engine import Connection

from qinlian.atomic import replace_file
from qinlian.authoring.secret import read_secret
from qinlian.core.files import LESSON_NAME, LessonFile, LetterboxFile, letterbox_name
from qinlian.database import aware
from qinlian.errors import CourseError, GradingError
from qinlian.grading.assess import course_folder
from qinlian.grading.folders import close_to_listing
from qinlian.grading.responses import open_engine
from qinlian.grading.setting import Setting
from qinlian.grading.tables import ASSIGNMENT, STUDENT, SUBMITTED_ASSIGNMENT

__all__ = ["Letters", "own_dues"]

Dues = Mapping[str, datetime | None]


def own_dues(connection: Connection, released: Dues) -> dict[str, dict[str, datetime | None]]:
    """Learner → module → their due date, wherever it is not the released one; learners without any are left out.

    ``released`` maps each module that learners have to the due date its lesson.json names.
    """
    found: dict[str, dict[str, datetime | None]] = {}
    rows = connection.execute(select(ASSIGNMENT.c.id, ASSIGNMENT.c.name, ASSIGNMENT.c.duedate))
    due_of = {row.id: (row.name, row.duedate) for row in rows if row.name in released}
    moved = {name: aware(due) for name, due in due_of.values() if aware(due) != released[name]}
    if moved:
        # A due date that was moved in formgrader concerns everybody.
        found = {row.id: dict(moved) for row in connection.execute(select(STUDENT.c.id))}
    extended = select(
        SUBMITTED_ASSIGNMENT.c.assignment_id, SUBMITTED_ASSIGNMENT.c.student_id, SUBMITTED_ASSIGNMENT.c.extension
    ).where(SUBMITTED_ASSIGNMENT.c.extension.is_not(None))
    for row in connection.execute(extended):
        name, due = due_of.get(row.assignment_id, ("", None))
        if due is None or not row.extension:
            continue
        own = aware(due + row.extension)
        mine = found.setdefault(row.student_id, {})
        if own == released[name]:
            mine.pop(name, None)
        else:
            mine[name] = own
    return {learner: dues for learner, dues in found.items() if dues}


class Letters:
    """Keeps every learner's letterbox true for as long as it lives."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._told: dict[str, dict[str, datetime | None]] | None = None
        self._stamp: object = None
        self._released: dict[str, tuple[int, datetime | None]] = {}
        self._silent = False

    def follow(self, stamp: object = None) -> int:
        """Write what is no longer true; returns how many letterboxes were written.

        ``stamp`` is a value that changes with the gradebook; the same one again does nothing, None always looks.
        What cannot be written is logged and tried again at the next change.
        """
        if stamp is not None and stamp == self._stamp:
            return 0
        self._stamp = stamp
        try:
            secret = read_secret(course_folder(Path(self._setting.coursedir.root)))
        except (CourseError, GradingError) as error:
            if not self._silent:
                self._setting.log.warning("延期没有告诉学员：%s", error)
            self._silent = True
            return 0
        with open_engine(self._setting.db_url).connect() as connection:
            now = own_dues(connection, self._dues())
            told = self._told if self._told is not None else self._found(connection, secret)
        changed = {name for name in {*told, *now} if told.get(name) != now.get(name)}
        self._told = told
        return sum(self._write(secret, learner, now.get(learner, {})) for learner in sorted(changed))

    def _write(self, secret: bytes, learner: str, dues: dict[str, datetime | None]) -> bool:
        letter = LetterboxFile(course=self._setting.course_id, dues=dict(sorted(dues.items())))
        try:
            close_to_listing(self._setting.results)
            target = self._setting.results / f"{letterbox_name(secret, learner)}.json"
            # Learners read it on their own servers, which run as somebody else.
            replace_file(target, letter.model_dump_json(by_alias=True).encode(), sync=False)
        except OSError as error:
            # The name opens the letterbox, so it stands in no log.
            self._setting.log.warning("没有把 %s 的截止时间告诉本人（%s），稍后再试", learner, error.strerror)
            return False
        assert self._told is not None
        self._told[learner] = dues
        return True

    def _found(self, connection: Connection, secret: bytes) -> dict[str, dict[str, datetime | None]]:
        """What an earlier process told."""
        told: dict[str, dict[str, datetime | None]] = {}
        try:
            there = {entry.name for entry in os.scandir(self._setting.results)}
        except OSError:
            return told
        for row in connection.execute(select(STUDENT.c.id)):
            name = f"{letterbox_name(secret, row.id)}.json"
            if name not in there:
                continue
            try:
                told[row.id] = LetterboxFile.model_validate_json((self._setting.results / name).read_bytes()).dues
            except (OSError, ValidationError):
                # Whatever stands there is written anew: no learner has this as their due date.
                told[row.id] = {"": None}
        return told

    def _dues(self) -> dict[str, datetime | None]:
        """Released module → the due date that learners read in lesson.json."""
        outbound = self._setting.exchange / self._setting.course_id / "outbound"
        found: dict[str, tuple[int, datetime | None]] = {}
        for path in sorted(outbound.glob(f"*/{LESSON_NAME}")):
            module = path.parent.name
            try:
                changed = path.stat().st_mtime_ns
                known = self._released.get(module)
                if known is None or known[0] != changed:
                    known = changed, LessonFile.model_validate_json(path.read_bytes()).due
            except (OSError, ValidationError):
                continue
            found[module] = known
        self._released = found
        return {module: due for module, (_, due) in found.items()}
