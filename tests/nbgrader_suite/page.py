"""docs/nbgrader-suite.md, from what is expected: the run that writes it has just found it true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tests.nbgrader_suite.expectations import Expectation, Reason

__all__ = ["DOCS", "MARK", "page", "write_page"]

DOCS = Path(__file__).resolve().parents[2] / "docs" / "nbgrader-suite.md"
MARK = "<!-- written by scripts/nbgrader-suite -->"


def page(expected: list[Expectation], reasons: Mapping[str, Reason]) -> str:
    """The tables."""
    ways = Counter(one.way for one in expected)
    lines = [MARK, "", f"nbgrader {version('nbgrader')}: {len(expected)} tests of its commands.", ""]
    lines += ["| | tests |", "|---|---|"]
    lines += [f"| pass as they are, with our settings | {ways['as-is']} |"]
    lines += [f"| pass with a lesson of ours in the place of their notebook | {ways['lesson']} |"]
    lines += [f"| cannot apply | {ways['no']} |", f"| skipped by nbgrader itself | {ways['skipped']} |", ""]
    lines += [
        "## By file",
        "",
        "| file | as they are | with a lesson | cannot apply | skipped |",
        "|---|---|---|---|---|",
    ]
    for file in sorted({one.test.partition("::")[0] for one in expected}):
        mine = Counter(one.way for one in expected if one.test.startswith(f"{file}::"))
        lines += [f"| `{file}` | {mine['as-is']} | {mine['lesson']} | {mine['no']} | {mine['skipped']} |"]
    lines += ["", "## What cannot apply, and why", ""]
    for name, reason in reasons.items():
        tests = [one.test for one in expected if one.reason == name]
        lines += [f"### {name} ({len(tests)})", "", reason.text, ""]
        settings = ", ".join(f"`{setting}`" for setting in reason.stock)
        how = "with a lesson of ours" if reason.lesson else "as they are"
        lines += [f"Left as nbgrader has it, all else being ours, they pass {how}: {settings}.", ""]
        lines += [f"- `{test}`" for test in tests] + [""]
    return "\n".join(lines)


def write_page(expected: list[Expectation], reasons: Mapping[str, Reason]) -> None:
    """Write the tables below what people wrote."""
    said = DOCS.read_text("utf-8").partition(MARK)[0]
    DOCS.write_text(said + page(expected, reasons), "utf-8")
