"""From the exchange's inbound folder onto the shelf: every attempt taken in once, by one process at a time."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SQLAlchemyError

from qinlian.core.files import ANSWERS_NAME, SECRET_NAME, TIMESTAMP_NAME, parse_answers
from qinlian.database import retrying
from qinlian.errors import AnswersError, GradingError, QinlianError, SubmissionError
from qinlian.grading.arrivals import Arrival, Arrivals, secret_digest
from qinlian.grading.assess import course_folder
from qinlian.grading.editions import Edition, find_edition
from qinlian.grading.exclusive import Exclusive
from qinlian.grading.inbound import (
    NOTEBOOK,
    TOLERANCE,
    Folder,
    Unfinished,
    account_owner,
    closed_to_others,
    folder_name,
    open_inbound,
    printable,
    read_folder,
    read_secret,
)
from qinlian.grading.setting import lock_path
from qinlian.grading.shelf import Parcel, Shelf, released_bytes
from qinlian.grading.submitted_notebook import notebook_note

__all__ = ["Intake", "Refusal", "submission_time"]

STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"
_TICK = 1_000_000_000
_PATIENCE, _GIVE_UP = timedelta(minutes=1), timedelta(days=1)
"""How long an unfinished folder is looked at in every round, and how long at all."""
_AGAIN = 5.0
_BATCH, _BATCH_SECONDS = 64, 1.0
"""How many folders are looked into while others wait for the lock, and for how long at most."""
_HELD = 20
"""How many ungraded attempts of one learner at one module are kept; the rest wait in the exchange."""
_PARKED = "这次提交没有评完，已转给管理员处理；可以重新提交一次，原有的成绩不受影响"


def _now() -> datetime:
    return datetime.now(UTC)


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
        owner_of: Callable[[int], str] = account_owner,
        log: logging.Logger | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._coursedir, self._inbound, self._clock = coursedir, inbound, clock
        self._check_owner, self._owner_of = check_owner, owner_of
        self._log = log or logging.getLogger("qinlian.grading")
        if not check_owner and not closed_to_others(inbound):
            raise GradingError(
                "这台机器上的其他用户也能进入提交文件夹，却没有打开提交人核对（QinlianCollect.check_owner）；"
                "请把它打开，或把课堂文件夹的权限改成只有自己能进（chmod 700）"
            )
        # nbgrader marks a new database with its version only when it finds it empty.
        retrying(lambda: Gradebook(coursedir.db_url, coursedir.course_id).close())
        self.arrivals = Arrivals(coursedir.db_url)
        self.shelf = Shelf(coursedir, self.arrivals)
        # The database is the course's own, and so is the lock's name.
        self._lock = Exclusive(coursedir.db_url, "qinlian intake", lock_path(coursedir, "lock"))
        self._done = self.arrivals.taken()
        self._later: dict[str, float] = {}
        self._looked: dict[str, int] = {}
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
                    self._open = [e.name for e in entries if e.name[:1] != "." and printable(e.name) not in self._done]
                # A folder that comes within the same tick of the clock would not show.
                self._listed = changed if now - changed > _TICK else 0
        except FileNotFoundError:
            return []
        self._open = [name for name in self._open if printable(name) not in self._done]
        return [name for name in self._open if not self._deferred(name)]

    def _deferred(self, name: str) -> bool:
        return self._later.get(name, 0.0) > time.monotonic()

    def take(
        self, module: str | None = None, learner: str | None = None, *, wait: float = 60.0, everything: bool = True
    ) -> list[Parcel]:
        """Take in what is complete, and return what was taken, in order of arrival.

        Nobody else takes in meanwhile, on any machine: waits up to ``wait`` seconds for another who
        does, then raises GradingError; with a ``wait`` of 0 there is simply nothing. Not ``everything``:
        return after a while although more is there, so that grading can begin.
        """
        names = self._in_turn()
        taken: list[Arrival] = []
        while names:
            if wait:
                with self._lock.held(wait):
                    count, more = self._batch(names, module, learner)
            elif self._lock.acquire():
                try:
                    count, more = self._batch(names, module, learner)
                finally:
                    self._lock.release()
            else:
                break
            taken += more
            names = names[count:] if everything else []
        return sorted(self.shelf.parcels(taken), key=lambda p: p.order)

    def _in_turn(self) -> list[str]:
        """Those first that were looked into longest ago, then by the time in their names."""
        names = self.names()
        now = time.monotonic()
        self._later = {name: until for name, until in self._later.items() if until > now}
        there = set(self._open)
        self._looked = {name: turn for name, turn in self._looked.items() if name in there}
        return sorted(names, key=lambda n: (self._looked.get(n, 0), n.partition("+")[2].partition("+")[2], n))

    def _batch(self, names: Sequence[str], module: str | None, learner: str | None) -> tuple[int, list[Arrival]]:
        """Look into some of these folders; returns how many, and what was taken in."""
        some = names[:_BATCH]
        taken: list[str] = []
        turn = 1 + max(self._looked.values(), default=0)
        end = time.monotonic() + _BATCH_SECONDS
        count = 0
        with open_inbound(self._inbound) as inbound, self.arrivals.together():
            # Another worker may have taken some of them since.
            ended = self.arrivals.taken([printable(name) for name in some])
            self._held = self.arrivals.held({printable(name).partition("+")[0] for name in some})
            for name in some:
                if count and time.monotonic() > end:
                    break
                count += 1
                self._looked[name] = turn
                shown = printable(name)
                if shown not in ended and self._try(inbound, name, module, learner, taken):
                    ended.add(shown)
            rows = self.arrivals.rows(taken)
        # Not before all of it is in the database: it may yet be rolled back.
        self._done |= ended | set(taken)
        return count, rows

    def _try(self, inbound: int, text: str, module: str | None, learner: str | None, taken: list[str]) -> bool:
        """Consider one folder; True when it is refused. What is taken in is added to ``taken``."""
        try:
            return self._consider(inbound, text, module, learner, taken)
        except SQLAlchemyError:
            raise
        except Exception as error:
            why = str(error) if isinstance(error, QinlianError) else "磁盘或权限的问题"
            self._log.error("提交 %s 暂时没有收下（%s），稍后会自动再试", printable(text), why)
            self._log.debug("没有收下", exc_info=True)
            self._put_off(text, _AGAIN)
            return False

    def _consider(self, inbound: int, text: str, module: str | None, learner: str | None, taken: list[str]) -> bool:
        shown, now = printable(text), self._clock()
        try:
            name = folder_name(text)
        except SubmissionError as error:
            return self._refuse(self.arrivals.seen(shown, "", "", now), error)
        if (module is not None and name.module != module) or (learner is not None and name.learner != learner):
            return False
        arrival = self.arrivals.seen(shown, name.learner, name.module, now)
        self.arrivals.look(shown)
        if self._held[name.learner, name.module] >= _HELD:
            self._put_off(text, _AGAIN)
            return False
        try:
            released = self._released(name.module)
            folder = read_folder(inbound, name, check_owner=self._check_owner, owner_of=self._owner_of)
            # What was left here once, unfinished or for lack of something, may have been filled since.
            self._keep(arrival, folder, released, now if arrival.looked else arrival.first_seen)
            taken.append(shown)
        except Unfinished:
            return self._wait(text, arrival, now)
        except SubmissionError as error:
            return self._refuse(arrival, error)
        return False

    def _wait(self, text: str, arrival: Arrival, now: datetime) -> bool:
        age = now - arrival.first_seen
        if age > _GIVE_UP:
            error = SubmissionError("unfinished", "提交的文件夹一直没有写完，没有收；请重新提交")
            return self._refuse(arrival, error)
        if age > _PATIENCE:
            self._put_off(text, _AGAIN)
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
                return (self.shelf.folder(arrival) / SECRET_NAME).read_text("utf-8")
            with open_inbound(self._inbound) as inbound:
                secret = read_secret(inbound, folder_name(arrival.folder))
        except (OSError, SubmissionError):
            return ""
        # A secret that somebody else's submission came with opens that one's result.
        return "" if self.arrivals.has_secret(secret_digest(secret), other_than=arrival.folder) else secret

    def _released(self, module: str) -> bytes:
        """The released notebook; raises SubmissionError when the course has no such module."""
        try:
            return released_bytes(self._coursedir, module)
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
        self.shelf.keep(arrival, files)
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

    def _put_off(self, name: str, seconds: float) -> None:
        self._later[name] = time.monotonic() + seconds
