"""How long it takes to find copies among many essays, how much memory, and how many are found.

On the same N generated essays (``benchmarks.essays``: about 800 characters each, one in eight of them partly
copied from another: verbatim, re-ordered, or lightly reworded), in one run, each way in a process of its own:

(a) ``Library.notices`` for every essay: what formgrader and ``qinlian report --reflections`` do, passages included;
(b) rapidfuzz, all pairs: ``process.cdist(essays, essays, scorer=fuzz.ratio)``, one number a pair and no passages;
    a pair counts as found above the threshold that suits it best, which only the answers can tell;
(c) difflib, all pairs: ``SequenceMatcher(autojunk=False).ratio()`` on a sample of pairs, extrapolated to all.

Imports are not counted. Memory is the peak of the process over what it held after its imports.
``python -m benchmarks.similarity --n 2000 --json``
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from benchmarks.essays import KINDS, Cohort, generate
from qinlian.reports.similarity import Given, Library, Text

__all__ = ["WAYS", "found_by_us", "main", "measure", "quality"]

SEED = 11
"""Not one of those on which the thresholds were tried out."""
SAMPLE = 200
BARS = {"precision": 0.9, "verbatim": 0.98, "reordered": 0.95, "reworded": 0.9, "a/b time": 1.0, "a/c time": 0.01}
_Pair = tuple[int, int]


def _pairs(cohort: Cohort, kind: str = "") -> set[_Pair]:
    return {_pair(c.source, c.copier) for c in cohort.copies if kind in ("", c.kind)}


def _pair(one: int, other: int) -> _Pair:
    return (one, other) if one < other else (other, one)


def quality(cohort: Cohort, found: Iterable[_Pair]) -> dict[str, float]:
    """Precision over all pairs that were found, and recall for each kind of copy."""
    hits = set(found)
    planted = _pairs(cohort)
    recall = {kind: len(hits & _pairs(cohort, kind)) / len(_pairs(cohort, kind)) for kind in KINDS}
    return {"precision": len(hits & planted) / max(1, len(hits)), **recall, "pairs": float(len(hits))}


def found_by_us(cohort: Cohort) -> set[_Pair]:
    """The pairs of essays that a notice names."""
    texts = [Text(str(n), str(n), "", essay) for n, essay in enumerate(cohort.essays)]
    library = Library(texts, [Given("lesson", "\n".join(cohort.lesson)), Given("question", cohort.question)])
    return {
        _pair(int(text.owner), int(notice.source.owner))
        for text in texts
        for notice in library.notices(text)
        if isinstance(notice.source, Text)
    }


def _by_us(cohort: Cohort) -> dict[str, Any]:
    start = time.perf_counter()
    found = found_by_us(cohort)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "quality": quality(cohort, found)}


def _by_rapidfuzz(cohort: Cohort) -> dict[str, Any]:
    start = time.perf_counter()
    scores = process.cdist(cohort.essays, cohort.essays, scorer=fuzz.ratio, dtype=np.uint8, workers=1)
    seconds = time.perf_counter() - start
    upper = np.triu(scores, 1)
    best: dict[str, Any] = {}
    for threshold in range(30, 100):
        found = quality(cohort, {(int(i), int(j)) for i, j in np.argwhere(upper >= threshold)})
        recall = sum(found[kind] for kind in KINDS) / len(KINDS)
        f1 = 2 * found["precision"] * recall / max(1e-9, found["precision"] + recall)
        if f1 > best.get("f1", -1.0):
            best = {"f1": f1, "threshold": threshold, "quality": found}
    return {"seconds": seconds, **best}


def _by_difflib(cohort: Cohort) -> dict[str, Any]:
    count = len(cohort.essays)
    chance = random.Random(SEED)
    sample = [chance.sample(range(count), 2) for _ in range(SAMPLE)]
    start = time.perf_counter()
    for one, other in sample:
        difflib.SequenceMatcher(None, cohort.essays[one], cohort.essays[other], autojunk=False).ratio()
    seconds = time.perf_counter() - start
    return {"seconds": seconds / SAMPLE * count * (count - 1) / 2, "sample": SAMPLE, "extrapolated": True}


WAYS = {"a": _by_us, "b": _by_rapidfuzz, "c": _by_difflib}


def _peak() -> float:
    """Megabytes this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _one(way: str, count: int, seed: int) -> dict[str, Any]:
    cohort = generate(count, seed)
    before = _peak()
    report = WAYS[way](cohort)
    return report | {"megabytes": _peak() - before}


def measure(count: int, seed: int = SEED) -> dict[str, Any]:
    """All ways on the same essays, and the ratios."""
    cohort = generate(count, seed)
    ways = {}
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.similarity", "--way", way, "--n", str(count), "--seed", str(seed)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        ways[way] = json.loads(done.stdout)
    ratios = {f"a/{way} time": ways["a"]["seconds"] / ways[way]["seconds"] for way in ("b", "c")}
    ratios["a/b memory"] = ways["a"]["megabytes"] / max(0.1, ways["b"]["megabytes"])
    return {
        "n": count,
        "seed": seed,
        "cpus": os.cpu_count(),
        "characters": sum(map(len, cohort.essays)) / count,
        "copies_of_each_kind": len(_pairs(cohort, KINDS[0])),
        "letters_changed_by_rewording": cohort.changed,
        "ways": ways,
        "ratios": ratios,
    }


def _met(report: dict[str, Any]) -> dict[str, bool]:
    figures = report["ways"]["a"]["quality"]
    return {
        name: report["ratios"][name] <= bar if "time" in name else figures[name] >= bar for name, bar in BARS.items()
    }


def main() -> int:
    """Run, print, and return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=2000, help="essays")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=sorted(WAYS), help="one way alone, in this process")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(_one(options.way, options.n, options.seed)))
        return 0
    report = measure(options.n, options.seed)
    report["bars"], report["met"] = BARS, _met(report)
    print(json.dumps(report, indent=1) if options.json else _table(report))
    return 0 if all(report["met"].values()) else 1


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['n']} essays of {report['characters']:.0f} characters, seed {report['seed']}"]
    for name, way in report["ways"].items():
        found = "  ".join(f"{k} {v:.3f}" for k, v in way.get("quality", {}).items() if k != "pairs")
        note = " (extrapolated)" if way.get("extrapolated") else ""
        lines.append(f"({name}) {way['seconds']:.1f} s{note}  {way['megabytes']:.0f} MB  {found}")
    lines.append("  ".join(f"{k} = {v:.4f}" for k, v in report["ratios"].items()))
    lines.append("bars: " + ", ".join(f"{n} {'met' if ok else 'MISSED'}" for n, ok in report["met"].items()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
