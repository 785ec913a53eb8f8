"""answers.json on disk: read, merged and written so that nothing a learner did is lost.

Every change is a read-modify-write under a lock on a file beside it, so two processes (two kernels,
or a kernel and a page server) never overwrite each other; the later change to an item wins. The file is
replaced whole (temporary file, fsync, rename, fsync of the folder), so a crash leaves the old or the new.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qinlian.atomic import replace_file
from qinlian.core.files import ANSWERS_LIMIT, ANSWERS_NAME, Answer, AnswerFile, LessonFile, parse_answers
from qinlian.errors import AnswersError, StoreError
from qinlian.quiz.values import storable

__all__ = ["AnswerStore", "utc_now"]

LOCK_NAME = ".answers.lock"
_LOCK_PATIENCE = 3.0
_LONGEST_AGE = 30 * 24 * 3600.0
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_OUT_OF_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}


def utc_now() -> datetime:
    """The server's time, aware, in UTC."""
    return datetime.now(UTC)


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds")


def _reason(error: OSError) -> StoreError:
    if error.errno in _OUT_OF_ROOM:
        return StoreError("磁盘空间不足，答案没有保存；请删除不用的文件，或联系管理员")
    if error.errno in _NOT_WRITABLE:
        return StoreError("课程文件夹不能写入，答案没有保存；请联系管理员检查权限")
    return StoreError("答案没有写进磁盘；请稍后再试，仍不行请联系管理员")


class AnswerStore:
    """The answers of one learner in one module's folder.

    ``lesson`` may be replaced when lesson.json changes. ``notice`` is a Chinese sentence about
    something the learner must know (a damaged file was put aside), or empty.
    """

    def __init__(self, folder: Path, lesson: LessonFile, clock: Callable[[], datetime] = utc_now) -> None:
        self.folder = folder
        self.lesson = lesson
        self.notice = ""
        self._clock = clock

    @property
    def path(self) -> Path:
        """Where answers.json stands."""
        return self.folder / ANSWERS_NAME

    def read(self) -> AnswerFile:
        """What is on disk; a fresh record when there is nothing.

        A damaged file, or one of another module, is renamed to ``answers.broken-<time>.json`` and
        ``notice`` says so. Raises StoreError when it can neither be read nor put aside.
        """
        found = self._found()
        if found is None:
            # Another process may be putting it right at this moment: under the lock it has done so.
            with self._locked():
                return self._settled()
        return found

    def save(self, changes: Mapping[str, Any], ages: Mapping[str, float] | None = None) -> AnswerFile:
        """Merge ``changes`` (public id → value, None to clear) and write; returns what is now on disk.

        ``ages`` says how many seconds ago a change was made, for one that waited in the page: it
        gives way to anything saved after it. Raises StoreError, with nothing written.
        """
        cleaned = {item: storable(value) for item, value in changes.items()}
        now = self._clock()

        def merge(current: AnswerFile) -> AnswerFile:
            answers = dict(current.answers)
            for item, value in cleaned.items():
                age = max(0.0, (ages or {}).get(item, 0.0))
                made = _stamp(now - timedelta(seconds=min(age, _LONGEST_AGE)))
                if age and item in answers and answers[item].at > made:
                    continue
                # A cleared answer stays as null with its time, so that an older change cannot revive it.
                answers[item] = Answer(value=value, at=made)
            return current.model_copy(update={"answers": answers})

        return self._change(merge)

    def start_attempt(self, quiz: str, number: int, pool: Collection[str]) -> AnswerFile:
        """Clear the answers of ``pool`` and make ``number`` the quiz's attempt in progress. Raises StoreError."""

        def begin(current: AnswerFile) -> AnswerFile:
            kept = {item: answer for item, answer in current.answers.items() if item not in pool}
            return current.model_copy(update={"answers": kept, "attempts": {**current.attempts, quiz: number}})

        return self._change(begin)

    def _fresh(self) -> AnswerFile:
        return AnswerFile(course=self.lesson.course, module=self.lesson.module, edition=self.lesson.edition)

    def _found(self) -> AnswerFile | None:
        """What is on disk; None when it is damaged or another module's."""
        try:
            # One byte beyond the limit is enough to know.
            with self.path.open("rb") as handle:
                found = parse_answers(handle.read(ANSWERS_LIMIT + 1))
        except FileNotFoundError:
            return self._fresh()
        except AnswersError:
            return None
        except OSError as error:
            raise StoreError("读不出已保存的答案；请稍后刷新，仍不行请联系管理员") from error
        return found if (found.course, found.module) == (self.lesson.course, self.lesson.module) else None

    def _settled(self) -> AnswerFile:
        """What is on disk, a damaged file put aside; only under the lock."""
        return self._found() or self._put_aside()

    def _change(self, change: Callable[[AnswerFile], AnswerFile]) -> AnswerFile:
        with self._locked():
            current = self._settled()
            changed = change(current)
            changed = changed.model_copy(
                update={
                    # Also those to items that this edition does not have: the next may have them again.
                    "answers": dict(sorted(changed.answers.items())),
                    "edition": self.lesson.edition,
                    "revision": current.revision + 1,
                    "saved_at": _stamp(self._clock()),
                }
            )
            self._write(changed)
            return changed

    def _write(self, record: AnswerFile) -> None:
        data = (record.model_dump_json(by_alias=True, indent=1) + "\n").encode()
        if len(data) > ANSWERS_LIMIT:
            raise StoreError("本模块的答案加起来超过 1 MB，这次修改没有保存；请缩短心得或填空的文字")
        try:
            replace_file(self.path, data)
        except OSError as error:
            raise _reason(error) from error
        self._sync_folder()

    def _sync_folder(self) -> None:
        # Some network file systems refuse to sync a folder; the file itself is already safe.
        with suppress(OSError):
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _put_aside(self) -> AnswerFile:
        stamp = self._clock().strftime("%Y%m%d-%H%M%S-%f")
        aside = self.path.with_name(f"answers.broken-{stamp}.json")
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return self._fresh()
        except OSError as error:
            raise StoreError("已保存的答案读不出来，也移不开；请联系管理员") from error
        self.notice = f"原来保存的答案读不出来，已另存为 {aside.name}，没有覆盖；请重新作答，或请管理员查看那个文件"
        return self._fresh()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            handle = os.open(self.folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _reason(error) from error
        try:
            self._acquire(handle)
            yield
        finally:
            # Closing releases the lock.
            os.close(handle)

    def _acquire(self, handle: int) -> None:
        deadline = time.monotonic() + _LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError("另一个页面一直占着答案文件，这次没有保存；请关掉多余的页面后再试") from None
                time.sleep(0.02)
            except OSError as error:
                if error.errno in _NO_LOCKS_HERE:
                    return
                raise _reason(error) from error
