"""Puts a classroom back from a backup: all of it, or nothing.

Everything is unpacked and compared beside the places it belongs to, on the same disks; the gradebook is loaded
and not yet committed; then names change, which either all do or are changed back.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from sqlalchemy.exc import SQLAlchemyError

from qinlian.backup import postgres
from qinlian.backup.reading import Contents, read_backup
from qinlian.backup.site import ASIDE, STAGING, Place, Site
from qinlian.backup.snapshot import MEMBERS
from qinlian.backup.unpacking import Unpacking
from qinlian.errors import BackupError, SubmissionError

__all__ = ["Restored", "restore_backup"]

Progress = Callable[[str, int, int], None]
"""(what is being done, bytes done, bytes in all)."""
Moves = list[tuple[Path, Path]]
_SPARE = 50_000_000
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _silent(_: str, __: int, ___: int) -> None:
    return None


def _nothing() -> None:
    return None


def _as_it_is(_: Path) -> None:
    return None


@dataclass
class Restored:
    """What was put back. ``aside`` are the folders that hold what was there before; ``strangers`` as in Unpacking."""

    aside: list[Path] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)


def restore_backup(
    site: Site,
    path: Path,
    contents: Contents,
    *,
    replace: bool = False,
    progress: Progress = _silent,
    settle: Callable[[Path], None] = _as_it_is,
) -> Restored:
    """Put the backup at ``path``, which ``read_backup`` found to hold ``contents``, into the place of ``site``.

    Where a classroom with anybody's work is there already, ``replace`` moves it aside. ``settle`` is given the
    folder of the Hub's own settings before it takes its place. Raises BackupError, and OSError, with nothing
    changed.
    """
    _check_fits(site, contents)
    with _closed(site), ExitStack() as undo:
        if not replace:
            _refuse_used(site)
        _check_room(site, contents)
        stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
        staged = {place.name: _beside(place, f"{STAGING}{stamp}") for place in site.places}
        scratch = _beside(_home_of_the_book(site), f"{STAGING}{stamp}").parent / "gradebook"
        for folder in (*staged.values(), scratch):
            undo.callback(shutil.rmtree, folder.parent, ignore_errors=True)
            folder.mkdir(mode=0o700, parents=True)
            folder.parent.chmod(0o700)
        unpacking = Unpacking(staged, scratch)
        total, done = contents.size.total(), 0

        def count(read: int) -> None:
            nonlocal done
            done += read
            progress("恢复", done, total)

        read_backup(path, unpacking, count)
        if "hub" in staged:
            settle(staged["hub"])
        unpacking.finish()
        book, commit = scratch / PurePosixPath(MEMBERS["sqlite"]).name, _nothing
        if book.is_file():
            _note_arrivals(f"sqlite:///{book}", unpacking.arrivals, "备份里的成绩册打不开，没有恢复；请换一份备份")
        if contents.header.database == "postgresql":
            dump = scratch / PurePosixPath(MEMBERS["postgresql"]).name
            commit = undo.enter_context(postgres.loading(site.db_url, dump, stamp))
        restored = Restored(strangers=unpacking.strangers)
        moves = _moves(site, staged, book, f"{ASIDE}{stamp}", restored)
        _exchange(site, staged, moves, commit)
    if contents.header.database == "postgresql":
        late = "都已恢复，只是还没评的提交的到达时间没有记上；请加 --replace 再恢复一次"
        _note_arrivals(site.db_url, unpacking.arrivals, late)
    return restored


def _check_fits(site: Site, contents: Contents) -> None:
    header = contents.header
    if header.kind != site.kind:
        raise BackupError(f"这是{header.kind}课堂的备份，不能恢复成{site.kind}课堂；请检查文件，以及要不要写 --state")
    if header.course != site.course_id:
        raise BackupError(f"这是课程 {header.course} 的备份，这里是 {site.course_id} 的课堂；请换一份备份")
    here = "sqlite" if site.sqlite is not None else "postgresql"
    if header.database not in ("", here):
        there = _DATABASES.get(header.database, "别的数据库")
        raise BackupError(f"备份里的成绩册是 {there}，这里用的是 {_DATABASES[here]}，不能互相恢复；请用同一种数据库")
    if here == "postgresql":
        postgres.check_tools(site.db_url)


@contextmanager
def _closed(site: Site) -> Iterator[None]:
    """Keep the classroom from being opened meanwhile; raises BackupError while somebody has it open."""
    site.lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with site.lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("课堂正开着；请先结束它（在开课的窗口按 Ctrl-C，或停下服务），再恢复") from None
        if site.sqlite is None:
            postgres.refuse_others(site.db_url)
        yield


def _refuse_used(site: Site) -> None:
    found = next(iter(site.learners_data()), None)
    if found is not None or (site.sqlite is None and postgres.is_used(site.db_url)):
        where = found if found is not None else "数据库"
        raise BackupError(
            f"这里已经有课堂了（{where}），没有恢复；确实要换成备份里的，请加 --replace，原来的会移到一边，不会删除"
        )


def _home_of_the_book(site: Site) -> Place:
    """The place on whose disk the gradebook lies, or is unpacked."""
    if site.sqlite is None:
        return site.places[0]
    return next((p for p in site.places if site.sqlite.is_relative_to(p.path)), Place("", site.sqlite.parent))


def _check_room(site: Site, contents: Contents) -> None:
    needed: dict[int, tuple[Path, int]] = {}
    wanted = [(place.path, contents.size[place.name]) for place in site.places]
    wanted.append((_home_of_the_book(site).path, contents.size["database"]))
    for path, size in wanted:
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        disk = there.stat().st_dev
        needed[disk] = (there, needed.get(disk, (there, 0))[1] + size)
    for there, size in needed.values():
        free = shutil.disk_usage(there).free
        if free < size + _SPARE:
            raise BackupError(
                f"{there} 所在的磁盘只剩 {free / 1e6:.0f} MB，恢复要 {(size + _SPARE) / 1e6:.0f} MB；请先腾出空间"
            )


def _beside(place: Place, name: str) -> Path:
    """A folder on the same disk as the place: beside it, or in it where the place is a disk of its own."""
    mounted = place.path.is_dir() and os.path.ismount(place.path)
    return (place.path if mounted else place.path.parent) / name / place.path.name


def _moves(site: Site, staged: dict[str, Path], book: Path, aside: str, restored: Restored) -> Moves:
    """What is there goes aside, what is staged takes its place."""
    moves: Moves = []
    for place in site.places:
        old, gone = _beside(place, aside), place.contents()
        moves += [(path, old / path.name) for path in gone]
        coming = sorted(staged[place.name].iterdir())
        moves += [(path, place.path / path.name) for path in coming if not place.is_staying(path.name)]
        restored.aside += [old] if gone else []
    if site.sqlite is not None:
        old = _beside(_home_of_the_book(site), aside)
        # With whatever SQLite keeps beside it.
        gone = sorted(site.sqlite.parent.glob(f"{site.sqlite.name}*")) if site.sqlite.parent.is_dir() else []
        moves += [(path, old / path.name) for path in gone]
        moves += [(book, site.sqlite)] if book.is_file() else []
        restored.aside += [old] if gone and old not in restored.aside else []
    return moves


def _exchange(site: Site, staged: dict[str, Path], moves: Moves, commit: Callable[[], None]) -> None:
    """Make the moves and commit; what was moved goes back when anything fails."""
    done: Moves = []
    try:
        for place in site.places:
            if not place.path.is_dir():
                place.path.mkdir(parents=True)
                shutil.copystat(staged[place.name], place.path)
                status = staged[place.name].stat()
                os.chown(place.path, status.st_uid, status.st_gid)
        for source, target in moves:
            if not target.parent.is_dir():
                target.parent.mkdir(mode=0o700, parents=True)
                target.parent.parent.chmod(0o700)
            source.rename(target)
            done.append((source, target))
        commit()
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise


def _note_arrivals(db_url: str, arrivals: list[tuple[str, datetime]], failed: str) -> None:
    """Write down when submissions had arrived that the gradebook does not know of: their files are new now.

    Raises BackupError with what ``failed`` says when that cannot be done.
    """
    from qinlian.grading.arrivals import Arrivals
    from qinlian.grading.inbound import folder_name, printable
    from qinlian.grading.responses import open_engine

    try:
        table = Arrivals(db_url)
        with table.together():
            for folder, moment in arrivals:
                try:
                    name = folder_name(folder)
                except SubmissionError:
                    continue
                table.seen(printable(folder), name.learner, name.module, moment)
        # Whoever opens the classroom next finds nobody connected.
        open_engine(db_url).dispose()
    except SQLAlchemyError:
        raise BackupError(failed) from None
