"""From the exchange's inbound folder to ``submitted/``: every attempt kept, one of them shown to nbgrader.

What was taken once is never read again: the learner still owns the folder in the exchange and may
change it afterwards, so a copy is kept beside ``submitted/`` and everything later works on that.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SQLAlchemyError

from qinlian.core.files import ANSWERS_NAME, LESSON_NAME
from qinlian.errors import SubmissionError
from qinlian.grading.arrivals import Arrival, Arrivals, secret_digest
from qinlian.grading.inbound import (
    NOTEBOOK,
    SECRET_NAME,
    TIMESTAMP_NAME,
    TOLERANCE,
    Folder,
    FolderName,
    Unfinished,
    folder_name,
    open_inbound,
    printable,
    read_folder,
    read_secret,
)
from qinlian.grading.late import deadline
from qinlian.grading.responses import open_engine

__all__ = ["Intake", "Parcel", "Refusal", "belongs", "notebook_note", "submission_time"]

STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"
_TICK = 1_000_000_000
_PATIENCE, _GIVE_UP = timedelta(minutes=1), timedelta(days=1)
"""How long an unfinished folder is looked at in every round, and how long at all."""


def _now() -> datetime:
    return datetime.now(UTC)


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
    def secret(self) -> str:
        """The submission's secret, from the kept copy."""
        return (self.kept / SECRET_NAME).read_text("utf-8").strip()


@dataclass(frozen=True)
class Refusal:
    """A folder that was not taken, and the secret (if any) through which its sender can be told why."""

    module: str
    secret: str = field(repr=False)
    reason: str


def submission_time(folder: Folder, first_seen: datetime) -> tuple[datetime, str]:
    """The time that counts, and a Chinese note when it is not the one the folder claims.

    No later than when we first saw it, no earlier than the file system says it was written.
    """
    # A restored backup has new file times; what was seen before cannot have been written after.
    written = min(folder.written, first_seen)
    claimed = folder.name.claimed
    if claimed is None:
        return written, "提交文件夹上的时间无法识别，按系统收到的时间记"
    if claimed > first_seen + TOLERANCE:
        return written, "提交文件夹上的时间晚于实际收到的时间，按系统收到的时间记"
    if claimed < written - TOLERANCE:
        return written, "提交文件夹上的时间早于文件实际写成的时间，按系统收到的时间记"
    return min(claimed, first_seen), ""


def _cells(data: bytes) -> list[tuple[str, str]]:
    cells = json.loads(data.decode("utf-8"))["cells"]
    return [(str(c["cell_type"]), c["source"] if isinstance(c["source"], str) else "".join(c["source"])) for c in cells]


def notebook_note(submitted: bytes | None, released: bytes) -> str:
    """What to say of the notebook that came along; empty when its cells are the released ones."""
    if submitted is None:
        return "没有收到课文笔记本；评分只看答题记录，得分不受影响"
    try:
        cells = _cells(submitted)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "交来的课文笔记本已损坏；评分只看答题记录，得分不受影响"
    if cells != _cells(released):
        return "交来的课文笔记本里，单元格有增减或改动；评分只看答题记录，得分不受影响"
    return ""


