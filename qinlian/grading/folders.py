"""A folder that takes another's place."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

__all__ = ["replace_folder"]


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
