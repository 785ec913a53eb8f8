"""How long the numbers of a report take, and how much memory, beside pandas used as one would at first.

Both ways read the same gradebook in one run, each in a process of its own: ``benchmarks.reports_gradebook`` makes it,
an SQLite file with N learners and 50 counted first answers of each (1,000,000 at N = 20,000), and 5 more of second
attempts. Both come to the same tables: of every item facility, item-rest correlation and upper-lower 27 %; of every
option who chose it by ability group; of every unit in the tree the share of modules passed.

(a) ours: ``qinlian.reports.frames`` and ``qinlian.reports.analysis``;
(b) plain pandas: ``read_sql`` of the joined tables as they are, then masks, ``groupby`` and ``pivot_table``.

Imports and the reading of the course's text are not counted in the seconds. Megabytes are the peak of the whole
process, imports included. ``agreement`` is the greatest difference between any two numbers of the two ways.
``page`` is the command that instructors give, ``qinlian report --html``, from starting Python to the written page.
``python -m benchmarks.reports --n 20000 --json``
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import create_engine

from benchmarks.reports_gradebook import course, identity, make_gradebook
from benchmarks.room import REPOSITORY
from qinlian.core.identity import Identity
from qinlian.core.model import Course
from qinlian.reports import frames
from qinlian.reports.analysis import GROUPS, distractors, item_table

__all__ = ["WAYS", "differences", "main", "measure"]

BARS = {"seconds": 20.0, "megabytes": 1000.0}
_Numbers = dict[str, list[float]]
_MEASURES = ["n", "facility", "discrimination", "upper_lower"]


def _by_us(url: str, taken: Course, ids: Identity) -> _Numbers:
    with frames.open_gradebook(url) as connection:
        learners, units = frames.learners(connection), frames.units(connection).query("people_below > 0")
        grades = frames.grades(connection, taken)
        responses = frames.responses(connection, values=True)
    items, chosen = item_table(responses), distractors(responses, frames.options(taken, ids))
    modules = len(taken.modules)
    passed = grades.groupby("account", observed=True)["passed"].sum()
    of_unit = passed.groupby(learners.set_index("account")["unit"].reindex(passed.index), observed=True).sum()
    sums = of_unit.reindex(units["unit"]).fillna(0)
    for unit in units.sort_values("depth", ascending=False).itertuples():
        if unit.parent:
            sums[unit.parent] += sums[unit.unit]
    share = sums.to_numpy() / (units["people_below"].to_numpy() * modules)
    return (
        {f"item {row[0]}": list(row[1:]) for row in items[_MEASURES].itertuples()}
        | {f"option {c.item} {c.option} {c.group}": [c.n] for c in chosen.itertuples()}
        | {f"unit {unit}": [value] for unit, value in zip(units["unit"], share, strict=True)}
    )


_ANSWERS = """
    SELECT r.*, q.state, q.score, q.points, a.learner, a.module, a.number, a.submitted_at
    FROM qinlian_response r
    JOIN qinlian_quiz q ON q.attempt = r.attempt AND q.quiz = r.quiz
    JOIN qinlian_attempt a ON a.identity = r.attempt
"""
_GRADES = """
    SELECT s.student_id, a.name, p.unit, g.auto_score, g.manual_score, n.late_submission_penalty
    FROM submitted_assignment s
    JOIN assignment a ON a.id = s.assignment_id
    JOIN submitted_notebook n ON n.assignment_id = s.id
    JOIN grade g ON g.notebook_id = n.id
    JOIN qinlian_person p ON p.account = s.student_id
