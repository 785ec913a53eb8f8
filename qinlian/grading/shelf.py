"""What was taken in: a copy of every attempt, and one of them in ``submitted/`` for nbgrader to see.

What was taken once is never read from the exchange again: the learner still owns the folder there
and may change it, so everything later works on the copy kept beside ``submitted/``.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from qinlian.core.files import LESSON_NAME, SECRET_NAME
from qinlian.errors import GradingError
from qinlian.grading.arrivals import Arrival, Arrivals
from qinlian.grading.folders import replace_folder
from qinlian.grading.late import deadline
from qinlian.grading.responses import open_engine

__all__ = ["Parcel", "Shelf", "belongs", "released_bytes"]


@dataclass(frozen=True)
class Parcel:
    """One attempt that was taken in: its row, its kept copy, and whether it came after the due date."""

    arrival: Arrival
    kept: Path
    late: bool

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """What puts a learner's attempts in order of arrival."""
        when = self.arrival.submitted_at or self.arrival.first_seen
        return when, self.arrival.first_seen, self.arrival.folder

    @property
    def pair(self) -> tuple[str, str]:
        """Whose it is, and of which module."""
        return self.arrival.learner, self.arrival.module

    @property
    def secret(self) -> str:
        """The submission's secret, from the kept copy."""
        return (self.kept / SECRET_NAME).read_text("utf-8").strip()


def belongs(parcels: Sequence[Parcel]) -> Parcel:
    """Of one learner's attempts the one for ``submitted/``: the newest on time, else the newest."""
    return max([p for p in parcels if not p.late] or parcels, key=lambda p: p.order)


def released_bytes(coursedir: CourseDirectory, module: str) -> bytes:
    """The released notebook; raises GradingError while there is none."""
    release = Path(coursedir.format_path(coursedir.release_directory, ".", module))
    try:
        if (release / LESSON_NAME).is_file():
            return (release / f"{module}.ipynb").read_bytes()
    except OSError:
        pass
    raise GradingError(f"release/ 里没有模块 {module}；请运行 qinlian build，其后会自动继续")


class Shelf:
    """The kept attempts of one course."""

    def __init__(self, coursedir: CourseDirectory, arrivals: Arrivals) -> None:
        self._coursedir, self._arrivals = coursedir, arrivals
        # As nbgrader's own groupshared has it; else as it leaves folders.
        self._mode = 0o2770 if coursedir.groupshared else 0o755

    def folder(self, arrival: Arrival) -> Path:
        """Where the copy of an arrival lies, or will."""
        base = self._coursedir.format_path(self._coursedir.submitted_directory, ".kept", arrival.module)
        return Path(base) / arrival.place

    def keep(self, arrival: Arrival, files: dict[str, bytes]) -> None:
        """Keep these files as what arrived."""
        kept = self.folder(arrival)
        self._close(kept.parent.parent)
        self._close(kept.parent)
        self._put(kept, files)

    def parcels(self, arrivals: Sequence[Arrival]) -> list[Parcel]:
        """These arrivals as parcels, late or not by the due dates of now."""
        if not arrivals:
            return []
        learners: dict[str, set[str]] = {}
        for arrival in arrivals:
            learners.setdefault(arrival.module, set()).add(arrival.learner)
        with open_engine(self._coursedir.db_url).connect() as connection:
            dues = {module: deadline(connection, module, sorted(names)) for module, names in learners.items()}
        return [Parcel(a, self.folder(a), dues[a.module].seconds_late(a.learner, a.submitted_at) > 0) for a in arrivals]

    def of(self, module: str, learners: Collection[str] | None = None) -> dict[str, list[Parcel]]:
        """Every attempt that was taken in and not put aside, by learner, in order of arrival."""
        found: dict[str, list[Parcel]] = {}
        for parcel in self.parcels(self._arrivals.of(module, learners, ["已收", "已评分"])):
            found.setdefault(parcel.arrival.learner, []).append(parcel)
        return found

    def place(self, parcel: Parcel) -> Path:
        """Put the attempt into ``submitted/``, with the released notebook; returns the folder.

        Raises GradingError while there is no such notebook.
        """
        arrival = parcel.arrival
        target = Path(self._coursedir.format_path(self._coursedir.submitted_directory, arrival.learner, arrival.module))
        notebook = released_bytes(self._coursedir, arrival.module)
        files = {path.name: path.read_bytes() for path in parcel.kept.iterdir()}
        self._close(target.parent)
        self._put(target, files | {f"{arrival.module}.ipynb": notebook})
        return target

    def _close(self, folder: Path) -> None:
        """Make a folder that is the graders' alone: secrets lie in it that open results."""
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o2770 if self._coursedir.groupshared else 0o700)

    def _put(self, target: Path, files: dict[str, bytes]) -> None:
        """Make ``target`` hold exactly ``files``, whole or not at all."""
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            for name, data in files.items():
                (fresh / name).write_bytes(data)
                if self._coursedir.groupshared:
                    # Whatever the umask of who collects: the next to grade is another of the group.
                    (fresh / name).chmod(0o664)
            # Whoever reads it can open the learner's results.
            (fresh / SECRET_NAME).chmod(0o660 if self._coursedir.groupshared else 0o600)
            fresh.chmod(self._mode)
            replace_folder(fresh, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
