"""How long a learner waits for a result when a whole class hands in: the real worker, over the real exchange.

Simulated are the people: N submissions to several modules of the course spread over some minutes as
independent people send them, a burst of 50 at one instant in the middle, second attempts, and a few
that are no good (cut off, over a megabyte, somebody else's). Everything after a folder's appearance in
the exchange is real: ``python -m qinlian.grading.worker``, once or twice, with SQLite and PostgreSQL.
A submission's time goes from that appearance to the appearance of its result.

After the minutes come 300 more at once, to see how fast it can go, and nbgrader's own autograde (a
kernel each) grades a few of the same submissions, as a peer to compare with.

``python -m benchmarks.classroom --n 2000 --minutes 5 --json``
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde

from benchmarks.arrivals import Planned, Sender, Sent, flood, learner_name, plan
from benchmarks.autograde import STOCK, quiet
from benchmarks.process_memory import ProcessMemory
from benchmarks.school import School
from qinlian.grading.setting import Setting
from qinlian.toolpath import put_tools_on_path
from tests.postgres import running_server

__all__ = ["main", "measure"]

MODULES = ("02-gifts", "04-duties", "07-research", "08-teachers")
BURST, FLOOD, PATIENCE = 50, 300, 600.0
BARS = {"burst_p95": 5.0, "p95": 5.0}
Say = Callable[[str], None]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def latencies(sent: Sequence[Sent]) -> dict[str, float]:
    """p50, p95, p99 and the longest wait, in seconds."""
    seconds = [one.seconds for one in sent if one.answered]
    return {f"p{round(share * 100)}": quantile(seconds, share) for share in (0.5, 0.95, 0.99)} | {
        "max": max(seconds, default=0.0)
    }


class Memory(threading.Thread):
    """Looks at the memory of some processes every two seconds."""

    def __init__(self, pids: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._pids, self._stop_now = list(pids), threading.Event()
        self._seen: dict[int, list[tuple[float, float, float]]] = {pid: [] for pid in pids}

    def run(self) -> None:
        """Look until told to stop."""
        while True:
            for pid in self._pids:
                now = ProcessMemory.of(pid)
                self._seen[pid].append((time.monotonic(), now.rss, now.pss))
            if self._stop_now.wait(2.0):
                return

    def stop(self) -> list[dict[str, float]]:
        """MB of each process at the start and at the end, and MB a minute over the second half."""
        self._stop_now.set()
        self.join()
        found = []
        for seen in self._seen.values():
            half = seen[len(seen) // 2 :]
            rate = 0.0
            if len(half) > 2:
                rate = statistics.linear_regression([s[0] / 60 for s in half], [s[2] for s in half]).slope
            record = {"rss_start": seen[0][1], "rss_end": seen[-1][1], "pss_start": seen[0][2], "pss_end": seen[-1][2]}
            found.append(record | {"pss_mb_a_minute_second_half": rate})
        return found


@contextmanager
def workers(school: School, count: int) -> Iterator[list[int]]:
    """So many grading workers, ready; their process ids."""
    command = [sys.executable, "-m", "qinlian.grading.worker", "--root", str(school.root)]
    with ExitStack() as stack:
        found = []
        for number in range(count):
            log = stack.enter_context((school.root / f"worker-{number}.log").open("wb"))
            process = subprocess.Popen(
                [*command, "--owner", f"worker-{number}"],
                env=school.environment,
                cwd=school.root,
                stdout=subprocess.PIPE,
                stderr=log,
            )
            stack.callback(_end, process)
            found.append(process)
        for process in found:
            if process.stdout is None or not process.stdout.readline():
                raise SystemExit((school.root / "worker-0.log").read_text())
        yield [process.pid for process in found]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()


def measure(
    school: School, planned: Sequence[Planned], after: Sequence[Planned], count: int, say: Say
) -> dict[str, Any]:
    """One run with so many workers: what learners waited, what the workers took, and whether the books are right."""
    sender = Sender(school.root, school.editions, school.notebooks)
    say("preparing the submissions")
    ready, more = [sender.prepare(p) for p in planned], [sender.prepare(p) for p in after]
    warm = [Planned(0.0, learner_name(n), module) for n, module in enumerate(school.modules)]
    first = [sender.prepare(one) for one in warm]
    os.sync()
    with workers(school, count) as pids:
        # Each module is made ready once in a worker's life; that a first submission waits for it is told apart.
        sender.send_all(first)
        lost = sender.wait(first, PATIENCE)
        memory = Memory(pids)
        memory.start()
        say(f"{len(ready)} submissions over {planned[-1].at:.0f} seconds")
        began = time.time()
        late = sender.send_all(ready)
        lost += sender.wait(ready, PATIENCE)
        steady = memory.stop()
        say(f"{len(more)} at once")
        sender.send_all(more)
        lost += sender.wait(more, PATIENCE)
        ended = max((one.answered for one in more), default=0.0)
        rate = len(more) / (ended - more[0].appeared) if more and not lost else 0.0
    good = [one for one in ready if not one.planned.bad]
    return {
        "workers": count,
        "sent": len(ready) + len(more) + len(first),
        "without_result": len(lost),
        "sender_late_s": late,
        "first_of_each_module": latencies(first),
        "all": latencies(good),
        "burst": latencies([one for one in good if one.planned.burst]),
        "no_good": latencies([one for one in ready if one.planned.bad]),
        "graded_a_second": len(ready) / (max(one.answered for one in ready) - began),
        "flood_a_second": rate,
        "memory_mb": steady,
        "account": school.account(),
    }


def peer(school: School, count: int, say: Say) -> float:
    """Seconds a submission that nbgrader's own autograde takes over a few of the same, in one batch."""
    say(f"nbgrader's own autograde over {count} of them")
    module = school.modules[0]
    place = school.root / "peer"
    shutil.copytree(school.root / ".classroom" / "pristine", place)
    config = STOCK.copy()
    config.CourseDirectory.db_url = f"sqlite:///{place / 'gradebook.db'}"
    config.CourseDirectory.submitted_directory = str(place / "submitted")
    config.CourseDirectory.autograded_directory = str(place / "autograded")
    done = sorted((school.root / ".classroom" / "submitted").glob(f"[!.]*/{module}/answers.json"))
    for answers in done[:count]:
        shutil.copytree(answers.parent, place / "submitted" / answers.parent.parent.name / module)
    setting = Setting.load(school.root, config, quiet())
    start = time.perf_counter()
    Autograde(coursedir=setting.fresh_coursedir(module), config=setting.config, log=quiet()).start()
    return (time.perf_counter() - start) / min(count, len(done))