"""


def _by_pandas(url: str, taken: Course, ids: Identity) -> _Numbers:
    engine = create_engine(url)
    answers = pd.read_sql(_ANSWERS, engine)
    answers = answers[(answers["state"] == "计入") & (answers["quiz"] != "")]
    first = answers[answers["number"] == answers.groupby(["learner", "module", "quiz"])["number"].transform("min")]
    wide = first.pivot_table(index="learner", columns="item", values="fraction")
    found: _Numbers = {}
    groups = []
    for item in wide.columns:
        mine = wide[item].dropna()
        rest = wide.loc[mine.index].drop(columns=item).mean(axis=1)
        group = _thirds(rest)
        upper_lower = mine[group == GROUPS[2]].mean() - mine[group == GROUPS[0]].mean()
        found[f"item {item}"] = [len(mine), mine.mean(), mine.corr(rest), upper_lower]
        groups.append(pd.DataFrame({"learner": mine.index, "item": item, "group": group.to_numpy()}))
    found |= _options(first, pd.concat(groups), taken, ids)
    return found | _units(pd.read_sql(_GRADES, engine), pd.read_sql("qinlian_person", engine), taken)


def _thirds(rest: pd.Series) -> pd.Series:
    """低, 中 or 高 of each: a tail ends at the score at which its size comes nearest to 27 % of all."""
    rest = rest.round(9)
    sizes = rest.value_counts(normalize=True).sort_index()
    low = (sizes.cumsum() - 0.27).abs().round(9).idxmin()
    high = (sizes[::-1].cumsum() - 0.27).abs().round(9).idxmin()
    group = pd.Series(GROUPS[1], index=rest.index)
    group[rest <= low] = GROUPS[0]
    group[rest >= high] = GROUPS[2]
    return group


def _options(first: pd.DataFrame, groups: pd.DataFrame, taken: Course, ids: Identity) -> _Numbers:
    options = [
        {"item": item.id, "option": element.letter, "chosen": ids.of(item.id, element.letter)}
        for module in taken.modules
        for item in module.own_items
        if item.kind in ("单选", "多选", "判断")
        for element in item.elements
    ]
    table = pd.DataFrame(options).merge(pd.DataFrame({"group": GROUPS}), how="cross")
    chosen = first[first["item"].isin(table["item"])][["learner", "item", "value"]]
    chosen = chosen.assign(chosen=chosen["value"].map(json.loads)).explode("chosen").dropna(subset="chosen")
    counts = chosen.merge(groups, on=["learner", "item"]).groupby(["item", "chosen", "group"]).size().rename("n")
    table = table[table["item"].isin(first["item"])].merge(counts.reset_index(), how="left").fillna({"n": 0})
    return {f"option {row.item} {row.option} {row.group}": [row.n] for row in table.itertuples()}


def _units(grades: pd.DataFrame, people: pd.DataFrame, taken: Course) -> _Numbers:
    grades = grades.assign(mark=grades["manual_score"].fillna(grades["auto_score"]).fillna(0.0))
    sums = grades.groupby(["student_id", "name"])["mark"].sum().unstack()
    bars = pd.Series({module.id: module.max_score * taken.pass_mark / 100 for module in taken.modules})
    passed = (sums.round(2) >= bars).sum(axis=1)
    people = people.assign(passed=people["account"].map(passed).fillna(0))
    below = people["unit"].unique()
    places = sorted({"/".join(path.split("/")[: n + 1]) for path in below for n in range(path.count("/") + 1)})
    found = {}
    for place in places:
        inside = people["unit"].eq(place) | people["unit"].str.startswith(place + "/")
        found[f"unit {place}"] = [people.loc[inside, "passed"].sum() / (inside.sum() * len(taken.modules))]
    return found


WAYS: dict[str, Callable[[str, Course, Identity], _Numbers]] = {"a": _by_us, "b": _by_pandas}


def _one(way: str, path: Path) -> dict[str, Any]:
    taken, ids = course(), identity()
    wall, cpu = time.perf_counter(), time.process_time()
    found = WAYS[way](f"sqlite:///{path}", taken, ids)
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "numbers": {name: [None if math.isnan(v) else float(v) for v in values] for name, values in found.items()},
    }


def _page(path: Path) -> dict[str, float]:
    """The whole command over that gradebook, in a process of its own."""
    page = path.with_suffix(".html")
    command = [sys.executable, "-m", "qinlian.cli", "report", "--root", str(REPOSITORY), "--html", str(page)]
    surroundings = os.environ | {"QINLIAN_DATABASE_URL": f"sqlite:///{path}"}
    wall = time.perf_counter()
    process = subprocess.Popen(command, env=surroundings, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - wall
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
        "page_kilobytes": page.stat().st_size / 1000,
    }


def differences(one: dict[str, list[float | None]], other: dict[str, list[float | None]]) -> float:
    """The greatest difference between two numbers of the same name; infinite where one has what the other lacks."""
    if one.keys() != other.keys():
        return math.inf
    left, right = (np.array([v for name in sorted(one) for v in found[name]], dtype=float) for found in (one, other))
    if (np.isnan(left) != np.isnan(right)).any():
        return math.inf
    return float(np.nanmax(np.abs(left - right), initial=0.0))


def measure(learners: int) -> dict[str, Any]:
    """Both ways over the same gradebook, and the ratios."""
    with tempfile.TemporaryDirectory(prefix="qinlian-reports-") as folder:
        path = Path(folder) / "gradebook.db"
        make_gradebook(path, learners)
        size = path.stat().st_size / 1e6
        ways: dict[str, Any] = {}
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.reports", "--way", way, "--gradebook", str(path)]
            ways[way] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        page = _page(path)
    numbers = [ways[way].pop("numbers") for way in WAYS]
    return {
        "learners": learners,
        "first_responses": learners * 50,
        "cpus": os.cpu_count(),
        "gradebook_megabytes": size,
        "numbers": sum(map(len, numbers[0].values())),
        "agreement": differences(*numbers),
        "ways": ways,
        "page": page,
        "ratios": {f"a/b {name}": ways["a"][name] / ways["b"][name] for name in ways["a"]},
    }


def main() -> int:
    """Run, print, and return 1 when a bar is missed or the two ways disagree."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=20_000, help="learners")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=sorted(WAYS), help="one way alone, in this process, over --gradebook")
    parser.add_argument("--gradebook", type=Path)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(_one(options.way, options.gradebook)))
        return 0
    report = measure(options.n)
    ours = {"": report["ways"]["a"], "page_": report["page"]}
    report["met"] = {f"{who}{name}": way[name] <= bar for who, way in ours.items() for name, bar in BARS.items()}
    report["met"]["agreement"] = report["agreement"] < 1e-9
    print(json.dumps(report, indent=1) if options.json else _table(report))
    return 0 if all(report["met"].values()) else 1


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['learners']} learners, {report['first_responses']} first responses"]
    for name, way in {**report["ways"], "page": report["page"]}.items():
        lines.append(f"({name}) {way['seconds']:.1f} s  {way['cpu_seconds']:.1f} s CPU  {way['megabytes']:.0f} MB")
    lines.append("  ".join(f"{k} = {v:.3f}" for k, v in report["ratios"].items()))
    lines.append(f"{report['numbers']} numbers, greatest difference {report['agreement']:.1e}")
    lines.append("bars: " + ", ".join(f"{n} {'met' if ok else 'MISSED'}" for n, ok in report["met"].items()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
