"""The learner's side of nbgrader's exchange: fetch a lesson, submit it, find the result.

What is written is what nbgrader's own ``ExchangeSubmit`` writes, so that any nbgrader collects it;
a submission appears in the exchange whole, in one step, or not at all.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from qinlian.core.files import (
    ANSWERS_LIMIT,
    ANSWERS_NAME,
    LESSON_NAME,
    SECRET_NAME,
    TIMESTAMP_NAME,
    AnswerFile,
    LessonFile,
    ResultFile,
    parse_answers,
    result_name,
)
from qinlian.errors import AnswersError, StoreError
from qinlian.quiz.due import Due, Letterbox
from qinlian.quiz.exchange_settings import ExchangeSettings, learner_name
from qinlian.quiz.lesson_copy import LessonCopy
from qinlian.quiz.notebook_file import without_widgets
from qinlian.quiz.state import Standing, digest, filled, open_quizzes

__all__ = ["Exchange", "Submission", "learner_name"]

_STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_LEARNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True)
class Submission:
    """One submission, as remembered on the learner's side.

    ``folder`` is the cached copy; ``result`` the name its result will have, which only the
    learner can know and which is therefore kept out of logs.
    """

    module: str
    submitted_at: datetime
    folder: Path
    result: str = field(repr=False)

    @property
    def answers(self) -> AnswerFile | None:
        """The answers as they were submitted, or None when the copy cannot be read."""
        try:
            return parse_answers((self.folder / ANSWERS_NAME).read_bytes())
        except (OSError, AnswersError):
            return None


class Exchange:
    """One learner's view of the exchange of one course."""

    def __init__(self, settings: ExchangeSettings) -> None:
        self._settings = settings
        self._course = settings.root / settings.course_id
        self._cache = settings.cache / settings.course_id
        letter = self._course / "feedback" / f"{settings.letterbox}.json" if settings.letterbox else None
        self._letterbox = Letterbox(letter, settings.course_id)
        self._dues: dict[str, tuple[tuple[int, int], datetime | None]] = {}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Exchange:
        """The exchange that nbgrader's settings and the environment name; raises StoreError."""
        return cls(ExchangeSettings.from_environment(environ))

    @property
    def course_id(self) -> str:
        """The course's short name."""
        return self._settings.course_id

    @property
    def learner(self) -> str:
        """The name under which submissions go out."""
        return self._settings.learner

    @property
    def root(self) -> Path:
        """The exchange's folder."""
        return self._settings.root

    def folder(self, home: Path, module: str) -> Path:
        """Where a module lies under the learner's ``home``, as nbgrader's fetch would put it."""
        return home / self.course_id / module if self._settings.with_course else home / module

    def modules(self) -> tuple[str, ...]:
        """Names of the released modules, in the order of their names.

        Raises StoreError when the exchange cannot be reached; an existing exchange in which
        nothing was released yet gives an empty tuple.
        """
        if not self.root.is_dir():
            raise StoreError("连不上课程的收发文件夹，暂时看不到课程；请稍后刷新页面，仍不行请联系管理员")
        try:
            names = [path.name for path in (self._course / "outbound").iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError("没有权限读取课程的收发文件夹；请联系管理员") from error
        return tuple(sorted(filter(self._is_released, names)))

    def lesson(self, module: str) -> LessonFile:
        """The released lesson of a module; raises StoreError when it cannot be read."""
        try:
            lesson = LessonFile.model_validate_json((self._released(module) / LESSON_NAME).read_bytes())
        except (OSError, ValidationError) as error:
            raise StoreError(f"模块 {module} 的课程内容读不出来；请联系老师重新发布") from error
        if lesson.module != module:
            raise StoreError(f"模块 {module} 里放的是别的课程内容；请联系老师重新发布")
        return lesson

    def lesson_stamp(self, module: str) -> tuple[int, int]:
        """A value that changes when the module is released anew; raises StoreError."""
        try:
            found = (self._released(module) / LESSON_NAME).stat()
        except OSError as error:
            raise StoreError(f"模块 {module} 的课程内容读不出来；请联系老师重新发布") from error
        return found.st_mtime_ns, found.st_ino

    def due(self, module: str) -> Due:
        """When the module is due for this learner; raises StoreError when the released lesson cannot be read."""
        stamp = self.lesson_stamp(module)
        if module not in self._dues or self._dues[module][0] != stamp:
            self._dues[module] = stamp, self.lesson(module).due
        return self._letterbox.due(module, self._dues[module][1])

    def fetch(self, module: str, dest: Path) -> None:
        """Put the released module into ``dest``; what is already there stays as it is.

        Raises StoreError when the module is not released or cannot be written.
        """
        self._copy(dest, module).fill()

    def refresh(self, folder: Path, module: str) -> bool:
        """Bring a fetched module up to date with what is released now; True when it changed.

        While a quiz is under way (answered and not submitted, or submitted and not graded)
        nothing changes: the learner keeps the questions that were drawn. A notebook into which
        the learner wrote is kept under another name. Raises StoreError when it cannot be written.
        """
        copy = self._copy(folder, module)
        if copy.is_current() or self.under_way(folder, module):
            return False
        copy.update()
        return True

    def under_way(self, folder: Path, module: str) -> bool:
        """True while an attempt at a quiz of the module is neither fresh nor graded."""
        try:
            answers = parse_answers((folder / ANSWERS_NAME).read_bytes())
            lesson = LessonFile.model_validate_json((folder / LESSON_NAME).read_bytes())
        except FileNotFoundError:
            return False
        except (OSError, AnswersError):
            return True
        except ValidationError:
            return False
        standing = self.standing(module)
        if standing.waiting:
            return True
        given = {item for item, answer in answers.answers.items() if answer.value not in (None, "", [], {})}
        return any(given.intersection(quiz.items) for quiz in open_quizzes(lesson, answers, standing))

    def submit(self, folder: Path, module: str) -> Submission:
        """Hand in the module as it stands in ``folder``.

        Only answers.json, lesson.json and the module's notebook travel. Raises StoreError, with
        nothing left behind, when there is nothing to submit or the exchange does not take it.
        """
        if not _LEARNER.fullmatch(self.learner):
            raise StoreError("您的账号名里有课程不能识别的字符，暂时无法提交；请联系管理员")
        self._released(module)
        files = self._to_submit(folder, module)
        secret = secrets.token_hex(64)
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            moment, cached = self._reserve(module)
        except OSError as error:
            raise StoreError("提交没有成功：本机写不下提交记录，可能是磁盘已满；请稍后再试") from error
        files |= {TIMESTAMP_NAME: moment.strftime(_STAMP).encode(), SECRET_NAME: secret.encode()}
        random = base64.urlsafe_b64encode(os.urandom(9)).decode("ascii")
        inbound = self._course / "inbound"
        aside = {place: place / f".{secrets.token_hex(12)}" for place in (inbound, self._cache)}
        try:
            for fresh in aside.values():
                _write_folder(fresh, files)
            # nbgrader opens the folder to everyone last, so that its instructor can remove it. Sticky: what is in
            # it stays its sender's, also from somebody who got hold of the name.
            aside[inbound].chmod(0o1777)
            (aside[self._cache] / SECRET_NAME).chmod(0o600)
            aside[inbound].rename(inbound / f"{cached.name}+{random}")
            aside[self._cache].rename(cached)
        except OSError as error:
            for leftover in (*aside.values(), cached):
                shutil.rmtree(leftover, ignore_errors=True)
            raise StoreError(
                "提交没有成功：暂时写不进课程的收发文件夹。您的答案都在，请稍后再点提交；仍不行请联系老师"
            ) from error
        return Submission(module=module, submitted_at=moment, folder=cached, result=result_name(secret))

    def submissions(self, module: str) -> tuple[Submission, ...]:
        """What this learner submitted of a module, oldest first."""
        found = []
        try:
            folders = list(self._cache.glob(f"{self.learner}+{module}+*"))
        except OSError:
            return ()
        for folder in folders:
            try:
                secret = (folder / SECRET_NAME).read_text("utf-8")
                moment = _moment(folder)
            except (OSError, UnicodeDecodeError):
                # Reserved by a submission that is being written, or cut short.
                continue
            found.append(Submission(module, moment, folder, result_name(secret)))
        return tuple(sorted(found, key=lambda s: (s.submitted_at, s.folder.name)))

    def result(self, module: str) -> tuple[Submission, ResultFile] | None:
        """The newest graded submission with its result; None when there is none yet.

        A refusal is no result: it says nothing of anything graded before it.
        """
        return self._newest_graded(self.submissions(module))

    def standing(self, module: str, before: Standing | None = None) -> Standing:
        """What this learner submitted of a module and what came back.

        ``before`` is an earlier standing: what it knows of a submission's own copy is not read again.
        """
        submissions = self.submissions(module)
        newest = submissions[-1] if submissions else None
        graded, said = self._newest_graded(submissions), self._result_of(newest) if newest else None
        refusal = said if said and said.state == "拒收" else None
        # What was refused might never have been sent: then an earlier one stands.
        stands = newest if refusal is None else graded[0] if graded else None
        attempts: dict[str, int] = {}
        handed_in: dict[str, str] | None = None
        if stands and before and stands.submitted_at == before.taken:
            # The copy never changes, and it can be long.
            attempts, handed_in = before.attempts, dict(before.handed_in) if before.handed_in is not None else None
        elif stands and (answers := stands.answers):
            attempts = answers.attempts
            handed_in = {item: digest(answer.value) for item, answer in answers.answers.items() if filled(answer.value)}
        return Standing(
            learner=self.learner,
            submitted=newest.submitted_at if newest else None,
            attempts=attempts,
            handed_in=handed_in,
            graded=graded[0].submitted_at if graded else None,
            result=graded[1] if graded else None,
            refusal=refusal,
            classroom=True,
            due=self._due_if_known(module),
        )

    def _due_if_known(self, module: str) -> Due | None:
        try:
            return self.due(module)
        except StoreError:
            # Taken back or being released anew: the learner's own copy says when it was due.
            return None

    def _newest_graded(self, submissions: tuple[Submission, ...]) -> tuple[Submission, ResultFile] | None:
        for submission in reversed(submissions):
            result = self._result_of(submission)
            if result and result.state != "拒收":
                return submission, result
        return None

    def _result_of(self, submission: Submission) -> ResultFile | None:
        try:
            data = (self._course / "feedback" / submission.result).read_bytes()
            result = ResultFile.model_validate_json(data)
        except (OSError, ValidationError):
            return None
        return result if result.module == submission.module else None

    def _released(self, module: str) -> Path:
        if not self._is_released(module):
            raise StoreError("这个模块还没有发布，或者已经收回；请回到“我的学习”看看有哪些模块")
        return self._course / "outbound" / module

    def _is_released(self, module: str) -> bool:
        if not _NAME.fullmatch(module):
            # Also what is being released at this moment and not ready yet.
            return False
        try:
            return (self._course / "outbound" / module / LESSON_NAME).is_file()
        except OSError:
            # A folder that nobody may enter must not hide the others.
            return False

    def _copy(self, folder: Path, module: str) -> LessonCopy:
        return LessonCopy(self._released(module), folder, self._cache / ".fetched" / module)

    def _to_submit(self, folder: Path, module: str) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for name in (ANSWERS_NAME, LESSON_NAME, f"{module}.ipynb"):
            try:
                with (folder / name).open("rb") as handle:
                    files[name] = handle.read(ANSWERS_LIMIT + 1) if name == ANSWERS_NAME else handle.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{name} 读不出来，没有提交；请重新打开课程再试") from error
        if f"{module}.ipynb" in files:
            files[f"{module}.ipynb"] = without_widgets(files[f"{module}.ipynb"])
        if ANSWERS_NAME not in files:
            raise StoreError("还没有作答，没有可以提交的内容；请先完成测验或心得")
        try:
            parse_answers(files[ANSWERS_NAME])
        except AnswersError as error:
            raise StoreError(str(error)) from error
        return files

    def _reserve(self, module: str) -> tuple[datetime, Path]:
        """A moment at which this learner submitted nothing else, and its place in the cache."""
        moment = datetime.now(UTC)
        while True:
            cached = self._cache / f"{self.learner}+{module}+{moment.strftime(_STAMP)}"
            try:
                cached.mkdir()
            except FileExistsError:
                moment += timedelta(microseconds=1)
                continue
            return moment, cached


def _moment(folder: Path) -> datetime:
    text = folder.name.split("+")[2]
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        # nbgrader's own submit may be set to another time zone; the file's age serves as well.
        return datetime.fromtimestamp((folder / TIMESTAMP_NAME).stat().st_mtime, UTC)


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, data in files.items():
        with (folder / name).open("xb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
            # As nbgrader sets them, whatever the learner's umask: the grader must be able to read.
            os.fchmod(handle.fileno(), 0o644)
    folder.chmod(0o755)
