"""Every diagnostic code: one fixture that produces it at its exact place, and one entry in the docs.

A fixture is a folder of files that replace those of ``base`` (``missing.txt`` names files to leave
out), or a workbook: ``book.json`` with its sheets, or a file 题库.xlsx as it is. A bank of another
system is a file 题库.xml, .txt or .zip; ``export.txt`` names the format that the course is exported
to. ``expected.txt`` is what `qinlian check`, `import` or `export` prints.
"""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from qinlian.authoring.interchange.bring import bring
from qinlian.authoring.interchange.gate import open_bank
from qinlian.authoring.interchange.take import export_bank
from qinlian.authoring.reader import load_course, read_course
from qinlian.authoring.workbook import import_workbook
from qinlian.core.diagnostics import Diagnostic
from qinlian.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "data" / "authoring"
CODES = sorted(path.name for path in FIXTURES.iterdir() if path.name != "base")


def _course(fixture: Path, tmp_path: Path) -> Path:
    course = tmp_path / "course"
    shutil.copytree(FIXTURES / "base", course)
    shutil.copytree(fixture, course, dirs_exist_ok=True)
    if (fixture / "missing.txt").exists():
        for name in (fixture / "missing.txt").read_text().split():
            (course / name).unlink()
    return course


def _book(fixture: Path, tmp_path: Path) -> Path:
    path = tmp_path / "题库.xlsx"
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in json.loads((fixture / "book.json").read_text(encoding="utf-8")).items():
        sheet = book.create_sheet(name)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row, 1):
                if isinstance(value, dict):
                    value = value.get("formula") or date.fromisoformat(value["date"])
                sheet.cell(number, column, value)
    book.save(path)
    return path


def _diagnostics(fixture: Path, tmp_path: Path) -> tuple[Diagnostic, ...]:
    if (fixture / "book.json").exists():
        return import_workbook(_book(fixture, tmp_path), ())[1]
    if (fixture / "题库.xlsx").exists():
        return import_workbook(fixture / "题库.xlsx", ())[1]
    for suffix in ("xml", "txt", "zip"):
        if (fixture / f"题库.{suffix}").exists():
            return _brought(fixture / f"题库.{suffix}", tmp_path)
    if (fixture / "export.txt").exists():
        form = (fixture / "export.txt").read_text().strip()
        course = load_course(_course(fixture, tmp_path))
        return export_bank(course, form, tmp_path / "题库", ["02-gifts"])[1]
    return read_course(_course(fixture, tmp_path))[1]


def _brought(path: Path, tmp_path: Path) -> tuple[Diagnostic, ...]:
    bank, problems = open_bank(path)
    if bank is None:
        return problems
    course = load_course(_course(FIXTURES / "base", tmp_path))
    return bring(bank, path.name, course, {"LZ-02-001": "02-gifts"}, "LZ-02").diagnostics


@pytest.mark.parametrize("code", CODES)
def test_a_fixture_yields_its_code_at_the_exact_place(code: str, tmp_path: Path) -> None:
    found = _diagnostics(FIXTURES / code, tmp_path)
    assert code in {d.code for d in found}
    expected = (FIXTURES / code / "expected.txt").read_text(encoding="utf-8")
    assert "".join(f"{d}\n" for d in found) == expected


def test_the_base_course_has_nothing_to_say(tmp_path: Path) -> None:
    course, found = read_course(_course(FIXTURES / "base", tmp_path))
    assert found == ()
    assert course is not None
    assert load_course(tmp_path / "course") == course


def test_source_docs_and_fixtures_know_the_same_codes() -> None:
    folders = (ROOT / "qinlian" / "authoring", ROOT / "qinlian" / "items")
    source = "\n".join(p.read_text(encoding="utf-8") for folder in folders for p in folder.rglob("*.py"))
    in_source = set(re.findall(r'"([EW][1-6]\d\d)"', source))
    docs = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    in_docs = re.findall(r"^### ([EW][1-6]\d\d)", docs, re.MULTILINE)
    assert sorted(in_source) == CODES
    assert sorted(in_docs) == CODES, "each code has exactly one section"


def test_every_docs_section_says_what_to_do() -> None:
    docs = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    for section in re.split(r"^### ", docs, flags=re.MULTILINE)[1:]:
        code = section[:4]
        assert "例：" in section, code
        assert "怎么改：" in section, code


def test_loading_a_course_with_errors_raises_with_all_of_them(tmp_path: Path) -> None:
    course = _course(FIXTURES / "E203", tmp_path)
    with pytest.raises(CourseError, match="课程有 2 处错误") as raised:
        load_course(course)
    assert [d.code for d in raised.value.diagnostics if d.is_error] == ["E203", "E203"]


def test_warnings_do_not_stop_the_course(tmp_path: Path) -> None:
    course, found = read_course(_course(FIXTURES / "W601", tmp_path))
    assert course is not None
    assert [d.code for d in found] == ["W601"]
