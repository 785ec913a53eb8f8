"""Reading a text file of the course, and saying where in it something stands."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qinlian.core.diagnostics import Diagnostic
from qinlian.core.width import narrow

__all__ = [
    "Line",
    "Place",
    "TextFile",
    "control_places",
    "display_name",
    "html_places",
    "nearest",
    "parse_text",
    "read_text",
    "visible",
]

# Control, bidirectional and invisible characters: they hide text or break comparison of answers.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]")
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_HTML = re.compile(r"<!--|</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")


@dataclass(frozen=True)
class Place:
    """A position in a text file (line and column from 1) or in a workbook (sheet and cell)."""

    file: str
    line: int = 0
    col: int = 0
    sheet: str = ""
    cell: str = ""

    def says(self, code: str, message: str, hint: str = "") -> Diagnostic:
        """A diagnostic at this place."""
        return Diagnostic(
            file=self.file,
            line=self.line,
            col=self.col,
            sheet=self.sheet,
            cell=self.cell,
            code=code,
            message=message,
            hint=hint,
        )


@dataclass(frozen=True)
class Line:
    """One line without its line break; ``narrow`` is the same with full-width ASCII made narrow."""

    file: str
    number: int
    text: str
    narrow: str

    def at(self, index: int = 0) -> Place:
        """The place of the character at ``index`` from 0."""
        return Place(self.file, self.number, index + 1)

    @property
    def blank(self) -> bool:
        """True when only white space stands here."""
        return not self.text.strip()

    @property
    def indent(self) -> int:
        """Index of the first character that is not white space."""
        return len(self.text) - len(self.text.lstrip())


@dataclass(frozen=True)
class TextFile:
    """A decoded text file; ``file`` is the name shown in diagnostics."""

    file: str
    text: str
    lines: tuple[Line, ...]


def display_name(course_dir: Path, path: Path) -> str:
    """How diagnostics name a file: from the course folder's own name on, with ``/``."""
    return path.relative_to(course_dir.parent).as_posix()


def parse_text(text: str, file: str) -> TextFile:
    """Split a decoded text into lines; CRLF and CR count as line breaks, a leading BOM is dropped."""
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = (Line(file, n, t.rstrip(), narrow(t.rstrip())) for n, t in enumerate(clean.split("\n"), 1))
    return TextFile(file, clean, tuple(lines))


def read_text(path: Path, file: str) -> tuple[TextFile | None, tuple[Diagnostic, ...]]:
    """The file's text, or None with the reason: E101 missing, E102 not UTF-8, E103 characters."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, (Place(file).says("E101", "找不到这个文件", "补上它，或核对文件夹与文件名"),)
    except OSError as error:
        return None, (Place(file).says("E101", "这个文件读不出来", f"核对它的权限（{error.strerror}）"),)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return None, (place.says("E102", "文件不是 UTF-8 编码", "在编辑器里另存为 UTF-8"),)
    parsed = parse_text(text, file)
    return parsed, tuple(control_places(parsed))


def control_places(parsed: TextFile) -> Iterator[Diagnostic]:
    """E103 for every character that cannot be seen."""
    for line in parsed.lines:
        for found in _FORBIDDEN.finditer(line.text):
            name = f"U+{ord(found.group()):04X}"
            yield line.at(found.start()).says("E103", f"这里有看不见的控制字符 {name}", "删掉它，重新输入这一处文字")


def visible(text: str) -> str:
    """``text`` from elsewhere without the characters that E103 refuses, and with our line breaks."""
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def html_places(line: Line, start: int = 0) -> Iterator[Diagnostic]:
    """E110 for every HTML tag in a line of prose from ``start`` on; code spans are left alone."""
    bare = _CODE_SPAN.sub(lambda m: " " * len(m.group()), line.text)
    for found in _HTML.finditer(bare, start):
        yield line.at(found.start()).says(
            "E110", f"正文里不能写 HTML：{found.group()[:20]}", "改用 Markdown，或删掉标签"
        )


def nearest(word: str, words: Iterable[str], *, listed: bool = True) -> str:
    """A hint naming the valid word nearest to ``word``; without one, the valid words if ``listed``."""
    known = list(dict.fromkeys(words))
    # 0.5 lets a two-character word differ in one character.
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"是不是“{close[0]}”"
    return f"可以写：{'、'.join(known)}" if listed and known else ""
