"""Writing a file so that a reader, or a crash, meets the old one or the new one and nothing between."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: Path, data: bytes, mode: int = 0o644, *, sync: bool = True) -> None:
    """Put ``data`` at ``path`` whole or not at all; the folder must exist.

    ``sync`` waits until the disk has it, for what cannot be made again. Raises OSError, with
    nothing left behind.
    """
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
