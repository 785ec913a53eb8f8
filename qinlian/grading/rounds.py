"""One round of grading: take in what arrived, grade it in order, let the results out.

The worker goes round for as long as it runs; ``qinlian grade`` goes round once. Several may at a time,
on several machines: each grades only what it has claimed.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from qinlian.database import dropped
from qinlian.errors import GradingError, QinlianError
from qinlian.grading.assess import course_folder
from qinlian.grading.chunk import Chunk, publish
from qinlian.grading.claims import Claims, Held, Pair
from qinlian.grading.feedback import publish_feedback
from qinlian.grading.guard import acting
from qinlian.grading.intake import Intake
from qinlian.grading.keeper import Keeper
from qinlian.grading.ledger import Ledger
from qinlian.grading.results import tell_refused
from qinlian.grading.setting import Setting
from qinlian.grading.shelf import Parcel
from qinlian.grading.summary import Progress, Summary, silent

__all__ = ["Rounds", "Summary"]

CHUNK = 32
"""How many learners are graded at a time: few, so that results go out early and a restart costs little."""
LIMIT = 30.0
"""Seconds that one such chunk may take, or one feedback page."""
_OTHERS_WAIT, _LOOK, _TELL_AGAIN = 60.0, 0.1, 5.0


class Rounds:
    """Grading of one course. ``owner`` names this grader among others; ``fatal`` is what to do when work hangs.

    Raises GradingError when the exchange is open to forgery, as Intake does.
    """

    def __init__(
        self, setting: Setting, owner: str = "", *, limit: float = LIMIT, fatal: Keeper.Fatal | None = None
    ) -> None:
        self.setting = setting
        collect = setting.factory().Collect(coursedir=setting.coursedir, authenticator=setting.authenticator())
        self.intake = Intake(
            setting.coursedir,
            setting.inbound,
            check_owner=collect.check_owner,
            owner_of=collect.owner_of,
            log=setting.log,
        )
        self.claims = Claims(setting.db_url, owner)
        self._limit, self._fatal = limit, fatal
        self._owed: list[Ledger] = []
        self._tell_from = 0.0

    # New submissions

    def step(
        self, module: str | None = None, summary: Summary | None = None, progress: Progress = silent
    ) -> list[Parcel]:
        """Take in and grade all there is; returns the attempts that were graded, their results being out.

        Waits for what another grader is at; raises GradingError when that takes too long.
        """
        summary = summary if summary is not None else Summary()
        # What is put off on the way is not taken up again at once.
        before = self.claims.now()
        self.intake.take(module)
        done: list[Parcel] = []
        end = time.monotonic() + _OTHERS_WAIT
        while True:
            parcels = self.turn(module, summary, progress, before=before)
            if parcels is not None:
                done += parcels
                end = time.monotonic() + _OTHERS_WAIT
            elif not self.claims.elsewhere(module, before):
                break
            else:
                self._pause(end)
        summary.refused += self.tell_refused()
        return done

    def take_in(self) -> int:
        """Take some of what arrived, unless another worker does; how many were taken."""
        with self.keeping():
            return len(self.intake.take(wait=0.0, everything=False))

    def turn(
        self,
        module: str | None = None,
        summary: Summary | None = None,
        progress: Progress = silent,
        *,
        before: float | None = None,
    ) -> list[Parcel] | None:
        """Claim some of what waits and grade it; None when nothing waits for us."""
        summary = summary if summary is not None else Summary()
        self.settle()
        turns = self.claims.next(CHUNK, module=module, before=before)
        if not turns:
            return None
        ledger = Ledger(turns)
        self._owed.append(ledger)
        try:
            with self.keeping() as keeper:
                done: list[Parcel] = []
                chunk = self._chunk(keeper, ledger, summary, progress)
                for name in sorted({turn.module for turn in turns}):
                    folders = {f for turn in turns if turn.module == name for f in turn.folders}
                    learners = {turn.learner for turn in turns if turn.module == name}
                    done += chunk.grade(name, learners, folders)
        finally:
            self.settle(quietly=True)
        return done

    def settle(self, *, quietly: bool = False) -> None:
        """Write down what became of earlier turns, where the database was not there to do so."""
        while self._owed:
            try:
                parked = self._owed[0].settle(self.intake.arrivals, self.claims)
            except DBAPIError:
                if quietly:
                    return
                raise
            del self._owed[0]
            for folder in sorted(parked):
                self.setting.log.error("提交 %s 试了几次都没有评完，先放在一边", folder)

    @contextmanager
    def keeping(self, limit: float | None = None) -> Iterator[Keeper]:
        """Whatever is claimed stays so while the work inside takes its time, which is bounded."""
        with self.claims.keeping(self._limit if limit is None else limit, self._fatal) as keeper, acting(self.claims):
            yield keeper

    def _chunk(
        self, keeper: Keeper, ledger: Ledger, summary: Summary, progress: Progress, *, anew: bool = False
    ) -> Chunk:
        return Chunk(self.setting, self.intake.shelf, self.claims, keeper, ledger, summary, progress, anew)

    # What was graded before

    def again(
        self,
        module: str,
        summary: Summary,
        progress: Progress = silent,
        learners: Collection[str] | None = None,
    ) -> list[Parcel]:
        """Grade what was graded of a module anew, for everybody or for some learners."""
        done: list[Parcel] = []
        arrivals = self.intake.arrivals.of(module, learners, ["已评分"])
        for mine in self._in_parts({(a.learner, a.module) for a in arrivals}, "重评"):
            names = {learner for learner, _ in mine}
            kept = self.intake.arrivals.of(module, names, ["已评分"])
            with self.keeping() as keeper:
                chunk = self._chunk(keeper, Ledger(()), summary, progress, anew=True)
                done += chunk.grade(module, names, {a.folder for a in kept})
        return done

    def refresh(self, module: str, learners: Collection[str] | None = None) -> list[Parcel]:
        """Write again whatever result is no longer true; returns the attempts whose result is new."""
        arrivals = self.intake.arrivals.of(module, learners, ["已评分"])
        written: list[Parcel] = []
        for mine in self._in_parts({(a.learner, a.module) for a in arrivals}, "结果"):
            with self.keeping():
                written += self.publish(module, {learner for learner, _ in mine})[0]
        return written

    def _in_parts(self, pairs: Collection[Pair], work: str) -> Iterator[frozenset[Pair]]:
        """These pairs, some at a time and claimed meanwhile; those that others have come last.

        Raises GradingError when others keep them too long.
        """
        left = sorted(pairs)
        end = time.monotonic() + _OTHERS_WAIT
        while left:
            held = self.claims.hold(left[:CHUNK], work)
            self.warn_of(held, work)
            if held.mine:
                try:
                    yield held.mine
                finally:
                    self.claims.release(held.mine, work)
                end = time.monotonic() + _OTHERS_WAIT
            elif not held.worn:
                self._pause(end)
            busy = [pair for pair in left[:CHUNK] if pair not in held.mine | held.worn]
            left = [*left[CHUNK:], *busy]

    def warn_of(self, held: Held, work: str) -> None:
        """Log what is left alone because it ended its grader again and again."""
        for learner, module in sorted(held.worn):
            self.setting.log.error("%s 的 %s：%s时程序几次意外中断，先放在一边", learner, module, work)

    # Results and feedback

    def tell_refused(self) -> int:
        """Tell whose submission was not taken, where that is still to be done; how many were refused."""
        if time.monotonic() < self._tell_from:
            return 0
        refused, parked = tell_refused(self.setting, self.intake)
        for (learner, module), folders in parked.items():
            # Where this cannot be done yet, other work must go on meanwhile.
            self._tell_from = time.monotonic() + _TELL_AGAIN
            # What came before the one that was put aside is what nbgrader shows after all.
            summary = Summary()
            self.again(module, summary, learners=[learner])
            if not summary.later:
                self.intake.arrivals.told(folders)
                self._tell_from = 0.0
        return refused

    def publish(self, module: str, learners: Collection[str]) -> tuple[list[Parcel], list[Parcel]]:
        """Write these learners' newest results, if need be; returns those that are new, and those that failed.

        Their claims must be held.
        """
        return publish(self.setting, self.course_dir, self.newest(module, learners))

    def newest(self, module: str, learners: Collection[str] | None = None) -> list[Parcel]:
        """Each learner's newest attempt, where it is graded: the one whose result is kept true."""
        newest = [parcels[-1] for parcels in self.intake.shelf.of(module, learners).values()]
        return [p for p in newest if p.arrival.state == "已评分"]

    def feedback(self, module: str, learner: str) -> bool | None:
        """Make and release one learner's feedback page.

        False when it failed, which is logged; None when another grader is at work on that learner, or the database
        went away meanwhile.
        """
        held = self.claims.hold([(learner, module)], "反馈页")
        self.warn_of(held, "反馈页")
        if not held.mine:
            return False if held.worn else None
        try:
            with self.keeping():
                publish_feedback(self.setting, module, learner)
        except QinlianError as error:
            self.setting.log.warning("%s", error)
            return False
        except Exception as error:
            if dropped(error):
                return None
            self.setting.log.exception("%s 的 %s 没有生成反馈页", learner, module)
            return False
        finally:
            self.claims.release(held.mine, "反馈页")
        return True

    @property
    def course_dir(self) -> Path:
        """The folder with the key and the editions."""
        return course_folder(Path(self.setting.coursedir.root))

    def _pause(self, end: float) -> None:
        """Others are at it: wait a little, and not for the dead. Raises GradingError once ``end`` is over."""
        if time.monotonic() >= end:
            raise GradingError("另一个评分程序正在运行，等了很久没有结束；请稍后再试")
        self.claims.bury()
        time.sleep(_LOOK)

    def close(self) -> None:
        """Write down what is to be written, and let others have what this grader had."""
        self.settle(quietly=True)
        self.claims.close()
