"""One round of grading: take in what arrived, grade it in order, let the results out.

The worker goes round for as long as it runs; ``qinlian grade`` goes round once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from qinlian.errors import GradingError, QinlianError
from qinlian.grading.assess import course_folder, record_only
from qinlian.grading.bulk import grade_submissions
from qinlian.grading.feedback import publish_feedback
from qinlian.grading.intake import Intake, Parcel, belongs
from qinlian.grading.results import publish_results, tell_refused
from qinlian.grading.setting import Setting, grading_lock

__all__ = ["Rounds", "Summary"]

Progress = Callable[[str, int, int], None]
"""(what is being done, how many are done, of how many)."""
_NO_KEY_WAIT, _DISK_WAIT, _LOCKED_WAIT = 30.0, 10.0, 1.0


def _silent(_: str, __: int, ___: int) -> None:
    return None


@dataclass
class Summary:
    """What came of one or several rounds. ``reasons`` maps a failed folder's name to a Chinese reason."""

    graded: int = 0
    recorded: int = 0
    refused: int = 0
    results: int = 0
    feedback: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many attempts were left ungraded by a failure."""
        return len(self.reasons)

    def text(self) -> str:
        """The summary in Chinese, a line for each failure."""
        parts = [f"评分 {self.graded} 份"]
        parts += [f"另记录 {self.recorded} 份先前或迟交的作答"] if self.recorded else []
        parts += [f"拒收 {self.refused} 份"] if self.refused else []
        parts += [f"发出结果 {self.results} 份、反馈页 {self.feedback} 份"]
        parts += [f"没有评完 {self.failed} 份"] if self.failed else []
        return "\n".join(["，".join(parts), *(f"  {name}：{why}" for name, why in sorted(self.reasons.items()))])


class Rounds:
    """Grading of one course. Raises GradingError when its exchange is open to forgery, as Intake does."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        collect = setting.factory().Collect(coursedir=setting.coursedir, authenticator=setting.authenticator())
        self.intake = Intake(setting.coursedir, setting.inbound, check_owner=collect.check_owner, log=setting.log)

    def step(
        self, module: str | None = None, summary: Summary | None = None, progress: Progress = _silent
    ) -> list[Parcel]:
        """One round; returns the attempts that were graded. Their results are out when it returns."""
        summary = summary if summary is not None else Summary()
        with grading_lock(self.setting.coursedir):
            parcels = self.intake.take(module)
            done: list[Parcel] = []
            for name in sorted({p.arrival.module for p in parcels}):
                mine = [p for p in parcels if p.arrival.module == name]
                done += self._module(name, mine, summary, progress)
            summary.refused += self.tell_refused()
            return done

    def _module(
        self, module: str, parcels: Sequence[Parcel], summary: Summary, progress: Progress, *, anew: bool = False
    ) -> list[Parcel]:
        kept = self.intake.kept(module, {p.arrival.learner for p in parcels})
        counts = {belongs(everything).arrival.folder for everything in kept.values()}
        graded: list[Parcel] = []
        # Graded anew they have their numbers already, and what nbgrader holds follows from all the others.
        last = counts if anew else set()
        waves = _waves([p for p in parcels if p.arrival.folder not in last])
        for wave in (*waves, [p for p in parcels if p.arrival.folder in last]):
            shown = [p for p in wave if p.arrival.folder in counts]
            for parcel in wave:
                if parcel not in shown and self._record(parcel, summary):
                    graded.append(parcel)
            graded += self._grade(module, shown, summary, progress)
        written, failed = self.publish(graded)
        summary.results += len(written)
        out = [p for p in graded if p not in failed]
        # Grading one once more adds no attempt; it is how its result gets another chance.
        self._put_off(failed, "结果没有写出，稍后会自动再试", _DISK_WAIT, summary)
        if out:
            with self.intake.arrivals.together():
                for parcel in out:
                    self.intake.graded(parcel)
        return out

    def _record(self, parcel: Parcel, summary: Summary) -> bool:
        """Keep an attempt that nbgrader does not get to see: overtaken, or late after one on time."""
        arrival = parcel.arrival
        with self._surviving([parcel], summary):
            record_only(self.setting.db_url, parcel.kept, arrival.learner, arrival.module, self.course_dir)
            summary.recorded += 1
            return True
        return False

    def _grade(self, module: str, parcels: Sequence[Parcel], summary: Summary, progress: Progress) -> list[Parcel]:
        placed: dict[str, Parcel] = {}
        for parcel in parcels:
            with self._surviving([parcel], summary):
                self.intake.place(parcel)
                placed[parcel.arrival.learner] = parcel
        if not placed:
            return []
        with self._surviving(list(placed.values()), summary):
            report = grade_submissions(
                self.setting, module, sorted(placed), True, lambda done, total: progress("评分", done, total)
            )
            for learner in report.failed:
                with self._surviving([placed[learner]], summary):
                    raise report.errors[learner]
            summary.graded += len(report.graded)
            return [placed[learner] for learner in report.graded]
        return []

    @contextmanager
    def _surviving(self, parcels: Sequence[Parcel], summary: Summary) -> Iterator[None]:
        """Whatever goes wrong inside concerns these attempts and stops no other.

        Only what is wrong with an attempt itself counts against it.
        """
        try:
            yield
        except OperationalError:
            self._put_off(parcels, "成绩册正忙，稍后会自动再评", _LOCKED_WAIT, summary)
        except GradingError as error:
            # The course lacks something; no submission is to blame, and none is given up for it.
            self._put_off(parcels, str(error), _NO_KEY_WAIT, summary)
        except (OSError, InterfaceError, InternalError):
            self.setting.log.debug("评分出错", exc_info=True)
            self._put_off(parcels, "磁盘或成绩册有问题，稍后会自动再评", _DISK_WAIT, summary)
        except Exception as error:
            self.setting.log.debug("评分出错", exc_info=True)
            known = isinstance(error, QinlianError)
            reason = str(error) if known else "评分没有完成；请稍后重试，仍不行请把日志交给管理员"
            for parcel in parcels:
                self._fail(parcel, reason, summary)

    def _put_off(self, parcels: Sequence[Parcel], reason: str, seconds: float, summary: Summary) -> None:
        for parcel in parcels:
            self.setting.log.warning("提交 %s 暂时没有评分：%s", parcel.arrival.folder, reason)
            self.intake.later(parcel, seconds)
            summary.reasons[parcel.arrival.folder] = reason

    def _fail(self, parcel: Parcel, reason: str, summary: Summary) -> None:
        parked = self.intake.failed(parcel, reason)
        end = "，已试了几次，先放在一边" if parked else ""
        self.setting.log.error("提交 %s 没有评完%s：%s", parcel.arrival.folder, end, reason)
        summary.reasons[parcel.arrival.folder] = reason

    def tell_refused(self) -> int:
        """Tell whose submission was not taken, where that is still to be done; how many were refused."""
        return tell_refused(self.setting, self.intake)

    def publish(self, parcels: Sequence[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
        """Write the results of these attempts; returns those that are new, and those that failed."""
        try:
            return publish_results(self.setting, self.course_dir, parcels), []
        except Exception:
            by_learner: dict[str, list[Parcel]] = {}
            for parcel in parcels:
                by_learner.setdefault(parcel.arrival.learner, []).append(parcel)
            if len(by_learner) == 1:
                self.setting.log.exception("提交 %s 的结果没有写出", parcels[-1].arrival.folder)
                return [], list(parcels)
        # Somebody's result cannot be written: the others get theirs.
        parts = [self.publish(mine) for mine in by_learner.values()]
        return [p for written, _ in parts for p in written], [p for _, failed in parts for p in failed]

    def newest(self, module: str, learners: Collection[str] | None = None) -> list[Parcel]:
        """Each learner's newest attempt, where it is graded: the one whose result is kept true."""
        newest = [parcels[-1] for parcels in self.intake.kept(module, learners).values()]
        return [p for p in newest if p.arrival.state == "已评分"]

    def refresh(self, module: str) -> list[Parcel]:
        """Write again whatever result is no longer true; returns the attempts whose result is new."""
        return self.publish(self.newest(module))[0]

    def feedback(self, module: str, learner: str) -> bool:
        """Make and release one learner's feedback page; a failure is logged."""
        try:
            publish_feedback(self.setting, module, learner)
        except Exception as error:
            self.setting.log.warning("%s", error)
            return False
        return True

    def again(
        self,
        module: str,
        summary: Summary,
        progress: Progress = _silent,
        learners: Collection[str] | None = None,
    ) -> list[Parcel]:
        """Grade what was graded of a module anew, for everybody or for some learners."""
        with grading_lock(self.setting.coursedir):
            kept = self.intake.kept(module, learners).values()
            graded = [p for parcels in kept for p in parcels if p.arrival.state == "已评分"]
            return self._module(module, graded, summary, progress, anew=True)

    @property
    def course_dir(self) -> Path:
        """The folder with the key and the editions."""
        return course_folder(Path(self.setting.coursedir.root))


def _waves(parcels: Sequence[Parcel]) -> Iterator[list[Parcel]]:
    """The first attempt of every learner, then the second, …: a batch never holds two of one learner."""
    by_learner: dict[str, list[Parcel]] = {}
    for parcel in sorted(parcels, key=lambda p: p.order):
        by_learner.setdefault(parcel.arrival.learner, []).append(parcel)
    for place in range(max(map(len, by_learner.values()), default=0)):
        yield [mine[place] for mine in by_learner.values() if place < len(mine)]
