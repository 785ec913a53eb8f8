"""One submission folder of the exchange, read without trusting anything in it.

Every name is opened relative to the folder's own descriptor and without following links, so what
a learner swaps in while we look cannot lead elsewhere. Nothing here knows of nbgrader.
"""

from __future__ import annotations

import errno
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qinlian.core.files import ANSWERS_LIMIT, ANSWERS_NAME, SECRET_NAME, TIMESTAMP_NAME
from qinlian.errors import SubmissionError
from qinlian.grading.submission import PASSING

__all__ = [
    "NOTEBOOK",
    "TOLERANCE",
    "Folder",
    "FolderName",
    "Unfinished",
    "account_owner",
    "closed_to_others",
    "folder_name",
    "open_inbound",
    "printable",
    "read_folder",
    "read_secret",
]

NOTEBOOK = "课文笔记本"
NOTEBOOK_LIMIT = 10_000_000
TOLERANCE = timedelta(minutes=2)
"""How far a clock on the learner's machine may be off before the file system's time is taken."""

_LEARNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}")
_MODULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})? UTC", re.ASCII)
_SECRET = re.compile(rb"[A-Za-z0-9_=-]{32,256}\s*")


class Unfinished(Exception):  # noqa: N818 - not a failure: the folder is simply not ready yet
    """The learner's side is still writing this folder."""


@dataclass(frozen=True)
class FolderName:
    """``learner+module+time+random``; ``claimed`` is None when the time means nothing to us."""

    text: str
    learner: str
    module: str
    claimed: datetime | None


@dataclass(frozen=True)
class Folder:
    """What was read of one folder. ``answers`` is None when there was none that may be taken.

    ``written`` is when, by the file system, the last file that counts was touched. ``notes`` are Chinese
    sentences for the learner and the instructor.
    """

    name: FolderName
    secret: str
    answers: bytes | None
    notebook: bytes | None
    written: datetime
    notes: tuple[str, ...] = field(default=())


def printable(name: str) -> str:
    """A folder's name as it may be logged and stored: bytes that are no text are escaped."""
    if name.isascii() and name.isprintable():
        return name[:500]
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)[:500]


def folder_name(text: str) -> FolderName:
    """Take a folder's name apart; raises SubmissionError (``bad-name``) when it is not one of ours."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise SubmissionError("bad-name", "提交文件夹的名字不合规范，没有收；请在课程页面里重新提交")
    learner, module, rest = parts
    if not _LEARNER.fullmatch(learner) or ".." in learner:
        raise SubmissionError("bad-name", "提交文件夹里的学员名不合规范，没有收；请在课程页面里重新提交")
    if not _MODULE.fullmatch(module) or ".." in module:
        raise SubmissionError("bad-name", "提交文件夹里的模块名不合规范，没有收；请在课程页面里重新提交")
    return FolderName(text=text, learner=learner, module=module, claimed=_moment(rest.partition("+")[0]))


def _moment(stamp: str) -> datetime | None:
    if not _STAMP.fullmatch(stamp):
        return None
    form = "%Y-%m-%d %H:%M:%S.%f UTC" if "." in stamp else "%Y-%m-%d %H:%M:%S UTC"
    try:
        return datetime.strptime(stamp, form).replace(tzinfo=UTC)
    except ValueError:
        return None


@contextmanager
def open_inbound(path: str | os.PathLike[str]) -> Iterator[int]:
    """A descriptor of the inbound folder; everything is opened relative to it."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def closed_to_others(path: Path) -> bool:
    """True when a folder on the way to ``path`` is this user's and lets nobody else in."""
    there = path.resolve()
    ways = (folder.stat() for folder in (there, *there.parents) if folder.exists())
    return any(s.st_uid == os.geteuid() and not s.st_mode & 0o077 for s in ways)


