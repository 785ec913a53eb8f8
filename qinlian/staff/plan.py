"""What the course asks of whom: modules, points, hours and pass marks, read from what was built for learners.

The built lessons are light to read and carry the very marks that learners are shown; the course's text takes
seconds and holds the keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from qinlian.core.files import LESSON_NAME

__all__ = ["Plan", "PlannedModule", "read_plan"]


@dataclass(frozen=True)
class PlannedModule:
    """One module. ``marks`` maps each track that takes it to its pass mark (percent), the empty name being
    learners without a track, who take everything."""

    id: str
    title: str
    hours: float
    max_score: float
    edition: str
    marks: Mapping[str, float]

    @property
    def number(self) -> str:
        """The number the folder's name begins with, or nothing."""
        head, _, _ = self.id.partition("-")
        return head if head.isdigit() else ""

    @property
    def name(self) -> str:
        """Number and title, as the pages call it."""
        return f"{self.number} {self.title}".strip()

    def bar(self, track: str) -> float:
        """The points at which the module is passed."""
        return self.max_score * self.marks[track] / 100


@dataclass(frozen=True)
class Plan:
    """The course's modules in order."""

    course_title: str
    modules: tuple[PlannedModule, ...]

    @cached_property
    def by_id(self) -> Mapping[str, PlannedModule]:
        """Module id → module."""
        return {module.id: module for module in self.modules}

    @cached_property
    def tracks(self) -> tuple[str, ...]:
        """The names of the tracks, without the empty one."""
        return tuple(dict.fromkeys(name for module in self.modules for name in module.marks if name))

    def taken(self, track: str) -> tuple[PlannedModule, ...]:
        """The modules a learner of that track takes."""
        return tuple(module for module in self.modules if track in module.marks)


def read_plan(release: Path) -> Plan:
    """The plan of the built course in ``release``; without modules where nothing was built. Reads only what changed."""
    found = []
    for path in sorted(release.glob(f"*/{LESSON_NAME}")):
        try:
            status = path.stat()
            found.append(_module(path, status.st_mtime_ns, status.st_size))
        except (OSError, ValueError, KeyError, TypeError):
            # Being built at this moment, or no lesson of ours: it is there again at the next look.
            continue
    title = found[0][0] if found else ""
    return Plan(course_title=title or "勤廉学堂", modules=tuple(module for _, module in found))


@lru_cache(maxsize=256)
def _module(path: Path, _changed: int, _size: int) -> tuple[str, PlannedModule]:
    lesson: dict[str, Any] = json.loads(path.read_bytes())
    points = [b["points"] for b in lesson["blocks"] if b["kind"] != "items" and b["marked"]]
    marks = {"": float(lesson["pass_mark"])} | {t["name"]: float(t["pass_mark"]) for t in lesson["tracks"]}
    module = PlannedModule(
        id=str(lesson["module"]),
        title=str(lesson["title"]),
        hours=float(lesson["hours"]),
        max_score=float(sum(points)),
        edition=str(lesson["edition"]),
        marks=marks,
    )
    return str(lesson["course_title"]), module
