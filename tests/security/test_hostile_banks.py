"""Question banks from strangers: refused at once, by what is known before the work is done, in one sentence.

The bounds are on work, not on time: how much was fed to the XML parser, how much of a package was unpacked, whether
a file was read at all.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qinlian.authoring.interchange.bring import bring
from qinlian.authoring.interchange.gate import Package, open_bank
from qinlian.authoring.interchange.gift import read_gift
from qinlian.authoring.interchange.moodle import read_moodle
from qinlian.authoring.sheets import open_workbook
from qinlian.core.diagnostics import Diagnostic
from tests.interchange_items import course_of

FED = 65_536
"""Bytes that are fed to the parser at a time."""

ESSAY = (
    '<question type="essay"><name><text>{}</text></name>'
    '<questiontext format="html"><text>写</text></questiontext></question>'
)


def put(folder: Path, data: bytes, name: str = "题库.xml") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zipped(folder: Path, files: dict[str, bytes], name: str = "题库.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for inside, data in files.items():
            archive.writestr(inside, data)
    return path


def told(path: Path) -> tuple[Diagnostic, ...]:
    """What an import of the file says, the course being an empty one."""
    bank, problems = open_bank(path)
    if bank is None:
        return problems
    if bank.format == "xlsx":
        return open_workbook(path)[1]
    return bring(bank, path.name, course_of(), {}, "LZ-02").diagnostics


def codes(path: Path) -> list[str]:
    return [d.code for d in told(path)]


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each feeding of the XML parser brought."""
    from defusedxml.expatreader import DefusedExpatParser

    sizes: list[int] = []
    feed = DefusedExpatParser.feed

    def counted(self: Any, data: Any, *more: Any) -> None:
        sizes.append(len(data))
        feed(self, data, *more)

    monkeypatch.setattr(DefusedExpatParser, "feed", counted)
    return sizes


# --- entities and document types ---------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ENTITIES = {
    "billion laughs": f'<!DOCTYPE quiz [<!ENTITY l0 "笑">{LAUGHS}]><quiz>{ESSAY.format("&l9;")}</quiz>',
    "quadratic": f'<!DOCTYPE quiz [<!ENTITY a "{"笑" * 100_000}">]><quiz>{ESSAY.format("&a;" * 1000)}</quiz>',
    "external entity": f'<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz>{ESSAY.format("&x;")}</quiz>',
    "external dtd": f'<!DOCTYPE quiz SYSTEM "http://attacker.example/a.dtd"><quiz>{ESSAY.format("x")}</quiz>',
    "parameter entity": f'<!DOCTYPE quiz [<!ENTITY % p SYSTEM "file:///etc/hostname">%p;]><quiz>{ESSAY.format("x")}</quiz>',
}


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_and_document_types_are_refused_where_they_are_declared(
    name: str, tmp_path: Path, fed: list[int]
) -> None:
    tail = b"<!-- " + b"x" * 5_000_000 + b" -->"
    (problem,) = told(put(tmp_path, ENTITIES[name].encode() + tail))
    assert problem.code == "E133"
    assert "passwd" not in str(problem)
    assert sum(fed) <= 8 * FED, "nothing beyond the declaration is parsed"


def test_an_entity_inside_a_package_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    item = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><assessmentItem>&x;</assessmentItem>'
    (problem,) = told(zipped(tmp_path, {"imsmanifest.xml": _manifest("i.xml"), "i.xml": item}))
    assert (problem.code, problem.sheet) == ("E133", "i.xml")
    (problem,) = told(zipped(tmp_path, {"imsmanifest.xml": b'<!DOCTYPE m [<!ENTITY a "b">]><manifest/>', "i.xml": b""}))
    assert (problem.code, problem.sheet) == ("E133", "imsmanifest.xml")


def _manifest(*names: str) -> bytes:
    listed = "".join(f'<resource type="imsqti_item_xmlv2p1" href="{name}"/>' for name in names)
    return f"<manifest><resources>{listed}</resources></manifest>".encode()


# --- size and depth ----------------------------------------------------------------------------


def test_nesting_stops_at_the_bound(tmp_path: Path, fed: list[int]) -> None:
    deep = b"<quiz>" + b"<question>" * 1_000_000
    assert codes(put(tmp_path, deep)) == ["E132"]
    assert sum(fed) <= 2 * FED


def test_elements_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fed: list[int]) -> None:
    monkeypatch.setattr("qinlian.authoring.interchange.safexml._MOST_ELEMENTS", 20_000)
    assert codes(put(tmp_path, b"<quiz>" + b"<question/>" * 500_000 + b"</quiz>")) == ["E132"]
    assert sum(fed) <= 20_000 * 11 + 2 * FED