def account_owner(uid: int) -> str:
    """The unix account of this machine that a file's owner is, or ``#uid``."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


class _Refused(Exception):  # noqa: N818 - carries a reason from _read to its caller
    """Why one file of a folder may not be taken."""


def _read(folder: int, name: str, limit: int, owner: int | None) -> tuple[bytes, os.stat_result] | None:
    """Up to ``limit`` + 1 bytes of a regular file, or None when there is no such name.

    Raises _Refused for what may not be taken, and OSError for a fault that passes.
    """
    try:
        before = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(before.st_mode):
        raise _Refused("是一个链接")
    if not stat.S_ISREG(before.st_mode):
        raise _Refused("不是普通文件")
    try:
        # NOFOLLOW and NONBLOCK hold even when the name was swapped after we looked.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise _Refused("是一个链接" if error.errno == errno.ELOOP else "读不出来") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _Refused("不是普通文件")
        if found.st_nlink != 1:
            raise _Refused("与别处的文件是同一个（硬链接）")
        if owner is not None and found.st_uid != owner:
            raise _Refused("不属于提交的人")
        data = b""
        while len(data) <= limit and (chunk := os.read(handle, min(1 << 20, limit + 1 - len(data)))):
            data += chunk
        after = os.fstat(handle)
        if (after.st_size, after.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
            raise Unfinished
        return data, after
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise _Refused("读不出来") from None
    finally:
        os.close(handle)


def read_folder(
    inbound: int, name: FolderName, *, check_owner: bool = True, owner_of: Callable[[int], str] = account_owner
) -> Folder:
    """Read one submission out of the inbound folder (a descriptor).

    ``owner_of`` tells from the number of a folder's owner which learner that is.
    Raises Unfinished while it is still being written, and SubmissionError when nothing of it may be
    taken: not a folder, not the learner's own, or without a usable secret.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    asked = owner_of if check_owner else None
    try:
        # Looked at before it is opened: under a strict umask it is closed to us while it is written.
        _check(os.stat(name.text, dir_fd=inbound, follow_symlinks=False), name, asked)
        folder = os.open(name.text, flags, dir_fd=inbound)
    except (FileNotFoundError, PermissionError):
        raise Unfinished from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise _not_folder() from None
        raise
    try:
        status = os.fstat(folder)
        _check(status, name, asked)
        return _read_open(folder, name, status.st_uid if check_owner else None)
    finally:
        os.close(folder)


def _not_folder() -> SubmissionError:
    return SubmissionError("not-folder", "提交的不是一个文件夹，没有收；请在课程页面里重新提交")


def _check(status: os.stat_result, name: FolderName, owner_of: Callable[[int], str] | None) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise _not_folder()
    if owner_of and owner_of(status.st_uid) != name.learner:
        raise SubmissionError("forged", "提交的文件夹不属于它所写的学员，没有收；请用自己的账号重新提交")
    # nbgrader opens the folder to everyone as its very last step.
    if status.st_mode & 0o777 != 0o777:
        raise Unfinished


def _read_open(folder: int, name: FolderName, owner: int | None) -> Folder:
    secret, touched = _credentials(folder, owner)
    notes: list[str] = []

    def take(file: str, limit: int, what: str, then: str) -> tuple[bytes, os.stat_result] | None:
        try:
            return _read(folder, file, limit, owner)
        except _Refused as reason:
            notes.append(f"{what}{reason}，没有收；{then}")
            return None

    answers = take(ANSWERS_NAME, ANSWERS_LIMIT, "答题记录", "请在课程页面里作答后重新提交")
    notebook = take(f"{name.module}.ipynb", NOTEBOOK_LIMIT, NOTEBOOK, "评分只看答题记录，得分不受影响")
    # The last touch counts, or answers could be put into an old folder after the deadline.
    written = max(touched, answers[1].st_ctime) if answers else touched
    return Folder(
        name=name,
        secret=secret,
        answers=answers[0] if answers else None,
        notebook=notebook[0] if notebook else None,
        written=datetime.fromtimestamp(written, UTC),
        notes=tuple(notes),
    )


def read_secret(inbound: int, name: FolderName) -> str:
    """The secret of a folder that was refused, to tell its sender why; empty when there is none to trust."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder = os.open(name.text, flags, dir_fd=inbound)
    except OSError:
        return ""
    try:
        # The file's owner must be the folder's, so that nobody speaks through another's secret.
        found = _read(folder, SECRET_NAME, 1000, os.fstat(folder).st_uid)
    except (_Refused, Unfinished):
        return ""
    finally:
        os.close(folder)
    return found[0].decode().strip() if found and _SECRET.fullmatch(found[0]) else ""


def _credentials(folder: int, owner: int | None) -> tuple[str, float]:
    """The submission's secret, and when it or its timestamp was last touched by the kernel's clock."""
    try:
        stamp = _read(folder, TIMESTAMP_NAME, 1000, owner)
        secret = _read(folder, SECRET_NAME, 1000, owner)
    except _Refused as reason:
        raise SubmissionError("bad-secret", f"提交的凭证{reason}，没有收；请在课程页面里重新提交") from None
    if not stamp or not secret or not stamp[0] or not secret[0]:
        raise Unfinished
    if not _SECRET.fullmatch(secret[0]):
        raise SubmissionError("bad-secret", "提交的凭证不合规范，没有收；请在课程页面里重新提交")
    return secret[0].decode().strip(), max(stamp[1].st_ctime, secret[1].st_ctime)
