"""Writes a backup file, member by member, under a temporary name until it is whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qinlian.backup.members import MANIFEST, Archive, group_name, line_of, mark_same, user_name
from qinlian.errors import BackupError

__all__ = ["Writer", "write_backup"]

_LEVEL = 4
"""gzip's; see docs/backup.md for what the others cost."""
_CHUNK, _WHOLE, _TRIES = 1 << 20, 1 << 26, 5
"""Bytes read at once; up to how many a file is read whole before it is written; how often."""


class _Hashing(io.RawIOBase):
    """Reads from ``source`` and remembers what it read."""

    def __init__(self, source: IO[bytes], progress: Callable[[int], None]) -> None:
        self._source, self._progress = source, progress
        self.hasher = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.hasher.update(data)
        self._progress(len(data))
        return data


class Writer:
    """The members of one backup. ``progress`` gets the bytes that were just read."""

    def __init__(self, tar: Archive, lines: IO[bytes], progress: Callable[[int], None]) -> None:
        self._tar, self._lines, self._progress = tar, lines, progress

    def data(self, name: str, data: bytes) -> None:
        """A member made here."""
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(data), 0o600, int(time.time())
        self._add(member, io.BytesIO(data))

    def folder(self, name: str, status: os.stat_result) -> None:
        """A folder with its owner and mode."""
        member = _info(name, status)
        member.type = tarfile.DIRTYPE
        self._tar.addfile(member)
        self._tar.forget()
        self._lines.write(line_of(member, ""))

    def file(self, name: str, source: IO[bytes], status: os.stat_result) -> None:
        """A file's content with the owner and mode in ``status``.

        Raises BackupError when a large one gets shorter meanwhile.
        """
        member = _info(name, status)
        member.size = os.fstat(source.fileno()).st_size
        if member.size <= _WHOLE:
            data = _settled(source)
            member.size, source = len(data), io.BytesIO(data)
        self._add(member, source)

    def same(self, name: str, earlier: str, status: os.stat_result) -> None:
        """Another name of a file that was written before, as ``earlier``."""
        member = _info(name, status)
        mark_same(member, earlier)
        self._add(member, io.BytesIO())

    def _add(self, member: tarfile.TarInfo, source: IO[bytes]) -> None:
        hashing = _Hashing(source, self._progress)
        try:
            self._tar.addfile(member, hashing)
        except OSError as error:
            if error.args == ("unexpected end of data",):
                raise BackupError(f"备份时 {member.name} 正在被改写，没有备份成；请再运行一次") from None
            raise
        self._tar.forget()
        self._lines.write(line_of(member, hashing.hasher.hexdigest()))

    def finish(self) -> None:
        """The manifest, last."""
        size = self._lines.tell()
        self._lines.seek(0)
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        self._tar.addfile(member, self._lines)


def _settled(source: IO[bytes]) -> bytes:
    """A small file's content, read again while somebody is writing it."""
    for _ in range(_TRIES):
        before = os.fstat(source.fileno())
        source.seek(0)
        data = source.read(_WHOLE)
        after = os.fstat(source.fileno())
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            break
        time.sleep(0.05)
    return data


def _info(name: str, status: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = stat.S_IMODE(status.st_mode)
    member.uid, member.gid = status.st_uid, status.st_gid
    member.uname, member.gname = user_name(status.st_uid), group_name(status.st_gid)
    member.mtime = int(status.st_mtime)
    return member


@contextmanager
def write_backup(path: Path, progress: Callable[[int], None]) -> Iterator[Writer]:
    """A writer for the backup at ``path``, which appears, whole and on disk, when all went well, and else not at all.

    Raises BackupError when there is a file of that name already.
    """
    _refuse_existing(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as raw, tempfile.TemporaryFile(dir=path.parent) as lines:
            os.fchmod(raw.fileno(), 0o600)
            with (
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_LEVEL) as packed,
                Archive(
                    fileobj=packed,
                    mode="w",
                    format=tarfile.PAX_FORMAT,
                    encoding="utf-8",
                    errors="surrogateescape",
                    copybufsize=_CHUNK,
                ) as tar,
            ):
                writer = Writer(tar, lines, progress)
                yield writer
                writer.finish()
            raw.flush()
            os.fsync(raw.fileno())
        _refuse_existing(path)
        Path(name).rename(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise BackupError(f"已经有 {path} 了；请换一个文件名")
