"""Makes a backup of a classroom that may be in use."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from qinlian.backup.gather import Found, LeftOut, walk
from qinlian.backup.members import ARRIVALS, FILES, HEADER, Header
from qinlian.backup.site import Part, Site
from qinlian.backup.snapshot import Snapshot, copy_sqlite, is_sqlite, snapshot
from qinlian.backup.writing import Writer, write_backup
from qinlian.core.files import SECRET_NAME, TIMESTAMP_NAME
from qinlian.errors import BackupError

__all__ = ["Made", "backup_name", "make_backup"]

Progress = Callable[[str, int, int], None]
"""(what is being done, bytes done, bytes in all)."""
_OWN = ("classroom", "hub")
"""The places where programs of ours keep SQLite files, which must be copied at one moment."""
_OPEN = 0o777
"""The mode that nbgrader gives a submission's folder as its very last step."""


def _silent(_: str, __: int, ___: int) -> None:
    return None


@dataclass
class Made:
    """A finished backup. ``warnings`` are Chinese sentences about what is not in it."""

    path: Path
    files: int = 0
    size: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def packed(self) -> int:
        """Bytes of the file itself."""
        return self.path.stat().st_size


def backup_name(course_id: str, now: datetime) -> str:
    """How a backup is called unless somebody says otherwise."""
    return f"qinlian-{course_id}-{now.astimezone():%Y%m%d-%H%M%S}.tar.gz"


def make_backup(site: Site, path: Path, progress: Progress = _silent) -> Made:
    """Write everything of a classroom to ``path``, which appears when it is whole.

    Raises BackupError when it cannot be made, and OSError.
    """
    made = Made(path)
    left_out = LeftOut()
    progress("清点文件", 0, 0)
    files, size = _measure(site)
    _need_room(path.parent, site, size)
    done = 0

    def count(read: int) -> None:
        nonlocal done
        done += read
        progress("备份", done, size)

    with (
        tempfile.TemporaryDirectory(prefix=".qinlian-backup-", dir=path.parent) as scratch,
        snapshot(site, Path(scratch)) as book,
        write_backup(path, count) as writer,
    ):
        size += book.file.stat().st_size if book else 0
        header = Header(
            product=version("qinlian"),
            kind=site.kind,
            course=site.course_id,
            database=book.kind if book else "",
            made_at=datetime.now(UTC),
            files=files,
            size=size,
        )
        writer.data(HEADER, header.model_dump_json().encode())
        copying = _Copying(site, writer, left_out, Path(scratch))
        if book is not None:
            copying.database(book)
        for part in site.parts:
            copying.part(part)
        if book is not None:
            copying.complete(book)
        writer.data(ARRIVALS, copying.arrivals())
    made.files, made.size = copying.files, copying.size
    made.warnings = [*left_out.lines(), *copying.missing]
    return made


def _measure(site: Site) -> tuple[int, int]:
    files, size, linked = 0, 0, set[tuple[int, int]]()
    for part in site.parts:
        for found in _walk(site, part, LeftOut(), read=False):
            files += 1
            node = (found.status.st_dev, found.status.st_ino)
            size += 0 if stat.S_ISDIR(found.status.st_mode) or node in linked else found.status.st_size
            if found.status.st_nlink > 1:
                linked.add(node)
    return files, size


def _need_room(folder: Path, site: Site, size: int) -> None:
    """Everything packs to less than half; besides, the gradebook's copy lies there for a while."""
    if not folder.is_dir():
        raise BackupError(f"没有文件夹 {folder}；请先建好它，或换一个位置")
    needed = size // 2 + (site.sqlite.stat().st_size if site.sqlite and site.sqlite.is_file() else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"{folder} 所在的磁盘只剩 {free / 1e6:.0f} MB，备份大约要 {needed / 1e6:.0f} MB；请换一个位置"
        )


def _walk(site: Site, part: Part, left_out: LeftOut, *, read: bool = True) -> Iterator[Found]:
    if not part.path.is_dir():
        return iter(())
    others = {p.folder for p in site.parts if p.place.name == part.place.name and p.folder != part.folder}
    return walk(part.place.path, part.folder, partial(_skipped, part, others), part.depth, left_out, read=read)


