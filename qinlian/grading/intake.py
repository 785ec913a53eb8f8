"""From the exchange's inbound folder to ``submitted/``: every attempt kept, one of them shown to nbgrader.

What was taken once is never read again: the learner still owns the folder in the exchange and may
change it afterwards, so a copy is kept beside ``submitted/`` and everything later works on that.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SQLAlchemyError

from qinlian.core.files import ANSWERS_NAME, LESSON_NAME, SECRET_NAME, TIMESTAMP_NAME, parse_answers
from qinlian.errors import AnswersError, GradingError, QinlianError, SubmissionError
from qinlian.grading.arrivals import Arrival, Arrivals, secret_digest
from qinlian.grading.assess import course_folder
from qinlian.grading.editions import Edition, find_edition
from qinlian.grading.folders import replace_folder
from qinlian.grading.inbound import (
    NOTEBOOK,
    TOLERANCE,
    Folder,
    Unfinished,
    closed_to_others,
    folder_name,
    open_inbound,
    printable,
    read_folder,
    read_secret,
)
from qinlian.grading.late import deadline
from qinlian.grading.responses import open_engine
from qinlian.grading.submitted_notebook import notebook_note

__all__ = ["Intake", "Parcel", "Refusal", "belongs", "submission_time"]

STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"
_TICK = 1_000_000_000
_PATIENCE, _GIVE_UP = timedelta(minutes=1), timedelta(days=1)
"""How long an unfinished folder is looked at in every round, and how long at all."""
_AGAIN = 5.0
_BACK_OFF = (30.0, 300.0)
"""Seconds before a failed attempt is graded a second time, and a third, which is the last."""
_HELD = 20
"""How many ungraded attempts of one learner at one module are kept; the rest wait in the exchange."""
_PARKED = "这次提交没有评完，已转给管理员处理；可以重新提交一次，原有的成绩不受影响"


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
    """A folder that was refused or put aside, and the secret (if any) through which its sender can be told why."""

    arrival: Arrival
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
        return written, "提交所写的时间无法识别，提交时间按系统收到的时间记"
    if claimed > first_seen + TOLERANCE:
        return written, "提交时您那边的时钟快了，提交时间按系统收到的时间记"
    if claimed < written - TOLERANCE:
        return written, "提交时您那边的时钟慢了，提交时间按系统收到的时间记"
    return min(claimed, first_seen), ""


class Intake:
    """Takes submissions in, for one course. ``clock`` returns the time now, aware.

    Raises GradingError when owners are not to be checked although others can reach the exchange.
    """

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
        if not check_owner and not closed_to_others(inbound):
            raise GradingError(
                "这台机器上的其他用户也能进入提交文件夹，却没有打开提交人核对（QinlianCollect.check_owner）；"
                "请把它打开，或把课堂文件夹的权限改成只有自己能进（chmod 700）"
            )
        # As nbgrader's own groupshared has it; else as it leaves folders.
        self._folder_mode = 0o2770 if coursedir.groupshared else 0o755
        # nbgrader marks a new database with its version only when it finds it empty.
        with Gradebook(coursedir.db_url, coursedir.course_id):
            pass
        self.arrivals = Arrivals(coursedir.db_url)
        self._done = self.arrivals.finished()
        self._later: dict[str, float] = {}
        self._open: list[str] = []
        self._listed = 0
        self._held: Counter[tuple[str, str]] = Counter()

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

    def waiting(self) -> bool:
        """True when something is to be done now: a folder arrived, or what was put off is due."""
        # An attempt that was put off is graded from its kept copy: its folder here may be gone.
        return bool(self.names()) or any(not self._deferred(folder) for folder in self._later)

    def _deferred(self, folder: str) -> bool:
        return self._later.get(folder, 0.0) > time.monotonic()

    def take(self, module: str | None = None, learner: str | None = None) -> list[Parcel]:
        """Take in what is complete, and return all that waits to be graded, in order of arrival."""
        names = self.names()
        self._later = {folder: until for folder, until in self._later.items() if self._deferred(folder)}
        if names:
            with open_inbound(self._inbound) as inbound, self.arrivals.together():
                held = self.arrivals.of(module, learner, ["已收"])
                self._held = Counter((a.learner, a.module) for a in held)
                ended = {printable(name) for name in sorted(names) if self._try(inbound, name, module, learner)}
            # Not before all of it is in the database: it may yet be rolled back.
            self._done |= ended
        waiting = self._parcels(self.arrivals.of(module, learner, ["已收"]))
        return [p for p in waiting if not self._deferred(p.arrival.folder)]

    def _try(self, inbound: int, text: str, module: str | None, learner: str | None) -> bool:
        """Consider one folder; True when nothing more is ever to be done with it here."""
        try:
            return self._consider(inbound, text, module, learner)
        except SQLAlchemyError:
            raise
        except Exception as error:
            why = str(error) if isinstance(error, QinlianError) else "磁盘或权限的问题"
            self._log.error("提交 %s 暂时没有收下（%s），稍后会自动再试", printable(text), why)
            self._log.debug("没有收下", exc_info=True)
            self._put_off(printable(text), _AGAIN)
            return False

    def _consider(self, inbound: int, text: str, module: str | None, learner: str | None) -> bool:
        shown, now = printable(text), self._clock()
        try:
            name = folder_name(text)
        except SubmissionError as error:
            return self._refuse(self.arrivals.seen(shown, "", "", now), error)
        if (module is not None and name.module != module) or (learner is not None and name.learner != learner):
            return False
        arrival = self.arrivals.seen(shown, name.learner, name.module, now)
        if arrival.state != "等待":
            return arrival.state != "已收"
        self.arrivals.look(shown)
        if self._held[name.learner, name.module] >= _HELD:
            self._put_off(shown, _AGAIN)
            return False
        try:
            released = self._released(name.module)
            folder = read_folder(inbound, name, check_owner=self._check_owner)
            # What was left here once, unfinished or for lack of something, may have been filled since.
            self._keep(arrival, folder, released, now if arrival.looked else arrival.first_seen)
        except Unfinished:
            return self._wait(arrival, now)
        except SubmissionError as error:
            return self._refuse(arrival, error)
        return False

    def _wait(self, arrival: Arrival, now: datetime) -> bool:
        age = now - arrival.first_seen
        if age > _GIVE_UP:
            error = SubmissionError("unfinished", "提交的文件夹一直没有写完，没有收；请重新提交")
            return self._refuse(arrival, error)
        if age > _PATIENCE:
            self._put_off(arrival.folder, _AGAIN)
        return False

    def _refuse(self, arrival: Arrival, error: SubmissionError) -> bool:
        self.arrivals.refuse(arrival.folder, str(error))
        self._log.warning("没有收下提交 %s：%s", arrival.folder, error)
        return True

    @property
    def refusals(self) -> list[Refusal]:
        """What was refused or put aside and its sender was not yet told."""
        return [Refusal(a, self._reply(a), a.reason if a.state == "拒收" else _PARKED) for a in self.arrivals.untold()]

    def _reply(self, arrival: Arrival) -> str:
        """The secret through which the sender can be told; empty when there is none to trust."""
        try:
            if arrival.secret:
                return (self._kept(arrival) / SECRET_NAME).read_text("utf-8")
            with open_inbound(self._inbound) as inbound:
                secret = read_secret(inbound, folder_name(arrival.folder))
        except (OSError, SubmissionError):
            return ""
        # A secret that somebody else's submission came with opens that one's result.
        return "" if self.arrivals.has_secret(secret_digest(secret), other_than=arrival.folder) else secret

    def _released(self, module: str) -> bytes:
        """The released notebook; raises SubmissionError when the course has no such module."""
        try:
            return _released_notebook(self._coursedir, module)
        except GradingError:
            # nbgrader takes the folder away for a while when it makes it anew: no reason to refuse anybody.
            outbound = self._inbound.parent / "outbound" / module
            editions = course_folder(Path(self._coursedir.root)) / "editions" / module
            if outbound.is_dir() or editions.is_dir():
                raise
        raise SubmissionError("unknown-module", "提交的模块不在本课程里，没有收；请在课程页面里重新提交")

    def _keep(self, arrival: Arrival, folder: Folder, released: bytes, complete: datetime) -> None:
        digest = secret_digest(folder.secret)
        if self.arrivals.has_secret(digest, other_than=arrival.folder):
            raise SubmissionError("reused-secret", "提交的凭证与另一份提交相同，没有收；请在课程页面里重新提交")
        moment, note = submission_time(folder, complete)
        notes = [*folder.notes, *([note] if note else [])]
        if not any(n.startswith(NOTEBOOK) for n in notes):
            said = notebook_note(folder.notebook, released, lambda: self._answered_edition(arrival.module, folder))
            notes += [said] if said else []
        files = {TIMESTAMP_NAME: moment.strftime(STAMP).encode(), SECRET_NAME: folder.secret.encode()}
        if folder.answers is not None:
            files[ANSWERS_NAME] = folder.answers
        kept = self._kept(arrival)
        self._close(kept.parent.parent)
        _put(kept, files, self._folder_mode)
        self.arrivals.keep(arrival.folder, complete, moment, digest, tuple(notes))
        self._held[arrival.learner, arrival.module] += 1
        for said in notes:
            self._log.warning("提交 %s：%s", arrival.folder, said)

    def _answered_edition(self, module: str, folder: Folder) -> Edition | None:
        """The edition that the answers name, when it is kept here."""
        try:
            named = parse_answers(folder.answers or b"").edition
            return find_edition(course_folder(Path(self._coursedir.root)), module, named)
        except (AnswersError, GradingError):
            return None

    def _close(self, folder: Path) -> None:
        """Make a folder that is the graders' alone: secrets lie in it that open results."""
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o2770 if self._coursedir.groupshared else 0o700)

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
        """Put the attempt into ``submitted/``, with the released notebook; returns the folder.

        Raises GradingError while there is no such notebook.
        """
        arrival = parcel.arrival
        target = Path(self._coursedir.format_path(self._coursedir.submitted_directory, arrival.learner, arrival.module))
        notebook = _released_notebook(self._coursedir, arrival.module)
        files = {path.name: path.read_bytes() for path in parcel.kept.iterdir()}
        self._close(target.parent)
        _put(target, files | {f"{arrival.module}.ipynb": notebook}, self._folder_mode)
        return target

    def graded(self, parcel: Parcel) -> None:
        """Nothing more is to be done with this attempt."""
        self.arrivals.graded(parcel.arrival.folder)
        self._done.add(parcel.arrival.folder)

    def failed(self, parcel: Parcel, reason: str, limit: int = 3) -> bool:
        """Grading failed because of this attempt; True when it is put aside after ``limit`` times."""
        parked = self.arrivals.failed(parcel.arrival.folder, reason, limit)
        if parked:
            self._done.add(parcel.arrival.folder)
        else:
            self.later(parcel, _BACK_OFF[min(parcel.arrival.tries, len(_BACK_OFF) - 1)])
        return parked

    def later(self, parcel: Parcel, seconds: float) -> None:
        """Let an attempt wait for a while before it is tried again."""
        self._put_off(parcel.arrival.folder, seconds)

    def _put_off(self, folder: str, seconds: float) -> None:
        self._later[folder] = time.monotonic() + seconds


def _released_notebook(coursedir: CourseDirectory, module: str) -> bytes:
    release = Path(coursedir.format_path(coursedir.release_directory, ".", module))
    try:
        if (release / LESSON_NAME).is_file():
            return (release / f"{module}.ipynb").read_bytes()
    except OSError:
        pass
    raise GradingError(f"release/ 里没有模块 {module}；请运行 qinlian build，其后会自动继续")


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
        # Whoever reads it can open the learner's results.
        (fresh / SECRET_NAME).chmod(0o660 if mode & 0o020 else 0o600)
        fresh.chmod(mode)
        replace_folder(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
