"""A lock on a learner's folder, and what to say when the disk does not take something."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qinlian.errors import StoreError

__all__ = ["held", "sync_folder", "write_problem"]

_PATIENCE = 3.0
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_OUT_OF_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_problem(error: OSError) -> StoreError:
    """The sentence for a write that failed."""
    if error.errno in _OUT_OF_ROOM:
        return StoreError("磁盘空间不足，答案没有保存；请删除不用的文件，或联系管理员")
    if error.errno in _NOT_WRITABLE:
        return StoreError("课程文件夹不能写入，答案没有保存；请联系管理员检查权限")
    return StoreError("答案没有写进磁盘；请稍后再试，仍不行请联系管理员")


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold the lock file ``lock`` (made when missing) against other processes. Raises StoreError after a while."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise write_problem(error) from error
    try:
        _acquire(handle)
        yield
    finally:
        # Closing releases the lock.
        os.close(handle)


def _acquire(handle: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreError("另一个页面一直占着答案文件，这次没有保存；请关掉多余的页面后再试") from None
            time.sleep(0.02)
        except OSError as error:
            if error.errno in _NO_LOCKS_HERE:
                return
            raise write_problem(error) from error


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows of a file that was just renamed into ``folder``."""
    # Some network file systems refuse to sync a folder; the file itself is already safe.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
