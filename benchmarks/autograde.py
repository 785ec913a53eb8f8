"""How long grading takes: stock nbgrader, our preprocessors in it, bulk, and the floor beneath them.

On the same N submissions, in one run:

(a) nbgrader's Autograde in one batch with its own Execute: a kernel for each submission;
(b) the same with our preprocessors, which run nothing;
(c) ``grade_submissions``, what ``qinlian grade`` runs;
(d) the floor: read each submission's notebook and answers.json, parse both, write both out, and
    insert the rows that (c) inserted, in one transaction, with nothing in between.

Every way starts with an empty autograded/ and a gradebook without submissions. Imports are not
counted, for any of them. (a) and (b) take turns, and so do (c) and (d): each figure is a median. (c)'s
first run, which also prepares the module's notebook, is shown by itself.
``python -m benchmarks.autograde --n 40 --json``
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde
from traitlets.config import Config

from benchmarks.room import Room
from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.grading.bulk import grade_submissions
from qinlian.grading.responses import open_engine
from qinlian.grading.setting import Setting

__all__ = ["main", "measure"]

STOCK = Config()
STOCK.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.Execute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
TABLES = (
    "student",
    "submitted_assignment",
    "submitted_notebook",
    "grade",
    "comment",
    "qinlian_attempt",
    "qinlian_quiz",
    "qinlian_response",
    "qinlian_shown",
)
TURNS = 3
BARS = {"a/b": 7.0, "a/c": 300.0, "c/d": 3.0}


class _Fresh:
    """Puts the room back to before anything was graded."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._gradebook = Path(room.db_url.removeprefix("sqlite:///"))
        open_engine(room.db_url)
        self._pristine = self._gradebook.read_bytes()

    def __call__(self) -> None:
        self._room.clear_grades()
        self._gradebook.write_bytes(self._pristine)
        # What was written so far must not be flushed on somebody else's time.
        os.sync()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def by_nbgrader(room: Room, stock: bool) -> None:
    """Grade the whole batch through nbgrader's own converter."""
    setting = Setting.load(room.root, STOCK if stock else None, quiet())
    coursedir = setting.fresh_coursedir(room.module.id)
    Autograde(coursedir=coursedir, config=setting.config, log=quiet()).start()


def quiet() -> logging.Logger:
    """A log that says nothing."""
    log = logging.Logger("benchmarks", logging.CRITICAL)
    log.addHandler(logging.NullHandler())
    return log


def _graded_rows(room: Room) -> dict[str, list[tuple[Any, ...]]]:
    path = room.db_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def floor(room: Room, learners: list[str], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """Read, parse, write out and insert: less than this nobody can do."""
    name = f"{room.module.id}.ipynb"
    for learner in learners:
        source, target = room.submitted(learner), room.autograded(learner)
        files = {n: (source / n).read_bytes() for n in (name, "answers.json") if (source / n).exists()}
        for data in files.values():
            json.loads(data)
        target.mkdir(parents=True)
        for n, data in files.items():
            (target / n).write_bytes(data)
    connection = sqlite3.connect(room.db_url.removeprefix("sqlite:///"))
    with contextlib.closing(connection), connection:
        for table, values in rows.items():
            if values:
                marks = ",".join("?" * len(values[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)


def measure(room: Room, learners: list[str], repeats: int, slow: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds a submission for each way, and the ratios; ``slow`` includes (a) and (b)."""
    fresh, count = _Fresh(room), len(learners)
    each = {}
    turns: dict[str, list[float]] = {"a": [], "b": []}
    for turn in range(TURNS if slow else 0):
        # In turn, so that a machine that slows down meanwhile slows both.
        for name, stock in (("a", True), ("b", False)):
            fresh()
            turns[name].append(_timed(lambda s=stock: by_nbgrader(room, s)) / count * 1000)  # type: ignore[misc]
            say(f"({name}) in one batch, turn {turn + 1} of {TURNS}: {turns[name][-1]:.0f} ms a submission")
    if slow:
        each |= {name: statistics.median(values) for name, values in turns.items()}
    setting = Setting.load(room.root, None, quiet())

    def bulk() -> None:
        report = grade_submissions(setting, room.module.id)
        if len(report.graded) != count:
            raise SystemExit(f"bulk graded {len(report.graded)} of {count}: {report.failed}")

    say(f"(c) bulk and (d) floor: {count} submissions, {repeats} times")
    fresh()
    first = _timed(bulk) / count * 1000
    rows = _graded_rows(room)
    bulks, floors = [], []
    for _ in range(repeats):
        fresh()
        bulks.append(_timed(bulk) / count * 1000)
        fresh()
        floors.append(_timed(lambda: floor(room, learners, rows)) / count * 1000)
    each |= {"c": statistics.median(bulks), "d": statistics.median(floors)}
    ratios = {"c/d": each["c"] / each["d"]}
    if slow:
        ratios |= {"a/b": each["a"] / each["b"], "a/c": each["a"] / each["c"]}
    report = {"n": count, "repeats": repeats, "ms_each": each, "ms_each_c_first_run": first, "ratios": ratios}
    return report | ({"ms_each_turns": turns} if slow else {})


def _met(ratios: dict[str, float]) -> dict[str, bool]:
    return {name: (ratios[name] <= bar if name == "c/d" else ratios[name] >= bar) for name, bar in BARS.items()}


def main() -> int:
    """Run, print, and return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=40, help="submissions that all four ways grade")
    parser.add_argument("--many", type=int, default=1000, help="submissions for bulk and floor alone; 0 to leave out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--module", default="02-gifts")
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: the temporary folder)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    root = Path(__file__).resolve().parent.parent
    course, ids = load_course(root / "course"), load_identity(root / "course")
    scratch = Path(tempfile.mkdtemp(prefix="qinlian-benchmark-", dir=options.folder))
    try:
        room = Room.make(scratch / "small", course, options.module, ids, say)
        report: dict[str, Any] = {"module": options.module, "cpus": os.cpu_count()}
        report["same"] = measure(room, room.fill(options.n, late_every=7), options.repeats, True, say)
        if options.many:
            large = Room.make(scratch / "large", course, options.module, ids, say)
            report["many"] = measure(large, large.fill(options.many, late_every=7), options.repeats, False, say)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report["bars"] = {n: {"bar": b, "measured": report["same"]["ratios"][n]} for n, b in BARS.items()}
    report["met"] = _met(report["same"]["ratios"])
    print(json.dumps(report, indent=1) if options.json else _table(report))
    return 0 if all(report["met"].values()) else 1


def _table(report: dict[str, Any]) -> str:
    lines = [f"module {report['module']}, {report['cpus']} CPUs; milliseconds a submission"]
    for key in ("same", "many"):
        if key in report:
            part = report[key]
            figures = "  ".join(f"({k}) {v:.2f}" for k, v in part["ms_each"].items())
            lines.append(f"N={part['n']:>5}  {figures}  first run of (c) {part['ms_each_c_first_run']:.2f}")
            lines.append("         " + "  ".join(f"{k} = {v:.1f}" for k, v in part["ratios"].items()))
    lines.append("bars: " + ", ".join(f"{n} {'met' if ok else 'MISSED'}" for n, ok in report["met"].items()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
