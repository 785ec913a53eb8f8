"""The grading worker: watches the exchange, grades what arrives, lets results and feedback out.

``python -m qinlian.grading.worker --root <course repository>`` runs until SIGTERM or SIGINT. It
writes one line when it is ready.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy.exc import DBAPIError

from qinlian.database import dropped
from qinlian.errors import QinlianError
from qinlian.grading.claims import CRASHED, new_owner
from qinlian.grading.follow import Follower
from qinlian.grading.keeper import Keeper, end_this_process
from qinlian.grading.pages import Pages
from qinlian.grading.rounds import LIMIT, Rounds
from qinlian.grading.setting import Setting
from qinlian.grading.summary import Summary
from qinlian.toolpath import put_tools_on_path

__all__ = ["Worker", "grade_module", "main"]

_POLL, _AWAY, _FOLLOW_AT_LEAST = 0.25, 1.0, 2.0
READY = "自动评分已就绪"


class Worker:
    """Grades for as long as it runs. What an earlier one put aside gets another chance.

    ``owner`` names it among other workers. ``fatal`` is called when one piece of work takes longer
    than ``limit`` seconds.
    """

    def __init__(
        self, setting: Setting, owner: str = "", *, limit: float = LIMIT, fatal: Keeper.Fatal | None = None
    ) -> None:
        self.setting = setting
        self.rounds = Rounds(setting, owner, limit=limit, fatal=fatal)
        self.pages = Pages(self.rounds)
        self.follower = Follower(self.rounds, self.pages)
        # What ended its grader again and again would end this one, and the next: a person has to ask for it.
        self.rounds.intake.arrivals.retry(but=CRASHED)
        self._followed = 0.0
        self._away = False

    def run(self, stop: Event) -> None:
        """Go on until ``stop`` is set. Nothing that goes wrong in one round ends it."""
        while not stop.is_set():
            stop.wait(self._round())
        try:
            self.follower.close()
            self.rounds.close()
        except DBAPIError:
            # Then the claims run out by themselves.
            self.setting.log.warning("停下时成绩册连不上")

    def _round(self) -> float:
        """One step, whatever happens; returns how many seconds to wait before the next."""
        try:
            busy = self.step()
        except QinlianError as error:
            self.setting.log.error("%s", error)
            return _POLL
        except Exception as error:
            if dropped(error):
                if not self._away:
                    self._away = True
                    self.setting.log.error("成绩册连不上；新的提交留在交换文件夹里，接通后自动继续")
                return _AWAY
            if isinstance(error, DBAPIError):
                self.setting.log.exception("成绩册出了意外，稍后继续")
                return _AWAY
            self.setting.log.exception("自动评分这一轮出了意外，稍后继续")
            return _POLL
        if self._away:
            self._away = False
            self.setting.log.info("成绩册已接通，继续评分")
        return 0.0 if busy else _POLL

    def step(self) -> bool:
        """One small piece of work; True when more is to be done at once.

        New submissions go first, then what changed in the gradebook, then one feedback page.
        """
        taken = self.rounds.take_in() if self.rounds.intake.names() else 0
        if taken or self.rounds.claims.waiting():
            done = self.rounds.turn()
            for parcel in done or ():
                self.pages.add(parcel.arrival.module, parcel.arrival.learner)
            # However much arrives, marks are not left for long.
            if done is not None and time.monotonic() - self._followed < _FOLLOW_AT_LEAST:
                return True
        self.rounds.claims.bury()
        self.rounds.tell_refused()
        self._followed = time.monotonic()
        return self.follower.step() or self.pages.step()


def grade_module(
    root: Path,
    module: str | None = None,
    *,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    pages: bool = True,
    setting: Setting | None = None,
) -> Summary:
    """Collect, grade, let results and feedback out, once: for one module or all of the course.

    ``force`` grades again what was graded before. ``progress`` gets (done, total). ``pages`` False
    leaves the feedback pages to a running worker. Submissions that were put aside after repeated
    failures get another chance. Raises GradingError when nothing can be graded at all.
    """
    put_tools_on_path()
    rounds = Rounds(setting or Setting.load(root))
    summary = Summary()

    def tell(_: str, done: int, total: int) -> None:
        if progress:
            progress(done, total)

    rounds.intake.arrivals.retry(module)
    rounds.claims.forgive(module)
    done = rounds.step(module, summary, tell)
    names = [module] if module else sorted({a.module for a in rounds.intake.arrivals.of(states=["已评分"])})
    for name in names:
        done += rounds.again(name, summary, tell) if force else []
        fresh = rounds.refresh(name)
        summary.results += len(fresh)
        done += fresh
    wanted = sorted({(p.arrival.module, p.arrival.learner) for p in done}) if pages else []
    for count, (name, learner) in enumerate(wanted, start=1):
        summary.feedback += bool(rounds.feedback(name, learner))
        tell("反馈", count, len(wanted))
    rounds.close()
    return summary


def _logging() -> logging.Logger:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("qinlian.grading")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    # There nbgrader tells of a database that went away, with all its frames; what there is to say of that, we say.
    logging.getLogger("tornado.application").addFilter(lambda told: not (told.exc_info and dropped(told.exc_info[1])))
    return log


def main(arguments: list[str] | None = None) -> int:
    """Run the worker as a process of its own; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.grading.worker", description="自动评分")
    parser.add_argument("--root", type=Path, default=Path(), help="课程仓库的文件夹")
    parser.add_argument(
        "--owner", default="", help="这个评分程序的名字，几个一起运行时用来区分；不写则用主机名和进程号"
    )
    parser.add_argument(
        "--limit", type=float, default=LIMIT, help="一批提交最多评多少秒；超过就退出，由管理它的程序重新启动"
    )
    options = parser.parse_args(arguments)
    stop = Event()

    def end(_: int, __: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    put_tools_on_path()
    log = _logging()
    try:
        setting = Setting.load(options.root, log=log)
        worker = _started(setting, stop, new_owner(options.owner), options.limit)
    except QinlianError as error:
        log.error("%s", error)
        return 1
    if worker is not None:
        print(READY, flush=True)
        worker.run(stop)
    log.info("自动评分已停下")
    return 0


def _started(setting: Setting, stop: Event, owner: str, limit: float) -> Worker | None:
    """The worker, once the gradebook can be reached; None when it is told to stop before."""
    told = False
    while not stop.is_set():
        try:
            return Worker(setting, owner, limit=limit, fatal=end_this_process(setting.log))
        except DBAPIError as error:
            if not dropped(error):
                raise
            if not told:
                setting.log.error("成绩册连不上；接通后自动开始")
            told = True
            stop.wait(_AWAY)
    return None


if __name__ == "__main__":
    sys.exit(main())