def test_html_that_is_nested_too_deep_costs_its_question_alone() -> None:
    html = "&lt;b&gt;" * 3000 + "深"
    text = f"<quiz>{ESSAY.format('深').replace('写', html)}{ESSAY.format('好')}</quiz>"
    found, problems = read_moodle(text, "题库.xml")
    assert [one.who for one in found] == ["第 2 题“好”"]
    assert [(d.code, d.line) for d in problems if d.code == "W651"] == [("W651", 1)]


def test_a_text_without_end_costs_its_question_alone() -> None:
    text = f"<quiz>{ESSAY.format('长').replace('写', '长' * 100_001)}{ESSAY.format('好')}</quiz>"
    found, _ = read_moodle(text, "题库.xml")
    assert [one.who for one in found] == ["第 2 题“好”"]


def test_a_file_of_200_megabytes_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "题库.xml"
    with path.open("wb") as file:
        file.write(b"<quiz>")
        file.truncate(200_000_000)  # a hole: it takes no room on the disk
    read: list[int] = []
    real = io.BufferedReader

    def opened(self: Path, *mode: str, **more: Any) -> Any:
        class Counting(real):
            def read(self, size: int | None = -1, /) -> bytes:
                assert size is not None
                assert size >= 0
                read.append(size)
                return super().read(size)

        return Counting(io.FileIO(str(self)))

    monkeypatch.setattr(Path, "open", opened)
    (problem,) = told(path)
    assert (problem.code, "200 MB" in problem.message) == ("E132", True)
    assert sum(read) <= FED


def test_too_many_questions_stop_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qinlian.authoring.interchange.moodle._MOST", 3)
    found, problems = read_moodle(f"<quiz>{ESSAY.format('x') * 5}</quiz>", "题库.xml")
    assert (found, problems[-1].code) == ((), "E132")
    monkeypatch.setattr("qinlian.authoring.interchange.gift._MOST", 3)
    found, problems = read_gift("一{T}\n\n" * 5, "题库.txt")
    assert (found, problems[-1].code) == ((), "E132")


TRAPS = {
    "blank lines": "\n" * 2_000_000 + "::一::二{T}",
    "open braces": "{1:SA:" * 100_000,
    "spaces": "::一::" + " " * 1_000_000 + "{T}",
    "marks": "~=#" * 300_000,
    "a brace and no end": "{" + "T" * 1_000_000,
    "backslashes": "\\" * 1_000_001,
    "headings": "# " * 500_000,
    "underscores": "一" + "_" * 90_000 + "{=二}",
    "cloze": f"<quiz>{ESSAY.format('x').replace('essay', 'cloze').replace('写', '{1:SA:' * 15_000)}</quiz>",
    "comments": "<?xml version='1.0'?>" + "<!-- -->" * 8000 + " x",
    "white space before the root": "<?a?>" + " \n" * 200_000 + "x",
    "citations": f"<quiz>{ESSAY.format('x').replace('写', '依据：' + chr(10) * 90_000)}</quiz>",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAPS)
def test_no_text_makes_a_pattern_go_back_and_forth(name: str, tmp_path: Path) -> None:
    """Each of these takes hours where a pattern is quadratic or worse; the suite would not end."""
    assert told(put(tmp_path, TRAPS[name].encode(), "题库"))


# --- packages ----------------------------------------------------------------------------------


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
    path = zipped(tmp_path, {"imsmanifest.xml": _manifest("i.xml"), "i.xml": b"<assessmentItem>" + b" " * 5_000_000})
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
    found = told(zipped(tmp_path, {"imsmanifest.xml": _manifest("../outside.xml", "/etc/passwd"), "a.xml": b"<a/>"}))
    assert [d.code for d in found] == ["W651", "W651"]
    assert all("包里没有这个文件" in d.message for d in found)


def test_a_link_in_a_package_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "题库.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("i.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("imsmanifest.xml", _manifest("i.xml"))
    assert codes(path) == ["E133"]


def test_a_package_inside_a_package_is_never_opened(tmp_path: Path, unpacked: list[str]) -> None:
    inner = zipped(tmp_path, {"imsmanifest.xml": b"<manifest/>"}, "inner.zip").read_bytes()
    (problem,) = told(zipped(tmp_path, {"inner.zip": inner}))
    assert (problem.code, "先解开一层" in problem.hint) == ("E131", True)
    found = told(zipped(tmp_path, {"imsmanifest.xml": _manifest(), "inner.zip": inner}))
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


# --- what is no bank, or a broken one ----------------------------------------------------------

