"""Some attempts at one module, claimed by this grader and graded together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from qinlian.database import dropped
from qinlian.errors import ClaimError, GradingError, QinlianError
from qinlian.grading.assess import course_folder, record_only
from qinlian.grading.bulk import grade_submissions
from qinlian.grading.claims import Claims
from qinlian.grading.guard import Guard
from qinlian.grading.keeper import Keeper
from qinlian.grading.ledger import Ledger
from qinlian.grading.results import publish_results
from qinlian.grading.setting import Setting
from qinlian.grading.shelf import Parcel, Shelf, belongs
from qinlian.grading.summary import Progress, Summary, silent

__all__ = ["Chunk", "publish"]

BY_NBGRADER = 900.0
"""Seconds that one submission may take which nbgrader has to grade itself."""
_NO_KEY_WAIT, _DISK_WAIT, _LOCKED_WAIT = 30.0, 10.0, 1.0


def publish(setting: Setting, course_dir: Path, parcels: Sequence[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
    """Write the results of these attempts; returns those that are new, and those that failed."""
    try:
        return publish_results(setting, course_dir, parcels), []
    except Exception as error:
        if dropped(error):
            setting.log.warning("成绩册连不上，结果没有写出")
            return [], list(parcels)
        by_learner: dict[str, list[Parcel]] = {}
        for parcel in parcels:
            by_learner.setdefault(parcel.arrival.learner, []).append(parcel)
        if len(by_learner) == 1:
            setting.log.exception("提交 %s 的结果没有写出", parcels[-1].arrival.folder)
            return [], list(parcels)
    # Somebody's result cannot be written: the others get theirs.
    parts = [publish(setting, course_dir, mine) for mine in by_learner.values()]
    return [p for written, _ in parts for p in written], [p for _, failed in parts for p in failed]


@dataclass
class Chunk:
    """What is needed to grade some attempts, and where it is written down what becomes of them.

    ``anew``: they were graded before.
    """

    setting: Setting
    shelf: Shelf
    claims: Claims
    keeper: Keeper
    ledger: Ledger = field(default_factory=lambda: Ledger(()))
    summary: Summary = field(default_factory=Summary)
    progress: Progress = silent
    anew: bool = False

    @property
    def course_dir(self) -> Path:
        """The folder with the key and the editions."""
        return course_folder(Path(self.setting.coursedir.root))

    def grade(self, module: str, learners: Collection[str], folders: Collection[str]) -> list[Parcel]:
        """Grade these attempts of one module; returns those that are graded and whose results are out."""
        kept = self.shelf.of(module, learners)
        parcels = [p for mine in kept.values() for p in mine if p.arrival.folder in folders]
        # What still waits, and may fail, shows nbgrader nothing yet: it will when its turn comes.
        ready = ([p for p in mine if p in parcels or p.arrival.state == "已评分"] for mine in kept.values())
        counts = {belongs(mine).arrival.folder for mine in ready if mine}
        graded: list[Parcel] = []
        # Graded anew they have their numbers already, and what nbgrader holds follows from all the others.
        last = counts if self.anew else set()
        waves = _waves([p for p in parcels if p.arrival.folder not in last])
        for wave in (*waves, [p for p in parcels if p.arrival.folder in last]):
            shown = [p for p in wave if p.arrival.folder in counts]
            for parcel in wave:
                if parcel not in shown and self._record(parcel):
                    graded.append(parcel)
            graded += self._grade(module, shown)
        if not self.claims.sure(p.pair for p in graded):
            self._leave(graded)
            return []
        written, failed = publish(self.setting, self.course_dir, graded)
        self.summary.results += len(written)
        # Grading one once more adds no attempt; it is how its result gets another chance.
        self._put_off(failed, "结果没有写出，稍后会自动再试", _DISK_WAIT)
        out = [p for p in graded if p not in failed]
        self.ledger.done(out)
        return out

    def _record(self, parcel: Parcel) -> bool:
        """Keep an attempt that nbgrader does not get to see: overtaken, or late after one on time."""
        arrival = parcel.arrival
        guard = Guard(self.claims, arrival.module)
        with self._surviving([parcel]):
            record_only(
                self.setting.db_url,
                parcel.kept,
                arrival.learner,
                arrival.module,
                self.course_dir,
                check=lambda connection: guard.renew(connection, [arrival.learner]),
            )
            self.summary.recorded += 1
            return True
        return False

    def _grade(self, module: str, parcels: Sequence[Parcel]) -> list[Parcel]:
        placed: dict[str, Parcel] = {}
        for parcel in parcels:
            with self._surviving([parcel]):
                if not self.claims.sure([parcel.pair]):
                    raise ClaimError("评分停得太久，这些提交已由另一个评分程序接手")
                self.shelf.place(parcel)
                placed[parcel.arrival.learner] = parcel
        if not placed:
            return []
        guard = Guard(self.claims, module, lambda by: self.keeper.again(BY_NBGRADER if by else None))
        with self._surviving(list(placed.values())):
            report = grade_submissions(
                self.setting,
                module,
                sorted(placed),
                True,
                lambda done, total: self.progress("评分", done, total),
                guard,
            )
            for learner in report.failed:
                with self._surviving([placed[learner]]):
                    raise report.errors[learner]
            self.summary.graded += len(report.graded)
            return [placed[learner] for learner in report.graded]
        return []

    @contextmanager
    def _surviving(self, parcels: Sequence[Parcel]) -> Iterator[None]:
        """Whatever goes wrong inside concerns these attempts and stops no other.

        Only what is wrong with an attempt itself counts against it.
        """
        try:
            yield
        except OperationalError:
            self._put_off(parcels, "成绩册正忙，稍后会自动再评", _LOCKED_WAIT)
        except ClaimError:
            self._leave(parcels)
        except GradingError as error:
            # The course lacks something; no submission is to blame, and none is given up for it.
            self._put_off(parcels, str(error), _NO_KEY_WAIT)
        except (OSError, InterfaceError, InternalError):
            self.setting.log.debug("评分出错", exc_info=True)
            self._put_off(parcels, "磁盘或成绩册有问题，稍后会自动再评", _DISK_WAIT)
        except Exception as error:
            self.setting.log.debug("评分出错", exc_info=True)
            known = isinstance(error, QinlianError)
            reason = str(error) if known else "评分没有完成；请稍后重试，仍不行请把日志交给管理员"
            for parcel in parcels:
                self.setting.log.error("提交 %s 没有评完：%s", parcel.arrival.folder, reason)
                self.ledger.failed[parcel.arrival.folder] = reason
                self.summary.reasons[parcel.arrival.folder] = reason

    def _put_off(self, parcels: Sequence[Parcel], reason: str, seconds: float) -> None:
        for parcel in parcels:
            self.setting.log.warning("提交 %s 暂时没有评分：%s", parcel.arrival.folder, reason)
            self.ledger.later[parcel.arrival.folder] = seconds
            self.summary.reasons[parcel.arrival.folder] = reason
            self.summary.later.add(parcel.arrival.learner)

    def _leave(self, parcels: Sequence[Parcel]) -> None:
        """They are somebody else's by now; whoever has them grades them from the beginning."""
        for parcel in parcels:
            self.setting.log.warning("提交 %s 由另一个评分程序接手了", parcel.arrival.folder)
            self.ledger.lost.add(parcel.arrival.folder)
            self.summary.later.add(parcel.arrival.learner)


def _waves(parcels: Sequence[Parcel]) -> Iterator[list[Parcel]]:
    """The first attempt of every learner, then the second, …: a batch never holds two of one learner."""
    by_learner: dict[str, list[Parcel]] = {}
    for parcel in sorted(parcels, key=lambda p: p.order):
        by_learner.setdefault(parcel.arrival.learner, []).append(parcel)
    for place in range(max(map(len, by_learner.values()), default=0)):
        yield [mine[place] for mine in by_learner.values() if place < len(mine)]
