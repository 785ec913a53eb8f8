"""Unpacks a backup's members beside the places they belong to."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath

from qinlian.backup.members import ARRIVALS, DATABASE
from qinlian.errors import BackupError

__all__ = ["Unpacking"]

_FILE_MODE, _FOLDER_MODE = 0o1777, 0o3777
"""What may come back of a mode: not the bits that run a file as somebody else. Folders may hand on their group."""


@lru_cache(maxsize=4096)
def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


@lru_cache(maxsize=4096)
def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


class Unpacking:
    """A ``Sink`` that writes into ``staged`` (place → folder), and the gradebook into ``scratch``.

    All of them must be closed to others. Each member gets its mode, and from root its owner: by name where this
    machine knows the name, else by number. ``strangers`` are the names it does not know. ``arrivals`` says when
    submissions had arrived.
    """

    def __init__(self, staged: Mapping[str, Path], scratch: Path) -> None:
        self._staged, self._scratch = staged, scratch
        self._folders: list[tuple[Path, tarfile.TarInfo]] = []
        self._own = os.geteuid() == 0
        self.strangers: set[str] = set()
        self.arrivals: list[tuple[str, datetime]] = []

    def folder(self, path: PurePosixPath, member: tarfile.TarInfo) -> None:
        """Make it; its own mode and owner come last, lest it be closed to what goes into it."""
        target = self._target(path)
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folders.append((target, member))

    def file(self, path: PurePosixPath, member: tarfile.TarInfo, chunks: Iterator[bytes]) -> None:
        """Write it, anew: nothing in a backup comes twice."""
        if str(path) == ARRIVALS:
            self.arrivals = [_arrival(line) for line in b"".join(chunks).splitlines()]
            return
        target = self._target(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with target.open("xb") as file:
                for data in chunks:
                    file.write(data)
                self._give(file.fileno(), member)
                os.fchmod(file.fileno(), member.mode & _FILE_MODE)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise BackupError("备份里同一个文件有两份，可能被人改过；没有恢复，请换一份备份") from None
        os.utime(target, (member.mtime, member.mtime))

    def same(self, path: PurePosixPath, earlier: PurePosixPath) -> None:
        """Give a file that came before another name, or a copy where the disk knows no such thing."""
        source, target = self._target(earlier), self._target(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists() or not source.is_file() or earlier.parts[:2] != path.parts[:2]:
            raise BackupError("备份里有不该有的内容，可能被人改过；没有恢复，请换一份备份")
        try:
            target.hardlink_to(source)
        except OSError:
            shutil.copy2(source, target)
            status = source.stat()
            os.chown(target, status.st_uid, status.st_gid)

    def finish(self) -> None:
        """Give every folder its owner, mode and time, the innermost first."""
        for target, member in reversed(self._folders):
            self._give(target, member)
            target.chmod(member.mode & _FOLDER_MODE)
            os.utime(target, (member.mtime, member.mtime))

    def _give(self, target: Path | int, member: tarfile.TarInfo) -> None:
        if not self._own:
            return
        uid, gid = _uid(member.uname), _gid(member.gname)
        if uid is None and member.uname:
            self.strangers.add(member.uname)
        os.chown(target, member.uid if uid is None else uid, member.gid if gid is None else gid)

    def _target(self, path: PurePosixPath) -> Path:
        if path.parts[0] == DATABASE:
            return self._scratch / path.name
        try:
            return self._staged[path.parts[1]].joinpath(*path.parts[2:])
        except (KeyError, IndexError):
            raise BackupError("备份里有这里没有的部分，可能是别的程序写的；没有恢复，请换一份备份") from None


def _arrival(line: bytes) -> tuple[str, datetime]:
    try:
        folder, moment = json.loads(line)
        return str(folder), datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise BackupError("备份里的到达记录读不懂，可能被人改过；没有恢复，请换一份备份") from None
