"""nbgrader starts ``alembic`` by name when it makes a gradebook; this makes sure it is found."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["put_tools_on_path"]


def put_tools_on_path() -> None:
    """Put this Python's own scripts folder on PATH when the environment is not activated."""
    if shutil.which("alembic") is None:
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
