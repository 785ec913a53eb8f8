"""``scripts/nbgrader-suite``: run nbgrader's tests with our settings, compare, and write docs/nbgrader-suite.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.nbgrader_suite.expectations import WAYS, Expectation, differences, read_expectations, read_reasons
from tests.nbgrader_suite.page import DOCS, write_page
from tests.nbgrader_suite.running import FAILED, Outcome, Way, run_suite


def _run(name: str, way: Way, tests: Sequence[str], workers: int) -> dict[str, Outcome]:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nbgrader-suite-") as folder:
        found = run_suite(Path(folder), way, tests, workers=workers)
    counts = Counter(outcome.state for outcome in found.values())
    said = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
    print(f"{name}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    return found


def _why(expected: list[Expectation], workers: int) -> list[str]:
    """Run what cannot apply once more without the settings that its reason blames; returns what fails all the same."""
    lines = []
    for name, reason in read_reasons().items():
        tests = [one.test for one in expected if one.reason == name]
        found = _run(name, Way(lesson=reason.lesson, stock=reason.stock), tests, workers)
        lines += [f"{test}: is not to be blamed on {name}" for test, o in found.items() if o.state == FAILED]
    return lines


def main() -> int:
    """Run it all; returns 0 when everything is as expected."""
    parser = argparse.ArgumentParser(prog="scripts/nbgrader-suite", description=__doc__)
    parser.add_argument("--why", action="store_true", help="see also that each reason is the right one")
    parser.add_argument("--workers", type=int, default=2, help="how many tests at once")
    options = parser.parse_args()
    expected = read_expectations()
    lines = differences("as-is", expected, _run("as they are", WAYS["as-is"], [], options.workers))
    rest = [one for one in expected if one.way in ("lesson", "no")]
    with_lesson = _run("with a lesson", WAYS["lesson"], [one.test for one in rest], options.workers)
    lines += differences("lesson", rest, with_lesson)
    if options.why:
        lines += _why(expected, options.workers)
    for line in lines:
        print(f"NOT AS EXPECTED  {line}")
    if not lines:
        write_page(expected, read_reasons())
        print(f"all as expected; written: {DOCS}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
