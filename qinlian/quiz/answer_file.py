"""answers.json on disk: read, merged and written so that nothing a learner did is lost.

Every change is a read-modify-write under a lock on a file beside it, so two processes (two kernels,
or a kernel and a page server) never overwrite each other; the later change to an item wins. The file is
replaced whole (temporary file, fsync, rename, fsync of the folder), so a crash leaves the old or the new.
Which of two changes was later is told by when they were made, not by when they came: a telephone that was
out of reach brings what it holds long afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qinlian.atomic import replace_file
from qinlian.core.files import ANSWERS_LIMIT, ANSWERS_NAME, Answer, AnswerFile, LessonFile, parse_answers
from qinlian.core.zone import BEIJING
from qinlian.errors import AnswersError, StoreError
from qinlian.quiz.held import held, sync_folder, write_problem
from qinlian.quiz.track import learner_track
from qinlian.quiz.values import storable

__all__ = ["AnswerStore", "stamp", "stamp_over", "utc_now"]

LOCK_NAME = ".answers.lock"
_LONGEST_AGE = 30 * 24 * 3600.0
_SAME_MOMENT = timedelta(seconds=1)
"""How far a page may be off when it says when a change was made; within it, what came last stands."""


def utc_now() -> datetime:
    """The server's time, aware, in UTC."""
    return datetime.now(UTC)


def stamp(when: datetime) -> str:
    """A moment as it stands in a file: its order is the order of text."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")


def stamp_over(before: str, made: float | None, now: datetime) -> str | None:
    """The stamp of a change over one that is stamped ``before``; None when it must give way to that one.

    ``made`` is when it was made, in seconds since 1970 by this server's clock as its page knows it; None: now.
    """
    latest = now.timestamp()
    when = latest if made is None else min(max(made, latest - _LONGEST_AGE), latest)
    moment = datetime.fromtimestamp(when, UTC)
    # A clock that was put right must not keep out everything until the moment that was stamped wrongly.
    known = min(before, stamp(now))
    return None if known > stamp(moment + _SAME_MOMENT) else max(known, stamp(moment))


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

    def save(self, changes: Mapping[str, Any], made: Mapping[str, float] | None = None) -> AnswerFile:
        """Merge ``changes`` (public id → value, None to clear) and write; returns what is now on disk.

        ``made`` says when a change was made (see ``stamp_over``): it gives way to one that was made
        after it. Raises StoreError, with nothing written.
        """
        if any(":" in item for item in changes):
            # Whatever is not handed in (quiz.notes) is written elsewhere, and never by mistake here.
            raise StoreError("页面与课程的版本不一致，没有保存；请刷新页面")
        cleaned = {item: storable(value) for item, value in changes.items()}
        now = self._clock()

        def merge(current: AnswerFile) -> AnswerFile:
            answers = dict(current.answers)
            for item, value in cleaned.items():
                at = stamp_over(answers[item].at if item in answers else "", (made or {}).get(item), now)
                if at is not None:
                    # A cleared answer stays as null with its time, so that an older change cannot revive it.
                    answers[item] = Answer(value=value, at=at)
            return current.model_copy(update={"answers": answers})

        return self._change(merge)

    def start_attempt(self, quiz: str, number: int, pool: Collection[str]) -> AnswerFile:
        """Clear the answers of ``pool`` and make ``number`` the quiz's attempt in progress. Raises StoreError."""

        def begin(current: AnswerFile) -> AnswerFile:
            kept = {item: answer for item, answer in current.answers.items() if item not in pool}
            begun = {"answers": kept, "attempts": {**current.attempts, quiz: number}}
            return current.model_copy(update=begun | {"track": learner_track(self.folder)})

        return self._change(begin)

    def _fresh(self) -> AnswerFile:
        lesson = self.lesson
        track = learner_track(self.folder)
        return AnswerFile(course=lesson.course, module=lesson.module, edition=lesson.edition, track=track)

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
                    "saved_at": stamp(self._clock()),
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
            raise write_problem(error) from error
        sync_folder(self.folder)

    def _put_aside(self) -> AnswerFile:
        aside = self.path.with_name(f"answers.broken-{self._clock().astimezone(BEIJING):%Y%m%d-%H%M%S-%f}.json")
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return self._fresh()
        except OSError as error:
            raise StoreError("已保存的答案读不出来，也移不开；请联系管理员") from error
        self.notice = f"原来保存的答案读不出来，已另存为 {aside.name}，没有覆盖；请重新作答，或请管理员查看那个文件"
        return self._fresh()

    def _locked(self) -> AbstractContextManager[None]:
        return held(self.folder / LOCK_NAME)
