"""发布: what learners can fetch of each module, read from the exchange and the archive of editions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Connection

from qinlian.core.files import LESSON_NAME
from qinlian.database import aware
from qinlian.grading.tables import ASSIGNMENT
from qinlian.staff.places import Places
from qinlian.staff.plan import Plan, PlannedModule

__all__ = ["Release", "dues", "releases"]


@dataclass(frozen=True)
class Release:
    """One module as learners can get it: ``edition`` empty when they cannot; ``current`` when it is what was built.

    ``since`` is when that edition was published first; ``due`` the due date by which it is graded.
    """

    module: PlannedModule
    edition: str
    current: bool
    since: datetime | None
    due: datetime | None

    @property
    def out(self) -> bool:
        """True when learners can fetch it."""
        return bool(self.edition)


def dues(connection: Connection) -> dict[str, datetime]:
    """Module → due date (aware), of the modules that have one."""
    rows = connection.execute(select(ASSIGNMENT.c.name, ASSIGNMENT.c.duedate))
    return {row.name: due for row in rows if (due := aware(row.duedate)) is not None}


def releases(places: Places, plan: Plan, due: Mapping[str, datetime]) -> tuple[Release, ...]:
    """How each module of the plan stands."""
    return tuple(_release(places, module, due.get(module.id)) for module in plan.modules)


def _release(places: Places, module: PlannedModule, due: datetime | None) -> Release:
    edition = _edition(places.outbound / module.id / LESSON_NAME)
    since = _since(places.editions / module.id / f"{edition}.json") if edition else None
    return Release(module, edition, edition == module.edition, since, due)


def _edition(lesson: Path) -> str:
    try:
        status = lesson.stat()
        return str(_parsed(lesson, status.st_mtime_ns, status.st_ino).get("edition", ""))
    except (OSError, ValueError):
        return ""


def _since(archive: Path) -> datetime | None:
    try:
        status = archive.stat()
        return datetime.fromisoformat(str(_parsed(archive, status.st_mtime_ns, status.st_ino)["released_at"]))
    except (OSError, ValueError, KeyError):
        return None


@lru_cache(maxsize=512)
def _parsed(path: Path, _changed: int, _inode: int) -> Mapping[str, str]:
    """Of a lesson or an archived edition only what the page shows: the rest is the key, or long."""
    found = json.loads(path.read_bytes())
    return {name: str(found[name]) for name in ("edition", "released_at") if name in found}
