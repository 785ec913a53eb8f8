"""What belongs to one classroom, and in which order it is copied.

The order is what keeps a backup consistent while everybody goes on working: whatever refers to something
is copied before that something. The gradebook goes first: every attempt in it is in ``submitted/`` already.
Then ``submitted/`` and what is made from it, whose attempts are in the exchange's inbound folder already; then
learners' homes, whose cache names submissions that are in the exchange; then the exchange, whose lessons have
their editions in ``course/``; ``course/`` goes last. Nothing of all this is ever deleted, so what somebody refers
to is still there when its turn comes. What came meanwhile is extra, and grading takes it up again.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import make_url
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from qinlian.classroom.layout import Layout
from qinlian.errors import BackupError
from qinlian.hub.settings import HubSettings

__all__ = ["ASIDE", "STAGING", "Part", "Place", "Site", "hub_site", "local_site"]

ASIDE, STAGING = ".before-restore-", ".restoring-"
"""How folders are called that hold what a restore put aside, and what it has not put in place yet."""

_PASSING = (ASIDE + "*", STAGING + "*", "gradebook.db*", "logs", "lock", "error-*.log")
_LOCAL = (*_PASSING, "jupyter", "open.html")
_HUB = (*_PASSING, "learners.img", "pages", "*.pid")


@dataclass(frozen=True)
class Place:
    """One folder. ``stays`` are patterns of names in it that are this machine's: neither copied nor replaced."""

    name: str
    path: Path
    stays: tuple[str, ...] = _PASSING

    def is_staying(self, name: str) -> bool:
        """True for a name directly in this folder that a backup has no part in."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.stays)

    def contents(self) -> list[Path]:
        """What lies directly in it and may be put aside, by name."""
        if not self.path.is_dir():
            return []
        return sorted(path for path in self.path.iterdir() if not self.is_staying(path.name))


@dataclass(frozen=True)
class Part:
    """A part of a place that is copied at one go: ``folder`` below it, or ("") all that no other part has.

    ``depth`` is given where learners write: whose something is shows at that many folders down. There
    links, special files and endless amounts are to be expected, and left out. Where ``dotted`` is False, a
    name with a dot before it is of something that is being written.
    """

    place: Place
    folder: str = ""
    depth: int = 0
    dotted: bool = True

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.place.path / self.folder


@dataclass(frozen=True)
class Site:
    """One classroom: ``kind`` is 本机 or Hub, ``parts`` stand in the order of copying.

    ``lock`` is held by whoever has the classroom open.
    """

    kind: str
    course_id: str
    db_url: str
    parts: tuple[Part, ...]
    submitted: Path
    exchange: Path
    course: Path
    lock: Path

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place once."""
        return tuple({part.place.name: part.place for part in self.parts}.values())

    @property
    def sqlite(self) -> Path | None:
        """The gradebook's file, when it is SQLite's."""
        url = make_url(self.db_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @property
    def inbound(self) -> PurePosixPath:
        """Where submissions arrive, below the exchange."""
        return PurePosixPath(self.course_id, "inbound")

    def learners_data(self) -> Iterator[Path]:
        """Whatever shows that this classroom was used: nothing of it may be lost."""
        if self.sqlite is not None and self.sqlite.is_file():
            yield self.sqlite
        for part in self.parts:
            if part.place.name in ("classroom", "autograded", "exchange", "homes"):
                yield from (path for path in part.place.contents() if path.is_file() or _holds_files(path))
        editions = self.course / "editions"
        if editions.is_dir():
            yield editions


def _holds_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


def _below(folder: Path, place: Path) -> str:
    below = str(PurePosixPath(folder.relative_to(place)))
    return "" if below == "." else below


def _parts(plan: list[tuple[Path, int, bool]], places: list[Place]) -> tuple[Part, ...]:
    """Each folder of the plan as a part of the innermost place that has it; then what is left of each place."""
    found = []
    for folder, depth, dotted in plan:
        place = max((p for p in places if folder.is_relative_to(p.path)), key=lambda p: len(p.path.parts))
        found.append(Part(place, _below(folder, place.path), depth, dotted))
    whole = {part.place.name for part in found if not part.folder}
    rest = [place for place in places if place.name not in whole]
    # "course" goes last, after what was released from it.
    return (*found, *(Part(place) for place in sorted(rest, key=lambda p: p.name in ("course", "source", "release"))))


def _made(folders: tuple[Path, ...]) -> list[tuple[Path, int, bool]]:
    return [(folder, 0, False) for folder in folders]


def _settings(root: Path) -> Any:
    try:
        return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    except ConfigFileNotFound:
        raise BackupError(f"{root} 里没有 nbgrader_config.py；请到课程仓库里运行，或用 --root 指明位置") from None


def local_site(root: Path, homes: Path | None = None) -> Site:
    """The classroom of the course repository at ``root``, as its nbgrader_config.py has it.

    ``homes`` is where learners' homes are, when not below the classroom's own folder. Raises BackupError.
    """
    root = root.resolve()
    config, base = _settings(root), Layout(root).base.resolve()
    submitted = Path(config.CourseDirectory.get("submitted_directory", root / "submitted")).resolve()
    autograded = Path(config.CourseDirectory.get("autograded_directory", root / "autograded")).resolve()
    exchange = Path(config.Exchange.root).resolve()
    places = [Place("classroom", base, _LOCAL)]
    places += [] if autograded.is_relative_to(base) else [Place("autograded", autograded, (*_PASSING, "README.md"))]
    places += [] if exchange.is_relative_to(base) else [Place("exchange", exchange)]
    places += [Place("homes", homes.resolve())] if homes else []
    places += [Place(name, root / name) for name in ("course", "source", "release")]
    learners = [(homes.resolve() if homes else base / "homes", 1, True), (exchange, 3, False)]
    return Site(
        kind="本机",
        course_id=str(config.CourseDirectory.course_id),
        db_url=str(config.CourseDirectory.db_url),
        parts=_parts([*_made((submitted, autograded, base / "feedback")), *learners], places),
        submitted=submitted,
        exchange=exchange,
        course=root / "course",
        lock=base / "lock",
    )


def hub_site(hub: HubSettings) -> Site:
    """The classroom of a Hub.

    Raises BackupError while the learners' own disk is not mounted: behind its mount point nothing is theirs.
    """
    if (hub.private / "learners.img").exists() and not os.path.ismount(hub.learners):
        raise BackupError(f"学员的磁盘没有挂上（{hub.learners}）；请先运行一次 ./run --hub，它会挂好，停下以后仍挂着")
    places = [
        Place("classroom", hub.classroom, _HUB),
        Place("exchange", hub.exchange),
        Place("homes", hub.homes),
        Place("hub", hub.private, _HUB),
        Place("course", hub.course_root),
    ]
    submitted = hub.classroom / "submitted"
    plan = _made((submitted, hub.classroom / "autograded", hub.classroom / "feedback"))
    return Site(
        kind="Hub",
        course_id=hub.course_id,
        db_url=hub.db_url,
        parts=_parts([*plan, (hub.homes, 1, True), (hub.exchange, 3, False)], places),
        submitted=submitted,
        exchange=hub.exchange,
        course=hub.course_root / "course",
        lock=hub.private / "lock",
    )
