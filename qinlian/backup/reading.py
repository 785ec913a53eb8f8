"""Reads a backup file that may be damaged, cut short or made up by somebody.

Nothing in it is believed: a member is a plain file or a folder with a plain name, or the whole file is refused;
nothing is unpacked that the file did not say it had; and whatever is read is compared with the manifest.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from qinlian.backup.members import (
    FILES,
    HEADER,
    HUB_SETTINGS,
    MANIFEST,
    Archive,
    Header,
    check_name,
    line_of,
    not_ours,
    parse_header,
    same_as,
)
from qinlian.core.width import printable
from qinlian.errors import BackupError

__all__ = ["Contents", "Sink", "read_backup"]

_CHUNK = 1 << 20
_PIECE = 1 << 22
"""The most that tarfile may ask for at once: names and attributes are short, and content is read in chunks."""
_SPARE_BYTES, _SPARE_FILES = 1 << 26, 1000


@dataclass
class Contents:
    """What a backup turned out to hold: bytes and files by place, and a Hub's settings."""

    header: Header
    size: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    settings: bytes = field(default=b"", repr=False)


class Sink(Protocol):
    """Where members go."""

    def folder(self, path: PurePosixPath, member: tarfile.TarInfo) -> None:
        """A folder."""

    def file(self, path: PurePosixPath, member: tarfile.TarInfo, chunks: Iterator[bytes]) -> None:
        """A file; ``chunks`` must be read to their end."""

    def same(self, path: PurePosixPath, earlier: PurePosixPath) -> None:
        """Another name of a file that came before."""


class _Nowhere:
    def folder(self, path: PurePosixPath, member: tarfile.TarInfo) -> None:
        return

    def file(self, path: PurePosixPath, member: tarfile.TarInfo, chunks: Iterator[bytes]) -> None:
        for _ in chunks:
            pass

    def same(self, path: PurePosixPath, earlier: PurePosixPath) -> None:
        return


class _Measured(io.RawIOBase):
    """What tarfile reads from: refuses to be asked for much at once, as a made-up header would have it."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _PIECE:
            raise _made_up()
        return self._file.read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()


def _made_up() -> BackupError:
    """For what ``qinlian backup`` would not have written."""
    return BackupError("备份里有不该有的内容，可能被人改过；没有恢复，请换一份备份")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile:
        raise not_ours() from None
    except (EOFError, tarfile.TarError, zlib.error, UnicodeDecodeError, ValueError, OverflowError):
        raise BackupError(f"{path.name} 损坏或不完整；请换一份备份，或重新从存放的地方拷来") from None


def read_backup(path: Path, sink: Sink | None = None, progress: Callable[[int], None] = lambda _: None) -> Contents:
    """Read all of a backup and compare it with its manifest; members go to ``sink``.

    ``progress`` gets bytes as they are unpacked. Raises BackupError when it is damaged, incomplete, hostile, of
    a newer program, or no backup; OSError when it cannot be read.
    """
    sink = sink or _Nowhere()
    with (
        path.open("rb") as raw,
        _damage_named(path),
        gzip.GzipFile(fileobj=raw, mode="rb") as packed,
        tempfile.TemporaryFile() as lines,
    ):
        try:
            tar = Archive(fileobj=_Measured(packed), mode="r", encoding="utf-8", errors="surrogateescape")
        except (tarfile.ReadError, EOFError):
            raise not_ours() from None
        contents: Contents | None = None
        while (member := tar.next()) is not None:
            tar.forget()
            name = _checked(member)
            if contents is None:
                if member.name != HEADER or member.size > _CHUNK:
                    raise not_ours()
                data = b"".join(_chunks(tar, member, progress))
                contents = Contents(parse_header(data))
                lines.write(line_of(member, hashlib.sha256(data).hexdigest()))
                continue
            if member.name == MANIFEST:
                _compare(lines, tar, member)
                if tar.next() is not None:
                    raise _made_up()
                _drain(packed)
                return contents
            _count(contents, name, member)
            hasher = hashlib.sha256()
            if member.isdir():
                sink.folder(name, member)
                lines.write(line_of(member, ""))
            elif (earlier := same_as(member)) is not None:
                sink.same(name, earlier)
                lines.write(line_of(member, hasher.hexdigest()))
            else:
                chunks = _chunks(tar, member, progress, hasher.update)
                if str(name) == HUB_SETTINGS and member.size <= _CHUNK:
                    contents.settings = b"".join(chunks)
                    chunks = iter((contents.settings,))
                sink.file(name, member, chunks)
                lines.write(line_of(member, hasher.hexdigest()))
    if contents is None:
        raise not_ours()
    raise BackupError(f"{path.name} 不完整，后一段没有了；请换一份备份，或重新从存放的地方拷来")


def _checked(member: tarfile.TarInfo) -> PurePosixPath:
    sparse = getattr(member, "sparse", None) is not None or any(k.startswith("GNU.") for k in member.pax_headers)
    if member.type not in (tarfile.REGTYPE, tarfile.DIRTYPE) or sparse or member.size < 0:
        raise BackupError("备份里有链接、设备或别的特殊文件，可能被人改过；没有恢复，请换一份备份")
    return check_name(member.name)


def _count(contents: Contents, name: PurePosixPath, member: tarfile.TarInfo) -> None:
    place = name.parts[1] if name.parts[0] == FILES else name.parts[0]
    contents.files[place] += 1
    contents.size[place] += member.size
    most, count = 2 * contents.header.size + _SPARE_BYTES, 2 * contents.header.files + _SPARE_FILES
    if contents.size.total() > most or contents.files.total() > count:
        raise BackupError("备份里的内容比它自己写明的多得多，可能被人改过；没有恢复，请换一份备份")


def _chunks(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    progress: Callable[[int], None],
    also: Callable[[bytes], None] = lambda _: None,
) -> Iterator[bytes]:
    source = tar.extractfile(member)
    if source is None:
        raise _made_up()
    left = member.size
    while left:
        data = source.read(min(_CHUNK, left))
        if not data:
            raise EOFError
        left -= len(data)
        also(data)
        progress(len(data))
        yield data


def _compare(lines: IO[bytes], tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Compare what was read with the manifest, line by line; raises BackupError at the first difference."""
    lines.seek(0)
    stated = tar.extractfile(member)
    if stated is None:
        raise _made_up()
    while True:
        found, wanted = lines.readline(), stated.readline(_PIECE)
        if found == wanted:
            if not found:
                return
            continue
        raise BackupError(f"备份里的 {_named(found or wanted)} 和写入时不一样，备份已损坏；请换一份备份")


def _named(line: bytes) -> str:
    try:
        text = str(json.loads(line)[1])
    except (ValueError, IndexError, TypeError, KeyError, RecursionError):
        return "内容"
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return printable(shown)[:200]


def _drain(packed: gzip.GzipFile) -> None:
    """Read to the end, where gzip's own checksum stands."""
    for _ in range(64):
        if not packed.read(_CHUNK):
            return
    raise _made_up()
