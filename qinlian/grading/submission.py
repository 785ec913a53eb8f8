"""What lies in ``submitted/<learner>/<module>/``, read without following links or trusting a byte."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qinlian.core.files import ANSWERS_LIMIT, ANSWERS_NAME, SECRET_NAME, TIMESTAMP_NAME, AnswerFile, parse_answers
from qinlian.errors import AnswersError

__all__ = ["PASSING", "Submission", "identity", "read_regular", "read_submission"]

PASSING = frozenset({errno.EIO, errno.ESTALE, errno.ENFILE, errno.EMFILE, errno.ENOMEM, errno.ETIMEDOUT})
"""Errors of the disk, the network or the machine, which say nothing of what a learner handed in."""
_SMALL = 1000
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? UTC")


@dataclass(frozen=True)
class Submission:
    """One submission as it came.

    ``answers`` is the parsed file, or the reason why there is none. ``raw``, ``timestamp``
    and ``secret_file`` are bytes as they were read, None where there was nothing to take.
    ``submitted_at`` is aware, in UTC; None when timestamp.txt is missing or unreadable.
    ``identity`` names this submission for good: grading it again adds no attempt.
    """

    learner: str
    module: str
    answers: AnswerFile | AnswersError
    raw: bytes | None
    timestamp: bytes | None
    secret_file: bytes | None
    submitted_at: datetime | None
    secret: str
    identity: str


def identity(learner: str, module: str, timestamp: str, secret: str, answers: bytes | None) -> str:
    """The lasting name of a submission: a digest over who, what, when and its secret.

    Without a secret the answers stand in for it.
    """
    last = secret or "\0" + hashlib.sha256(answers or b"").hexdigest()
    parts = (learner, module, timestamp, last)
    hasher = hashlib.sha256(b"qinlian-attempt\0")
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(4, "big") + data)
    return hasher.hexdigest()


def read_regular(folder: int, name: str, limit: int) -> bytes | None:
    """Up to ``limit`` + 1 bytes of a regular file in an open folder, or None when there is no such name.

    Raises AnswersError (``not-regular``) for a link, a device, a pipe or whatever cannot be read, and OSError for a
    fault that passes.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        handle = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise AnswersError(
            "not-regular", f"提交的 {name} 不是普通文件，没有读取；请在课程页面里作答后重新提交"
        ) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise AnswersError("not-regular", f"提交的 {name} 不是普通文件，没有读取；请在课程页面里作答后重新提交")
        # One byte past the limit tells that the file is larger, whatever it grows to meanwhile.
        data = os.read(handle, limit + 1)
        while data and len(data) <= limit and (more := os.read(handle, limit + 1 - len(data))):
            data += more
        return data
    finally:
        os.close(handle)


def _moment(text: str) -> datetime | None:
    match = _STAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or "0").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, micro, UTC)
    except ValueError:
        return None


def _small(folder: int, name: str) -> bytes | None:
    try:
        data = read_regular(folder, name, _SMALL)
    except AnswersError:
        return None
    return data if data is not None and len(data) <= _SMALL else None


def read_submission(folder: Path, learner: str, module: str) -> Submission:
    """Read the submission of ``learner`` in ``folder``.

    Never raises for what a learner wrote; raises OSError for a fault that passes.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as fault:
        if fault.errno in PASSING:
            raise
        error = AnswersError("missing", "没有收到提交的文件夹，这次按未作答处理")
        return Submission(learner, module, error, None, None, None, None, "", identity(learner, module, "", "", None))
    try:
        raw: bytes | None = None
        answers: AnswerFile | AnswersError
        try:
            raw = read_regular(handle, ANSWERS_NAME, ANSWERS_LIMIT)
            answers = parse_answers(raw) if raw is not None else _missing()
        except AnswersError as error:
            answers = error
        stamp, secret = _small(handle, TIMESTAMP_NAME), _small(handle, SECRET_NAME)
    finally:
        os.close(handle)
    stamp_text = (stamp or b"").decode("utf-8", "replace").strip()
    secret_text = (secret or b"").decode("utf-8", "replace").strip()
    return Submission(
        learner=learner,
        module=module,
        answers=answers,
        raw=raw,
        timestamp=stamp,
        secret_file=secret,
        submitted_at=_moment(stamp_text),
        secret=secret_text,
        identity=identity(learner, module, stamp_text, secret_text, raw),
    )


def _missing() -> AnswersError:
    return AnswersError("missing", "提交里没有答题记录（answers.json），这次按未作答处理；请在课程页面里作答后重新提交")