GOOD = f"<quiz>{ESSAY.format('好')}</quiz>"
ODD: dict[str, tuple[bytes, str, str]] = {
    "a pdf": (b"%PDF-1.7\n", "题库.xml", "E131"),
    "empty": (b"", "题库.xml", "E131"),
    "white space": (b" \n\n", "题库.txt", "E131"),
    "a gzip backup": (b"\x1f\x8b\x08\0", "backup.mbz", "E131"),
    "nul bytes": (b"<quiz>\0\0</quiz>", "题库.xml", "E131"),
    "binary": (bytes(range(256)) * 10, "题库.gift", "E131"),
    "no zip": (b"PK\x03\x04" + b"x" * 100, "题库.zip", "E135"),
    "a page": (b"<html><body>x</body></html>", "题库.xml", "E131"),
    "qti 1.2": (b"<questestinterop/>", "题库.xml", "E131"),
    "another xml": (b"<svg/>", "题库.xml", "E131"),
    "truncated": (GOOD.encode()[:-30], "题库.xml", "E135"),
    "no question": (b"<quiz></quiz>", "题库.xml", "E135"),
    "control characters": (GOOD.replace("写", "\x01").encode(), "题库.xml", "E135"),
    "gb18030 undeclared": (GOOD.encode("gb18030"), "题库.xml", "E134"),
    "declared otherwise": (b'<?xml version="1.0" encoding="big5"?>' + GOOD.encode(), "题库.xml", "E134"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="utf-7"?>' + GOOD.encode(), "题库.xml", "E134"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "题库.xls", "E121"),
    "csv as xlsx": ("题型,题干\n".encode(), "题库.xlsx", "E121"),
    "aiken": ("问\nA. 甲\nB. 乙\nANSWER: A\n".encode(), "题库.txt", "E131"),
    "prose": ("今天开会。\n".encode(), "题库.txt", "E131"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_bank_gets_one_clear_sentence(name: str, tmp_path: Path) -> None:
    data, file, code = ODD[name]
    (problem,) = told(put(tmp_path, data, file))
    assert problem.code == code
    assert problem.hint


def test_a_folder_and_a_missing_file_are_said_to_be_none(tmp_path: Path) -> None:
    assert codes(tmp_path) == ["E101"]
    assert codes(tmp_path / "没有.xml") == ["E101"]


DECLARED = '<?xml version="1.0" encoding="{}"?>' + GOOD
ENCODED = {
    "utf-8": GOOD.encode(),
    "utf-8 with a mark": GOOD.encode("utf-8-sig"),
    "utf-16": DECLARED.format("UTF-16").encode("utf-16"),
    "gb18030 declared": DECLARED.format("GB18030").encode("gb18030"),
    "gbk declared": DECLARED.format("gbk").encode("gbk"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_encodings_that_can_be_told_are_read(name: str, tmp_path: Path) -> None:
    bank, problems = open_bank(put(tmp_path, ENCODED[name]))
    assert problems == ()
    assert bank is not None
    (one,), _ = read_moodle(bank.text, "题库.xml")
    assert (one.asked.name, one.asked.stem) == ("好", "写")


# --- a workbook of a million rows --------------------------------------------------------------


@pytest.mark.slow
def test_a_workbook_of_a_million_rows_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "题库.xlsx"
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n * n % 999_983}</v></c></row>' for n in range(1, 1_000_001))
    files["xl/worksheets/sheet1.xml"] = f"<worksheet><sheetData>{rows}</sheetData></worksheet>".encode()
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
    assert sum(asked) < len(files["xl/worksheets/sheet1.xml"]) / 5


# --- whatever the bytes are --------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
SEEDS = [
    (ROOT / "golden" / "interchange" / "bank.xml").read_bytes(),
    (ROOT / "golden" / "interchange" / "bank.txt").read_bytes(),
    *(p.read_bytes() for p in sorted((ROOT / "fixtures" / "interchange").rglob("*")) if p.is_file()),
]
SPLICES = [
    b"",
    b"<",
    b">",
    b"</",
    b"&",
    b"]]>",
    b"{",
    b"}",
    b"~",
    b"=",
    b"#",
    b"::",
    b"\\",
    b"\n\n",
    b"\0",
    b"\xff",
    b"%",
    b"->",
]
SPLICES += [
    b'"',
    b"'",
    b"-1",
    b"999999999999",
    b"nan",
    b"1e400",
    b"format=",
    b"html",
    b"{1:SA:=a}",
    "\u200b".encode(),
    b"|",
]


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A real bank with a few places cut out, doubled or written over."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        piece = draw(st.sampled_from([*SPLICES, data[at : at + length] * 3]))
        data = data[:at] + piece + data[at + draw(st.integers(0, length)) :]
    return data


@pytest.mark.slow
def test_no_bytes_make_the_import_raise(tmp_path: Path) -> None:
    @given(spoiled())
    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    def brought(data: bytes) -> None:
        assert isinstance(told(put(tmp_path, data, "题库")), tuple)
        item = zipped(tmp_path, {"imsmanifest.xml": _manifest("i.xml"), "i.xml": data})
        assert isinstance(told(item), tuple)
        assert isinstance(told(zipped(tmp_path, {"imsmanifest.xml": data, "i.xml": b"<assessmentItem/>"})), tuple)

    brought()
