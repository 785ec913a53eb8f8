"""For pytest's ``-p``: puts the settings under nbgrader's tests of its Python interface as well.

Everything else in nbgrader's tests is a command, which finds them on Jupyter's configuration path. Those
tests make ``NbGraderAPI`` from a ``Config`` of their own, which reads no file; formgrader gives it what it read.
"""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

_SETTINGS = Path(__file__).parent / "settings"
_made = NbGraderAPI.__init__


@wraps(_made)
def _with_settings(self: NbGraderAPI, *args: Any, config: Config | None = None, **others: Any) -> None:
    merged = Config(PyFileConfigLoader("nbgrader_config.py", path=str(_SETTINGS)).load_config())
    merged.merge(config or Config())
    _made(self, *args, config=merged, **others)


NbGraderAPI.__init__ = _with_settings