class Intake:
    """Takes submissions in, for one course. ``clock`` returns the time now, aware."""

    def __init__(
        self,
        coursedir: CourseDirectory,
        inbound: Path,
        *,
        check_owner: bool = True,
        log: logging.Logger | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._coursedir, self._inbound, self._check_owner, self._clock = coursedir, inbound, check_owner, clock
        self._log = log or logging.getLogger("qinlian.grading")
        # As nbgrader's own groupshared has it; else as it leaves folders.
        self._folder_mode = 0o2770 if coursedir.groupshared else 0o755
        # nbgrader marks a new database with its version only when it finds it empty.
        with Gradebook(coursedir.db_url, coursedir.course_id):
            pass
        self.arrivals = Arrivals(coursedir.db_url)
        self.refusals: list[Refusal] = []
        self._done = self.arrivals.finished()
        self._later: dict[str, float] = {}
        self._open: list[str] = []
        self._listed = 0

    def now(self) -> datetime:
        """The time, by this intake's clock."""
        return self._clock()

    def names(self) -> list[str]:
        """Folders in the inbound folder with which something may have to be done. Cheap when idle."""
        try:
            changed = self._inbound.stat().st_mtime_ns
            if changed != self._listed:
                now = time.time_ns()
                with os.scandir(self._inbound) as entries:
                    self._open = [e.name for e in entries if e.name[:1] != "." and e.name not in self._done]
                # A folder that comes within the same tick of the clock would not show.
                self._listed = changed if now - changed > _TICK else 0
        except FileNotFoundError:
            return []
        self._open = [name for name in self._open if printable(name) not in self._done]
        return [name for name in self._open if not self._deferred(printable(name))]

    def _deferred(self, folder: str) -> bool:
        return self._later.get(folder, 0.0) > time.monotonic()

    def take(self, module: str | None = None, learner: str | None = None) -> list[Parcel]:
        """Take in what is complete, and return all that waits to be graded, in order of arrival."""
        names = self.names()
        if names:
            with open_inbound(self._inbound) as inbound, self.arrivals.together():
                for name in sorted(names):
                    self._try(inbound, name, module, learner)
        waiting = self._parcels(self.arrivals.of(module, learner, ["已收"]))
        return [p for p in waiting if not self._deferred(p.arrival.folder)]

    def _try(self, inbound: int, text: str, module: str | None, learner: str | None) -> None:
        try:
            self._consider(inbound, text, module, learner)
        except SQLAlchemyError:
            raise
        except Exception:
            self._log.error("提交 %s 暂时没有收下（磁盘或权限的问题），稍后会自动再试", printable(text))
            self._log.debug("没有收下", exc_info=True)
            self._later[printable(text)] = time.monotonic() + 5.0

    def _consider(self, inbound: int, text: str, module: str | None, learner: str | None) -> None:
        shown = printable(text)
        try:
            name = folder_name(text)
        except SubmissionError as error:
            self.arrivals.seen(shown, "", "", self._clock())
            self._refuse(shown, error)
            return
        if (module is not None and name.module != module) or (learner is not None and name.learner != learner):
            return
        arrival = self.arrivals.seen(shown, name.learner, name.module, self._clock())
        if arrival.state != "等待":
            if arrival.state != "已收":
                self._done.add(shown)
            return
        try:
            released = self._released(name)
            folder = read_folder(inbound, name, check_owner=self._check_owner)
            self._keep(arrival, folder, released)
        except Unfinished:
            self._wait(arrival)
        except SubmissionError as error:
            secret = read_secret(inbound, name)
            # A secret that somebody else's submission came with opens that one's result.
            self._refuse(shown, error, name.module, "" if self._known(secret) else secret)

    def _wait(self, arrival: Arrival) -> None:
        age = self._clock() - arrival.first_seen
        if age > _GIVE_UP:
            self._refuse(arrival.folder, SubmissionError("unfinished", "提交的文件夹一直没有写完，没有收；请重新提交"))
        elif age > _PATIENCE:
            self._later[arrival.folder] = time.monotonic() + 5.0

    def _known(self, secret: str) -> bool:
        return self.arrivals.has_secret(secret_digest(secret), other_than="")

    def _refuse(self, folder: str, error: SubmissionError, module: str = "", secret: str = "") -> None:
        self.refusals.append(Refusal(module, secret, str(error)))
        self.arrivals.refuse(folder, str(error))
        self._done.add(folder)
        self._log.warning("没有收下提交 %s：%s", folder, error)

    def _released(self, name: FolderName) -> bytes:
        release = Path(self._coursedir.format_path(self._coursedir.release_directory, ".", name.module))
        if not release.parent.is_dir():
            raise Unfinished  # release/ is being put in place anew
        try:
            if not (release / LESSON_NAME).is_file():
                raise FileNotFoundError
            return (release / f"{name.module}.ipynb").read_bytes()
        except OSError:
            raise SubmissionError("unknown-module", "提交的模块不在本课程里，没有收；请在课程页面里重新提交") from None

    def _keep(self, arrival: Arrival, folder: Folder, released: bytes) -> None:
        digest = secret_digest(folder.secret)
        if self.arrivals.has_secret(digest, other_than=arrival.folder):
            raise SubmissionError("reused-secret", "提交的凭证与另一份提交相同，没有收；请在课程页面里重新提交")
        moment, note = submission_time(folder, arrival.first_seen)
        notes = [*folder.notes, *([note] if note else [])]
        if not any(n.startswith(NOTEBOOK) for n in notes) and (said := notebook_note(folder.notebook, released)):
            notes.append(said)
        files = {TIMESTAMP_NAME: moment.strftime(STAMP).encode(), SECRET_NAME: folder.secret.encode()}
        if folder.answers is not None:
            files[ANSWERS_NAME] = folder.answers
        kept = self._kept(arrival)
        everybody = kept.parent.parent
        if not everybody.exists():
            everybody.mkdir(parents=True)
            # Secrets lie here that open results: it is the graders' alone.
            everybody.chmod(self._folder_mode if self._coursedir.groupshared else 0o700)
        _put(kept, files, self._folder_mode)
        self.arrivals.keep(arrival.folder, moment, digest, tuple(notes))
        for said in notes:
            self._log.warning("提交 %s：%s", arrival.folder, said)

    def _kept(self, arrival: Arrival) -> Path:
        base = self._coursedir.format_path(self._coursedir.submitted_directory, ".kept", arrival.module)
        return Path(base) / arrival.place

    def _parcels(self, arrivals: Sequence[Arrival]) -> list[Parcel]:
        if not arrivals:
            return []
        learners: dict[str, set[str]] = {}
        for arrival in arrivals:
            learners.setdefault(arrival.module, set()).add(arrival.learner)
        with open_engine(self._coursedir.db_url).connect() as connection:
            dues = {module: deadline(connection, module, sorted(names)) for module, names in learners.items()}
        return [Parcel(a, self._kept(a), dues[a.module].seconds_late(a.learner, a.submitted_at) > 0) for a in arrivals]

    def kept(self, module: str, learners: Collection[str] | None = None) -> dict[str, list[Parcel]]:
        """Every attempt that was taken in, by learner, in order of arrival."""
        found: dict[str, list[Parcel]] = {}
        for parcel in self._parcels(self.arrivals.of(module, None, ["已收", "已评分"])):
            if learners is None or parcel.arrival.learner in learners:
                found.setdefault(parcel.arrival.learner, []).append(parcel)
        return found

    def place(self, parcel: Parcel) -> Path:
        """Put the attempt into ``submitted/``, with the released notebook; returns the folder."""
        arrival = parcel.arrival
        target = Path(self._coursedir.format_path(self._coursedir.submitted_directory, arrival.learner, arrival.module))
        release = Path(self._coursedir.format_path(self._coursedir.release_directory, ".", arrival.module))
        notebook = f"{arrival.module}.ipynb"
        files = {path.name: path.read_bytes() for path in parcel.kept.iterdir()}
        _put(target, files | {notebook: (release / notebook).read_bytes()}, self._folder_mode)
        return target

    def graded(self, parcel: Parcel) -> None:
        """Nothing more is to be done with this attempt."""
        self.arrivals.graded(parcel.arrival.folder)
        self._done.add(parcel.arrival.folder)

    def failed(self, parcel: Parcel, reason: str, limit: int = 3) -> bool:
        """Grading failed; True when it is put aside after ``limit`` times."""
        parked = self.arrivals.failed(parcel.arrival.folder, reason, limit)
        if parked:
            self._done.add(parcel.arrival.folder)
        else:
            self.later(parcel, 2.0)
        return parked

    def later(self, parcel: Parcel, seconds: float) -> None:
        """Let an attempt wait for a while before it is tried again."""
        self._later[parcel.arrival.folder] = time.monotonic() + seconds


def belongs(parcels: Sequence[Parcel]) -> Parcel:
    """Of one learner's attempts the one for ``submitted/``: the newest on time, else the newest."""
    return max([p for p in parcels if not p.late] or parcels, key=lambda p: p.order)


def _put(target: Path, files: dict[str, bytes], mode: int) -> None:
    """Make ``target`` hold exactly ``files``, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        fresh.chmod(mode)
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
            target.rename(old / "was")
            fresh.rename(target)
            shutil.rmtree(old)
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
