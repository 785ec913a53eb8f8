"""Every code of a roster's sheet: one fixture that produces it at its exact cells, and one entry in the docs.

A fixture is ``book.json`` (sheets as rows; ``{"formula"}`` stands for a formula) and ``expected.txt``, what
`qinlian roster import` prints.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from qinlian.roster.sheet import read_sheet

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "data" / "roster"
CODES = sorted(path.name for path in FIXTURES.iterdir())
TRACKS = ("青年干部", "中层干部", "教师")


def book(fixture: Path, tmp_path: Path) -> Path:
    path = tmp_path / "学员.xlsx"
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in json.loads((fixture / "book.json").read_text(encoding="utf-8")).items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


@pytest.mark.parametrize("code", CODES)
def test_a_fixture_yields_its_code_at_the_exact_cells(code: str, tmp_path: Path) -> None:
    _, found = read_sheet(book(FIXTURES / code, tmp_path), TRACKS)
    assert code in {problem.code for problem in found}
    expected = (FIXTURES / code / "expected.txt").read_text(encoding="utf-8")
    assert "".join(f"{problem}\n" for problem in found) == expected


def test_source_docs_and_fixtures_know_the_same_codes() -> None:
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "qinlian" / "roster").glob("*.py"))
    docs = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r'"([EW]7\d\d)"', source))) == CODES
    assert sorted(re.findall(r"^### ([EW]7\d\d)", docs, re.MULTILINE)) == CODES, "each code has exactly one section"
