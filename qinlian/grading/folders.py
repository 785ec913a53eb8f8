"""A folder that takes another's place, and one that can be entered and not listed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["close_to_listing", "replace_folder"]


def close_to_listing(folder: Path) -> None:
    """Make ``folder`` where it is missing; whoever does not know a name in it shall not find one."""
    folder.mkdir(parents=True, exist_ok=True)
    found = folder.stat()
    # Where the graders share the folder as a group, they go on reading it.
    listable = found.st_mode & (0o004 if found.st_mode & 0o020 else 0o044)
    if listable and found.st_uid == os.geteuid():
        folder.chmod(found.st_mode & 0o7777 & ~listable)


def replace_folder(fresh: Path, target: Path) -> None:
    """Let the complete folder ``fresh`` take the name ``target``, on the same file system.

    Nobody ever finds a mixture of the old and the new. For an instant there is neither, since no
    file system exchanges folders portably; when the new one cannot take the name, the old one is
    put back and OSError raised.
    """
    if not target.exists():
        fresh.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        old = target.rename(aside / "was")
        try:
            fresh.rename(target)
        except OSError:
            old.rename(target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
