"""nbgrader starts ``alembic`` by name when it makes a gradebook; this makes sure it is found."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["put_tools_on_path"]


def put_tools_on_path() -> None:
    """Put this Python's own scripts folder first on PATH, unless it is.

    Another environment's alembic may be of another version, or not to be started by who we are.
    """
    ours = Path(sys.executable).parent
    if shutil.which("alembic") != str(ours / "alembic"):
        os.environ["PATH"] = f"{ours}{os.pathsep}{os.environ.get('PATH', '')}"
