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
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import select

from qinlian.errors import QinlianError
from qinlian.grading.history import misjudged
from qinlian.grading.late import deadline
from qinlian.grading.letters import Letters
from qinlian.grading.responses import open_engine
from qinlian.grading.results import Marks, marks_of
from qinlian.grading.rounds import Rounds, Summary
from qinlian.grading.setting import Setting
from qinlian.grading.tables import ASSIGNMENT
from qinlian.toolpath import put_tools_on_path

__all__ = ["Worker", "grade_module", "main"]

_POLL, _LOOK_AT_MARKS = 0.25, 1.0
READY = "自动评分已就绪"


class Worker:
    """Grades for as long as it runs. What an earlier one put aside gets another chance."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.rounds = Rounds(setting)
        self.letters = Letters(setting)
        self.rounds.intake.arrivals.retry()
        self._pages: deque[tuple[str, str]] = deque()
        self._marks: dict[str, dict[str, tuple[Marks, bool]]] = {}
        self._tried: dict[str, set[str]] = {}
        self._stamp: object = None
        self._first = True
        self._looked = 0.0

    def run(self, stop: Event) -> None:
        """Go on until ``stop`` is set. Nothing that goes wrong in one round ends it."""
        while not stop.is_set():
            try:
                busy = self.step()
            except QinlianError as error:
                self.setting.log.error("%s", error)
                busy = False
            except Exception:
                self.setting.log.exception("自动评分这一轮出了意外，稍后继续")
                busy = False
            stop.wait(0.0 if busy else _POLL)

    def step(self) -> bool:
        """One round; True when more is to be done at once.

        New submissions go first, then changed marks, then one feedback page: the pages take longest
        and nobody waits for them.
        """
        # The first round also takes up what an earlier worker left unfinished.
        if self._first or self.rounds.intake.waiting():
            self._first = False
            for parcel in self.rounds.step():
                self._page(parcel.arrival.module, parcel.arrival.learner)
        if time.monotonic() - self._looked >= _LOOK_AT_MARKS:
            self._looked = time.monotonic()
            self._follow_marks()
            self.letters.follow(self._stamp)
        if self._pages:
            self.rounds.feedback(*self._pages.popleft())
        return bool(self._pages)

    def _page(self, module: str, learner: str) -> None:
        if (module, learner) not in self._pages:
            self._pages.append((module, learner))

    def _follow_marks(self) -> None:
        """Write results again where an instructor's mark or comment changed, or the module closed.

        Where a due date was moved or an extension given, grade again first.

        What could not be written is tried again at the next change, at the latest a minute later.
        """
        stamp = self._gradebook_stamp()
        if stamp is not None and stamp == self._stamp:
            return
        self._stamp = stamp
        with open_engine(self.setting.db_url).connect() as connection:
            modules = [row.name for row in connection.execute(select(ASSIGNMENT.c.name))]
            now = {m: marks_of(connection, m) for m in modules}
            closed = {m: deadline(connection, m, sorted(found)) for m, found in now.items()}
            misjudged_now = {m: misjudged(connection, m) for m in modules}
        moment = self.rounds.intake.now()
        self.rounds.tell_refused()
        for module, learners in misjudged_now.items():
            # One that grading again does not set right (stock collect took it, say) is not tried for ever.
            tried, self._tried[module] = self._tried.get(module, set()), learners
            if learners - tried:
                for parcel in self.rounds.again(module, Summary(), learners=learners - tried):
                    self._page(module, parcel.arrival.learner)
        for module, marks in now.items():
            state = {name: (found, closed[module].passed(name, moment)) for name, found in marks.items()}
            before = self._marks.get(module, {})
            changed = {learner for learner, found in state.items() if before.get(learner) != found}
            if not changed:
                continue
            written, failed = self.rounds.publish(self.rounds.newest(module, changed))
            fresh = {p.arrival.learner for p in written}
            again = {p.arrival.learner for p in failed}
            self._marks[module] = {name: found for name, found in state.items() if name not in again}
            for learner in sorted(changed - again):
                if learner in fresh or not self._page_path(module, learner).exists():
                    self._page(module, learner)

    def _page_path(self, module: str, learner: str) -> Path:
        return self.setting.step("feedback", learner, module) / f"{module}.html"

    def _gradebook_stamp(self) -> object:
        """Changes when the gradebook may have changed, and with every minute, when a module may close."""
        url = self.setting.db_url
        minute = int(time.time() // 60)
        if not url.startswith("sqlite:///"):
            return int(time.time() // 5)
        try:
            found = Path(url.removeprefix("sqlite:///")).stat()
        except OSError:
            return None
        return minute, found.st_mtime_ns, found.st_size


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
    done = rounds.step(module, summary, tell)
    names = [module] if module else sorted({a.module for a in rounds.intake.arrivals.of(states=["已评分"])})
    for name in names:
        done += rounds.again(name, summary, tell) if force else []
        fresh = rounds.refresh(name)
        summary.results += len(fresh)
        done += fresh
    wanted = sorted({(p.arrival.module, p.arrival.learner) for p in done}) if pages else []
    for count, (name, learner) in enumerate(wanted, start=1):
        summary.feedback += rounds.feedback(name, learner)
        tell("反馈", count, len(wanted))
    return summary


def _logging() -> logging.Logger:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("qinlian.grading")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return log


def main(arguments: list[str] | None = None) -> int:
    """Run the worker as a process of its own; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.grading.worker", description="自动评分")
    parser.add_argument("--root", type=Path, default=Path(), help="课程仓库的文件夹")
    options = parser.parse_args(arguments)
    stop = Event()

    def end(_: int, __: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    put_tools_on_path()
    log = _logging()
    try:
        worker = Worker(Setting.load(options.root, log=log))
    except QinlianError as error:
        log.error("%s", error)
        return 1
    print(READY, flush=True)
    worker.run(stop)
    log.info("自动评分已停下")
    return 0


if __name__ == "__main__":
    sys.exit(main())
