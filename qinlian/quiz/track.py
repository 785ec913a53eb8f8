"""Which audience (培训对象) the learner belongs to: it decides what a test over all modules asks."""

from __future__ import annotations

import os
from pathlib import Path

from qinlian.atomic import replace_file
from qinlian.errors import StoreError

__all__ = ["TRACK_VARIABLE", "choose_track", "chosen_track", "learner_track"]

TRACK_VARIABLE = "QINLIAN_TRACK"
"""The track of everybody in this classroom, for one that was opened for a single audience."""

_LONGEST = 100


def _file(home: Path) -> Path:
    return home / ".qinlian" / "track.txt"


def chosen_track(home: Path) -> str:
    """What the learner chose on 我的学习, empty without a choice."""
    try:
        return _file(home).read_text("utf-8").strip()[:_LONGEST]
    except (OSError, ValueError):
        return ""


def choose_track(home: Path, name: str) -> None:
    """Remember the learner's choice. Raises StoreError."""
    try:
        _file(home).parent.mkdir(parents=True, exist_ok=True)
        replace_file(_file(home), name.encode())
    except OSError as error:
        raise StoreError("培训对象没有记下来；请稍后再试，仍不行请联系管理员") from error


def learner_track(folder: Path) -> str:
    """The track of whoever works in a module's ``folder``: the classroom's, else the learner's own choice."""
    # A course's modules lie in the home itself or in a folder of the course.
    here = folder.resolve()
    homes = (here.parent, here.parent.parent)
    return os.environ.get(TRACK_VARIABLE, "") or next((t for t in map(chosen_track, homes) if t), "")
