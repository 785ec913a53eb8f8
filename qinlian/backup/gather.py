"""Everything below a folder, read without being led anywhere else.

Every name is opened relative to its folder's descriptor and without following links: learners own some of these
folders and may change them at any moment, while the one who reads may be root.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Found", "LeftOut", "walk"]

_FILE, _WHOSE, _COUNT, _DEPTH = 100_000_000, 1_000_000_000, 20_000, 40
"""Most bytes of one file, and most bytes, files and levels of one learner, where learners write."""
_CACHES = frozenset({".cache", ".ipynb_checkpoints", ".npm", "__pycache__"})
_FIRST = ("answers.json", "lesson.json", ".qinlian", ".local")
"""Taken before everything else beside them: should there be too much, it is not these that are left out."""


@dataclass(frozen=True)
class Found:
    """One folder or file: its path below the place, and for a file a descriptor, open until the next is asked for."""

    path: str
    status: os.stat_result
    handle: int | None


@dataclass
class LeftOut:
    """What was not taken, and why: Chinese reason → how many, with a few examples."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, reason: str, path: str) -> None:
        """Count one."""
        self.counts[reason] += 1
        if len(self.examples[reason]) < 3:
            shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            self.examples[reason].append("".join(c if c.isprintable() else "�" for c in shown)[:120])

    def lines(self) -> list[str]:
        """One sentence a reason."""
        return [f"{reason} {n} 个，如 {'、'.join(self.examples[reason])}" for reason, n in self.counts.items()]


class _Shares:
    """How much of each learner's was taken."""

    def __init__(self, start: str, depth: int) -> None:
        self._depth = depth and depth + (start.count("/") + 1 if start else 0)
        self._bytes: dict[str, int] = defaultdict(int)
        self._files: dict[str, int] = defaultdict(int)

    def takes(self, path: str, size: int) -> bool:
        if not self._depth:
            return True
        whose = "/".join(path.split("/")[: self._depth])
        self._bytes[whose] += size
        self._files[whose] += 1
        return self._bytes[whose] <= _WHOSE and self._files[whose] <= _COUNT


def walk(
    root: Path, start: str, skip: Callable[[str], bool], depth: int, left_out: LeftOut, *, read: bool = True
) -> Iterator[Found]:
    """All of ``root``/``start``, folders before what is in them, by name; paths are below ``root``.

    ``skip`` is asked of each path. ``depth`` as in ``Part``. Without ``read`` files are not opened. What vanishes
    meanwhile is passed over; raises OSError when the folder itself cannot be read.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(root / start, flags)
    try:
        yield Found(start, os.fstat(handle), None)
        yield from _folder(handle, start, skip, _Shares(start, depth), depth, left_out, read)
    finally:
        os.close(handle)


def _folder(
    folder: int,
    path: str,
    skip: Callable[[str], bool],
    shares: _Shares,
    depth: int,
    left_out: LeftOut,
    read: bool,
    level: int = 0,
) -> Iterator[Found]:
    wild = depth > 0
    for name in sorted(os.listdir(folder), key=lambda n: (_FIRST.index(n) if n in _FIRST else len(_FIRST), n)):
        below = f"{path}/{name}" if path else name
        if skip(below) or name in _CACHES:
            continue
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(status.st_mode):
            if level >= _DEPTH:
                left_out.note("嵌套太深的文件夹", below)
                continue
            try:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            except OSError:
                left_out.note("打不开的文件夹", below)
                continue
            try:
                if not shares.takes(below, 0):
                    left_out.note("超出一人份额的内容", below)
                    continue
                yield Found(below, os.fstat(inner), None)
                yield from _folder(inner, below, skip, shares, depth, left_out, read, level + 1)
            finally:
                os.close(inner)
        elif not stat.S_ISREG(status.st_mode):
            left_out.note("链接或特殊文件", below)
        elif wild and status.st_size > _FILE:
            left_out.note("大于 100 MB 的文件", below)
        elif not shares.takes(below, status.st_size):
            left_out.note("超出一人份额的内容", below)
        else:
            yield from _file(folder, name, below, status, wild, left_out, read)


def _file(
    folder: int, name: str, path: str, status: os.stat_result, wild: bool, left_out: LeftOut, read: bool
) -> Iterator[Found]:
    if not read:
        yield Found(path, status, None)
        return
    try:
        # NOFOLLOW and NONBLOCK hold even when the name was swapped after we looked.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError:
        left_out.note("读不出来的文件", path)
        return
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or (wild and status.st_size > _FILE):
            left_out.note("链接或特殊文件", path)
        elif wild and status.st_nlink != 1:
            # It may be somebody else's file: it would come back as this learner's own.
            left_out.note("与别处的文件是同一个（硬链接）", path)
        else:
            yield Found(path, status, handle)
    finally:
        os.close(handle)
