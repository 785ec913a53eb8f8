"""A learner's copy of one released module: made, compared and brought up to date."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from qinlian.atomic import replace_file
from qinlian.core.files import ANSWERS_NAME
from qinlian.core.zone import BEIJING
from qinlian.errors import StoreError

__all__ = ["LessonCopy", "notebook_digest"]


def notebook_digest(data: bytes) -> str:
    """A digest of what a notebook says: cells, their text and our marks.

    Outputs, counters and what an editor adds are left out, so running a lesson does not change
    it. Empty for something that is no notebook.
    """
    try:
        cells = [_said(cell) for cell in json.loads(data)["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def _said(cell: dict[str, Any]) -> list[Any]:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    metadata = cell.get("metadata", {})
    return [cell["cell_type"], text, metadata.get("nbgrader"), metadata.get("qinlian")]


class LessonCopy:
    """``folder`` holds, or will hold, the learner's copy of ``released``.

    ``memory`` is a file on the learner's side that keeps the digest of the notebook as it was
    fetched: it tells whether the learner has written into it since.
    """

    def __init__(self, released: Path, folder: Path, memory: Path) -> None:
        self._released, self._folder, self._memory = released, folder, memory

    @property
    def _notebook(self) -> str:
        return f"{self._released.name}.ipynb"

    def _files(self) -> dict[str, Path]:
        # answers.json is the learner's and never comes from here.
        return {
            str(path.relative_to(self._released)): path
            for path in sorted(self._released.rglob("*"))
            if path.is_file() and path.name != ANSWERS_NAME and ".ipynb_checkpoints" not in path.parts
        }

    def fill(self) -> None:
        """Copy what the learner does not have; raises StoreError when that fails."""
        try:
            for name, path in self._files().items():
                target = self._folder / name
                if target.exists():
                    continue
                _put(target, path.read_bytes())
                if name == self._notebook:
                    self._remember(path.read_bytes())
        except OSError as error:
            raise StoreError("课程没有取下来：写不进您的文件夹，可能是磁盘已满；请稍后再试") from error

    def is_current(self) -> bool:
        """True when the copy says the same as what is released."""
        try:
            for name, path in self._files().items():
                old, new = (self._folder / name).read_bytes(), path.read_bytes()
                if old != new and (name != self._notebook or notebook_digest(old) != notebook_digest(new)):
                    return False
        except OSError:
            return False
        return True

    def update(self) -> None:
        """Replace what differs; a notebook the learner wrote into is first kept under another name.

        Raises StoreError when that fails.
        """
        try:
            for name, path in self._files().items():
                target, new = self._folder / name, path.read_bytes()
                if name == self._notebook and target.exists():
                    old = notebook_digest(target.read_bytes())
                    if old == notebook_digest(new):
                        continue
                    if old != self._remembered():
                        self._set_aside(target)
                if not target.exists() or target.read_bytes() != new:
                    _put(target, new)
                if name == self._notebook:
                    self._remember(new)
        except OSError as error:
            raise StoreError("课程有更新，但没有写进您的文件夹，可能是磁盘已满；请稍后再试") from error

    def _set_aside(self, target: Path) -> None:
        # A server may keep any time; what a learner reads in a file's name is Beijing's.
        stamp = datetime.fromtimestamp(target.stat().st_mtime, BEIJING).strftime("%Y%m%d-%H%M%S")
        shutil.copy2(target, target.with_name(f"{target.stem}（我的旧稿 {stamp}）.ipynb"))

    def _remembered(self) -> str:
        try:
            return self._memory.read_text("ascii")
        except (OSError, ValueError):
            return ""

    def _remember(self, notebook: bytes) -> None:
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        _put(self._memory, notebook_digest(notebook).encode())


def _put(target: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, data)