def _skipped(part: Part, others: set[str], path: str) -> bool:
    """What another part has, what is this machine's, and what is being written at this moment."""
    name = path.rsplit("/", 1)[-1]
    if path in others or ("/" not in path and part.place.is_staying(path)):
        return True
    passing = name.startswith((".new-", ".releasing-"))
    passing |= name.startswith(".") and not part.dotted and name != ".kept"
    return passing or (part.place.name in _OWN and not part.depth and name.endswith(("-journal", "-wal", "-shm")))


@dataclass
class _Copying:
    """Copies a classroom part by part, and remembers what of ``submitted/`` and the exchange it came by."""

    site: Site
    writer: Writer
    left_out: LeftOut
    scratch: Path
    files: int = 0
    size: int = 0
    missing: list[str] = field(default_factory=list)
    _submitted: set[str] = field(default_factory=set)
    _inbound: dict[str, tuple[bool, float]] = field(default_factory=dict)
    _linked: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def database(self, book: Snapshot) -> None:
        """The gradebook."""
        with book.file.open("rb") as source:
            status = self.site.sqlite.stat() if self.site.sqlite else os.fstat(source.fileno())
            self.writer.file(book.member, source, status)
        self.files, self.size = self.files + 1, self.size + book.file.stat().st_size

    def part(self, part: Part) -> None:
        """All of one part."""
        for found in _walk(self.site, part, self.left_out):
            self._take(part, found)

    def _take(self, part: Part, found: Found) -> None:
        name = "/".join(filter(None, (FILES, part.place.name, found.path)))
        self.files += 1
        self._note(part.place.path / found.path, found)
        if found.handle is None:
            self.writer.folder(name, found.status)
            return
        if found.status.st_nlink > 1 and not part.depth:
            # Every learner's graded folder has the same lesson.json.
            key = (part.place.name, found.status.st_dev, found.status.st_ino)
            if (earlier := self._linked.setdefault(key, name)) != name:
                self.writer.same(name, earlier, found.status)
                return
        self.size += found.status.st_size
        if part.place.name in _OWN and not part.depth and is_sqlite(os.pread(found.handle, 16, 0)):
            copy = self.scratch / "copy.db"
            copy_sqlite(part.place.path / found.path, copy)
            with copy.open("rb") as source:
                self.writer.file(name, source, found.status)
            copy.unlink()
            return
        with os.fdopen(os.dup(found.handle), "rb") as source:
            self.writer.file(name, source, found.status)

    def _note(self, path: Path, found: Found) -> None:
        if found.handle is None and path.is_relative_to(self.site.submitted):
            self._submitted.add(str(path.relative_to(self.site.submitted)))
        inbound = self.site.exchange / self.site.inbound
        if not path.is_relative_to(inbound) or path == inbound:
            return
        folder, *file = path.relative_to(inbound).parts
        complete, written = self._inbound.get(folder, (False, 0.0))
        if not file:
            self._inbound[folder] = (found.status.st_mode & _OPEN == _OPEN, written)
        elif file[0] in (TIMESTAMP_NAME, SECRET_NAME, "answers.json"):
            # The kernel's clock: unlike all other times of a file nobody can set it.
            self._inbound[folder] = (complete, max(written, found.status.st_ctime))

    def complete(self, book: Snapshot) -> None:
        """See that everything the gradebook speaks of was copied; what was being replaced just then is copied now."""
        wanted = {f".kept/{module}/{_kept(folder)}" for module, folder in book.kept()}
        wanted |= {f"{learner}/{module}" for learner, module in book.attempted()}
        lost = [path for path in sorted(wanted - self._submitted) if not self._again(path)]
        if lost:
            self.missing.append(
                f"成绩册里有 {len(lost)} 份提交，文件早已不在 {self.site.submitted} 里，备份里也没有，如 {lost[0]}"
            )

    def _again(self, path: str) -> bool:
        part = next(p for p in self.site.parts if p.path == self.site.submitted)
        self.part(Part(part.place, f"{part.folder}/{path}".strip("/"), dotted=False))
        return path in self._submitted

    def arrivals(self) -> bytes:
        """When each submission in the exchange was there, one line each: restored files are new."""
        lines = [
            json.dumps([folder, datetime.fromtimestamp(written, UTC).isoformat()])
            for folder, (complete, written) in sorted(self._inbound.items())
            if complete and written
        ]
        return "".join(f"{line}\n" for line in lines).encode("ascii")


def _kept(folder: str) -> str:
    """As ``Arrival.place``."""
    return hashlib.sha256(folder.encode()).hexdigest()[:24]
