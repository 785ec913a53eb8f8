"""What is expected of each of nbgrader's tests, and why: ``expected.tsv`` and ``reasons.toml`` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.nbgrader_suite.running import PASSED, SKIPPED, Outcome, Way

__all__ = ["WAYS", "Expectation", "Reason", "differences", "read_expectations", "read_reasons"]

_HERE = Path(__file__).parent
WAYS = {"as-is": Way(), "lesson": Way(lesson=True)}
"""How a test may pass: with our settings, and with a lesson of ours in the place of its notebook besides."""


@dataclass(frozen=True)
class Reason:
    """Why tests cannot apply: ``text`` for people; ``stock`` are the settings without which they pass.

    With ``lesson`` they pass so with a lesson of ours in the place of their notebook.
    """

    text: str
    stock: tuple[str, ...]
    lesson: bool


@dataclass(frozen=True)
class Expectation:
    """One test. ``way`` is one of ``WAYS``, or ``no``: it cannot apply, for the reason named.

    ``often`` marks those that the repository's own tests run every time.
    """

    test: str
    way: str
    reason: str
    often: bool


def read_reasons() -> dict[str, Reason]:
    """Name → reason."""
    found = tomllib.loads((_HERE / "reasons.toml").read_text("utf-8"))
    return {
        name: Reason(said["text"].strip(), tuple(said["stock"]), said.get("lesson", False))
        for name, said in found.items()
    }


def read_expectations() -> list[Expectation]:
    """One of each test, in the order of the file. Lines are: way, reason or ``-``, ``often`` or ``-``, test."""
    lines = (_HERE / "expected.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [
        Expectation(test, way, "" if reason == "-" else reason, often == "often") for way, reason, often, test in rows
    ]


def differences(way: str, expected: list[Expectation], found: Mapping[str, Outcome]) -> list[str]:
    """What is not as expected when these tests were run that way, a line each."""
    lines = []
    for one in expected:
        outcome = found.get(one.test)
        if outcome is None:
            lines.append(f"{one.test}: was not run")
        elif one.way == way and outcome.state != PASSED:
            lines.append(f"{one.test}: should pass ({way}), and did not:\n{outcome.said[-1500:]}")
        elif one.way == "no" and outcome.state == PASSED:
            lines.append(f"{one.test}: passes ({way}), although it should not apply ({one.reason}); mend expected.tsv")
        elif one.way == "skipped" and outcome.state != SKIPPED:
            lines.append(f"{one.test}: was to be skipped by nbgrader itself, and was not")
    known = {one.test for one in expected}
    return lines + [f"{test}: is not in expected.tsv" for test in sorted(set(found) - known)]