def main() -> int:
    """Run, print, and return 1 when a bar is missed or the books are wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=2000, help="submissions, without those that come at once afterwards")
    parser.add_argument("--minutes", type=float, default=5.0, help="over how many minutes they come")
    parser.add_argument("--databases", default="sqlite,postgres", help="sqlite, postgres or both")
    parser.add_argument("--workers", default="1,2", help="how many workers: one run each")
    parser.add_argument("--burst", type=int, default=BURST, help="how many of them come at one instant")
    parser.add_argument("--flood", type=int, default=FLOOD, help="how many come at once afterwards")
    parser.add_argument("--peer", type=int, default=6, help="submissions for nbgrader's own autograde; 0 to leave out")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: the temporary folder)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    put_tools_on_path()
    planned = plan(MODULES, options.n, options.minutes * 60, options.burst, options.seed)
    after = flood(MODULES, options.flood, 1 + max(int(p.learner[2:]) for p in planned))
    learners = 1 + max(int(p.learner[2:]) for p in (*planned, *after))
    report: dict[str, Any] = {"n": options.n, "minutes": options.minutes, "cpus": os.cpu_count(), "runs": []}
    with tempfile.TemporaryDirectory(prefix="qinlian-classroom-", dir=options.folder) as folder, ExitStack() as stack:
        for database in options.databases.split(","):
            server = stack.enter_context(running_server(fsync="on")) if database == "postgres" else None
            for count in map(int, options.workers.split(",")):
                say(f"{database}, {count} worker(s)")
                root = Path(folder) / f"{database}-{count}"
                school = School.build(root, MODULES, server.create(f"run{count}") if server else "", lambda _: None)
                pristine = root / ".classroom" / "pristine"
                pristine.mkdir()
                if not server:
                    shutil.copy(root / ".classroom" / "gradebook.db", pristine)
                if not os.geteuid():
                    school.enrol(learners)
                found = measure(school, planned, after, count, say)
                report["runs"].append({"database": database, **found})
                if options.peer and "peer_s_each" not in report and not server:
                    report["peer_s_each"] = peer(school, options.peer, say)
                shutil.rmtree(root, ignore_errors=True)
    report["met"] = [_met(run) for run in report["runs"]]
    print(json.dumps(report, indent=1, ensure_ascii=False) if options.json else _table(report))
    return 0 if all(all(met.values()) for met in report["met"]) else 1


def _met(run: dict[str, Any]) -> dict[str, bool]:
    wrong = {k: v for k, v in run["account"].items() if k not in ("arrived", "graded", "refused")}
    return {
        "p95": run["all"]["p95"] <= BARS["p95"],
        "burst_p95": run["burst"]["p95"] <= BARS["burst_p95"],
        "none_lost": not run["without_result"] and not any(wrong.values()),
    }


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['n']} submissions in {report['minutes']:g} minutes, {report['cpus']} CPUs; seconds"]
    for run, met in zip(report["runs"], report["met"], strict=True):
        figures = "  ".join(f"{name} {run[part][name]:.2f}" for part in ("all",) for name in ("p50", "p95", "p99"))
        memory = ", ".join(f"{m['pss_start']:.0f} to {m['pss_end']:.0f} MB" for m in run["memory_mb"])
        lines.append(
            f"{run['database']:>8} x{run['workers']}  {figures}  burst p95 {run['burst']['p95']:.2f}  "
            f"{run['flood_a_second']:.0f}/s at most  PSS {memory}  {'ok' if all(met.values()) else 'MISSED'}"
        )
    if "peer_s_each" in report:
        lines.append(f"nbgrader's own autograde: {report['peer_s_each']:.2f} s a submission")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
