"""Packages and workbooks from strangers: refused by their directory, before anything is unpacked or loaded."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from qinlian.authoring.interchange.gate import Package
from tests.hostile_banks import codes, manifest, told, zipped


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the members that were unpacked."""
    names: list[str] = []
    read = Package.read

    def noted(self: Package, name: str) -> Any:
        names.append(name)
        return read(self, name)

    monkeypatch.setattr(Package, "read", noted)
    return names


def test_a_zip_bomb_is_refused_by_its_directory(tmp_path: Path, unpacked: list[str]) -> None:
    (problem,) = told(zipped(tmp_path, {"imsmanifest.xml": b"<manifest/>", "a.xml": b"\0" * 6_000_000}))
    assert (problem.code, unpacked) == ("E132", [])
    path = zipped(tmp_path, {"imsmanifest.xml": b"<manifest/>", "a.xml": b"<a/>"})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (4_000_000_000).to_bytes(4, "little")
    path.write_bytes(data)
    assert codes(path) == ["E132"]
    assert unpacked == []


def test_a_member_that_is_larger_than_its_directory_says_ends_where_it_said(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"imsmanifest.xml": manifest("i.xml"), "i.xml": b"<assessmentItem>" + b" " * 5_000_000})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    found = told(path)
    assert [d.code for d in found] == ["W651"]
    assert "损坏" in found[0].message


@pytest.mark.parametrize(
    "name", ["../../evil.xml", "/etc/evil.xml", "..\\evil.xml", "C:\\evil.xml", "a/../../evil.xml"]
)
def test_names_that_lead_out_of_a_package_are_refused(name: str, tmp_path: Path, unpacked: list[str]) -> None:
    (problem,) = told(zipped(tmp_path, {"imsmanifest.xml": b"<manifest/>", name: b"<assessmentItem/>"}))
    assert (problem.code, unpacked) == ("E133", [])
    assert [p.name for p in tmp_path.iterdir()] == ["题库.zip"]


def test_a_manifest_that_points_out_of_the_package_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "outside.xml").write_bytes(b"<assessmentItem/>")
    found = told(zipped(tmp_path, {"imsmanifest.xml": manifest("../outside.xml", "/etc/passwd"), "a.xml": b"<a/>"}))
    assert [d.code for d in found] == ["W651", "W651"]
    assert all("包里没有这个文件" in d.message for d in found)


def test_a_link_in_a_package_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "题库.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("i.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("imsmanifest.xml", manifest("i.xml"))
    assert codes(path) == ["E133"]


def test_a_package_inside_a_package_is_never_opened(tmp_path: Path, unpacked: list[str]) -> None:
    inner = zipped(tmp_path, {"imsmanifest.xml": b"<manifest/>"}, "inner.zip").read_bytes()
    (problem,) = told(zipped(tmp_path, {"inner.zip": inner}))
    assert (problem.code, "先解开一层" in problem.hint) == ("E131", True)
    found = told(zipped(tmp_path, {"imsmanifest.xml": manifest(), "inner.zip": inner}))
    assert [d.code for d in found] == ["W652"]
    assert unpacked == ["imsmanifest.xml"]


def test_a_locked_package_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"imsmanifest.xml": b"<manifest/>"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    assert codes(path) == ["E136"]


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qinlian.authoring.interchange.gate._MOST_MEMBERS", 10)
    assert codes(zipped(tmp_path, {f"{n}.xml": b"<a/>" for n in range(11)})) == ["E132"]


def test_an_entity_inside_a_package_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    item = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><assessmentItem>&x;</assessmentItem>'
    (problem,) = told(zipped(tmp_path, {"imsmanifest.xml": manifest("i.xml"), "i.xml": item}))
    assert (problem.code, problem.sheet) == ("E133", "i.xml")
    (problem,) = told(zipped(tmp_path, {"imsmanifest.xml": b'<!DOCTYPE m [<!ENTITY a "b">]><manifest/>', "i.xml": b""}))
    assert (problem.code, problem.sheet) == ("E133", "imsmanifest.xml")


# --- a workbook of a million rows --------------------------------------------------------------


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"


def empty_workbook() -> dict[str, bytes]:
    """The files of a workbook with one empty sheet."""
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sheet_of(rows: str) -> bytes:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()


@pytest.mark.slow
def test_a_workbook_of_a_million_rows_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "题库.xlsx"
    files = empty_workbook()
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n * n % 999_983}</v></c></row>' for n in range(1, 1_000_001))
    files[SHEET] = sheet_of(rows)
    zipped(tmp_path, files, path.name)
    asked: list[int] = []
    read = zipfile.ZipExtFile.read

    def counted(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        data = read(self, n)
        asked.append(len(data))
        return data

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the workbook must not be loaded")

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    monkeypatch.setattr(openpyxl, "load_workbook", never)
    (problem,) = told(path)
    assert problem.code == "E121"
    assert "100000 行" in problem.message
    assert sum(asked) < len(files[SHEET]) / 5


@pytest.mark.parametrize("chunk", range(1, 60))
def test_stored_rows_are_counted_alike_wherever_a_sheet_is_cut(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qinlian.authoring.sheets._MOST_STORED", 4)
    monkeypatch.setattr("qinlian.authoring.sheets._CHUNK", chunk)
    path = tmp_path / "题库.xlsx"
    files = empty_workbook()
    for rows, expected in ((4, []), (5, ["E121"])):
        made = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(1, rows + 1))
        files[SHEET] = sheet_of(made)
        assert codes(zipped(tmp_path, files, path.name)) == expected
