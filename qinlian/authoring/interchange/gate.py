"""The gate: tells by its content what a file from outside is, and refuses what is hostile, broken or too large.

Sizes are asked before anything is read; a package is judged by its directory before anything is unpacked.
"""

from __future__ import annotations

import codecs
import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from zlib import error as ZlibError  # noqa: N812 - it is a class

from qinlian.authoring.interchange.safexml import declares
from qinlian.authoring.textfile import Place
from qinlian.core.diagnostics import Diagnostic

__all__ = ["Bank", "BankFormat", "Package", "decode", "open_bank"]

BankFormat = Literal["xlsx", "moodle", "gift", "qti", "markdown"]

_LARGEST = 50_000_000
_LARGEST_TEXT = 20_000_000
_LARGEST_UNPACKED = 200_000_000
_LARGEST_MEMBER = 20_000_000
_MOST_MEMBERS = 20_000
_BOMB_FROM, _BOMB_RATIO = 5_000_000, 100
_HEAD = 4096
_ENCODING = re.compile(rb"""\A\s*<\?xml\b[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS = frozenset(
    codecs.lookup(name).name
    for name in ("utf-8", "ascii", "gb18030", "gbk", "gb2312", "big5", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
) | {"iso8859-1"}
_ROOT = re.compile(
    r"\A\ufeff?(?>\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?[^>]*>)*+<(?:[\w.-]+:)?([\w.-]+)", re.S
)
_ITEM_HEADING = re.compile(r"^[ \t]*[#＃]{3}[ \t]*[A-Za-z0-9_-]+\s*[\[［【]", re.M)
_AIKEN = re.compile(r"^ANSWER:\s*[A-Z]\s*$", re.M)
_GIFT = re.compile(r"^[ \t]*(?:::|\$CATEGORY:)|\{[^{}]*\}", re.M)
_AGAIN = "请从原来的系统重新导出"


@dataclass
class Package:
    """A zip whose directory has been found harmless; close its ``archive`` when all has been read."""

    archive: zipfile.ZipFile
    file: str

    @property
    def names(self) -> list[str]:
        """The names of its files, in order."""
        return [entry.filename for entry in self.archive.infolist() if not entry.is_dir()]

    def read(self, name: str) -> tuple[bytes | None, tuple[Diagnostic, ...]]:
        """One member's bytes, or None with E132 or E135."""
        place = Place(self.file, sheet=name)
        entry = self.archive.getinfo(name)
        if entry.file_size > _LARGEST_MEMBER:
            size = f"{entry.file_size / 1e6:.0f} MB"
            return None, (place.says("E132", f"包里的这个文件有 {size}，太大了", "分几次导出，每次少选一些题"),)
        try:
            with self.archive.open(entry) as member:
                data = member.read(_LARGEST_MEMBER + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ZlibError):
            return None, (place.says("E135", "包里的这个文件损坏了，解不开", _AGAIN),)
        return data, ()


@dataclass(frozen=True)
class Bank:
    """A file let through: its format, and its text or its package."""

    format: BankFormat
    text: str = ""
    package: Package | None = None


def open_bank(path: Path) -> tuple[Bank | None, tuple[Diagnostic, ...]]:
    """What the file is, or None with the reason, told at once.

    E101 missing, E131 no question bank, E132 too large, E133 hostile, E134 encoding, E135 broken, E136 locked.
    """
    place = Place(path.name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return None, (place.says("E101", "这不是一个文件", "写出题库文件的名字，如 题库.xml"),)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            zipped = head.startswith((b"PK\x03\x04", b"PK\x05\x06"))
            if head.startswith(b"\xd0\xcf\x11\xe0") or (path.suffix.lower() == ".xlsx" and not zipped):
                return Bank("xlsx"), ()  # the reader of workbooks says what is the matter
            if reason := _foreign(head, path.suffix.lower()):
                return None, (place.says("E131", *reason),)
            if status.st_size > (_LARGEST if zipped else _LARGEST_TEXT):
                most = (_LARGEST if zipped else _LARGEST_TEXT) // 1_000_000
                message = f"文件有 {status.st_size / 1e6:.0f} MB，太大了，没有读取"
                return None, (
                    place.says("E132", message, f"导出时少选一些题，或先删去图片，分成不超过 {most} MB 的几个"),
                )
            if zipped:
                return _zipped(path, place)
            data = head + file.read(_LARGEST_TEXT + 1 - len(head))
    except OSError:
        return None, (place.says("E101", "找不到或打不开这个文件", "核对文件名和权限"),)
    text, problems = decode(data, place)
    if text is None:
        return None, problems
    return _written(text, place)


def _foreign(head: bytes, suffix: str) -> tuple[str, str] | None:
    """(message, hint) for what is certainly no question bank."""
    if not head.strip():
        return "文件是空的", _AGAIN
    if head.startswith(b"%PDF"):
        return "这是 PDF 文件，读不出题目", "请拿题库的原文件，或按 docs/interchange.md 从原来的系统导出"
    if head.startswith(b"\x1f\x8b") or suffix == ".mbz":
        return "这是压缩的备份文件，不是题库", "在 Moodle 的题库里选“导出”，格式选 Moodle XML"
    if head.startswith((b"Rar!", b"7z\xbc\xaf")):
        return "这种压缩包读不了", "解开后导入里面的文件；QTI 包应是 .zip"
    return None


def decode(data: bytes, place: Place) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The text of a file by its byte order mark, else by what its XML declaration says, else as UTF-8.

    None with E131 for what is no text and E134 for another encoding: nothing is guessed, since a wrong guess
    would change words without anybody seeing it.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "utf-16"
    elif found := _ENCODING.match(data[:_HEAD].removeprefix(codecs.BOM_UTF8)):
        said = found[1].decode("ascii")
        try:
            name = codecs.lookup(said).name
        except LookupError:
            name = ""
        if name not in _ENCODINGS:
            return None, (place.says("E134", f"不认识文件声明的编码 {said[:20]}", "另存为 UTF-8 再导入"),)
        if name.startswith("utf-16"):  # a declaration that could be read as bytes is not in UTF-16
            name = "utf-8"
        elif name in ("gbk", "gb2312"):  # what Windows calls by these names often holds more
            name = "gb18030"
    else:
        name = "utf-8"
    try:
        text = data.decode("utf-8-sig" if name == "utf-8" else name)
    except UnicodeDecodeError as error:
        if b"\0" in data:
            return None, (place.says("E131", "这不是文本文件", _AGAIN),)
        shown = "UTF-8" if name == "utf-8" else f"它声明的 {name}"
        line = data.count(b"\n", 0, error.start) + 1
        return None, (
            Place(place.file, line, 1, sheet=place.sheet).says(
                "E134", f"文件不是 {shown} 编码", "在编辑器里另存为 UTF-8 再导入"
            ),
        )
    if "\0" in text:
        return None, (place.says("E131", "文件里有空字符（NUL），不是文本文件", _AGAIN),)
    return text, ()


def _written(text: str, place: Place) -> tuple[Bank | None, tuple[Diagnostic, ...]]:
    """Which of the text formats a text is in."""
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        found = _ROOT.match(text[: 16 * _HEAD])
        match found[1] if found else "":
            case "quiz":
                return Bank("moodle", text), ()
            case "assessmentItem":
                return Bank("qti", text), ()
            case "questestinterop":
                return None, (place.says("E131", "这是 QTI 1.2 的题库，读不了", "在原来的系统里选 QTI 2.1 导出"),)
            case "manifest":
                return None, (place.says("E131", "这只是 QTI 包里的清单", "导入整个 .zip 包，不用解开"),)
            case "html" | "HTML":
                return None, (place.says("E131", "这是网页，不是题库", "在原来的系统里用“导出”，不要另存网页"),)
            case "" if "<!DOCTYPE" in text[: 16 * _HEAD]:
                return None, (declares(place),)
            case "":
                return None, (place.says("E135", "XML 的开头读不出来", _AGAIN),)
            case root:
                return None, (place.says("E131", f"不认识这种 XML（{root[:20]}）", "能导入的有 Moodle XML 和 QTI 2.1"),)
    if _ITEM_HEADING.search(text):
        return Bank("markdown", text), ()
    if _AIKEN.search(text) and not _GIFT.search(text):
        return None, (place.says("E131", "这是 Aiken 格式，读不了", "在 Moodle 里改用 GIFT 或 Moodle XML 导出"),)
    if _GIFT.search(text):
        return Bank("gift", text), ()
    return None, (place.says("E131", "认不出这是哪一种题库", "能导入的有 .xlsx、Moodle XML、GIFT 和 QTI 2.1 的 .zip"),)


def _zipped(path: Path, place: Place) -> tuple[Bank | None, tuple[Diagnostic, ...]]:
    """A zip: a workbook, or a QTI package found harmless by its directory."""
    try:
        archive = zipfile.ZipFile(path)  # kept open for as long as the package is read
        entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        if path.suffix.lower() == ".xlsx":
            return Bank("xlsx"), ()
        return None, (place.says("E135", "压缩包不完整，打不开", _AGAIN),)
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" in names or path.suffix.lower() == ".xlsx":
        archive.close()
        return Bank("xlsx"), ()
    problem = _harm(entries, path.stat().st_size, place) or _no_package(names, place)
    if problem:
        archive.close()
        return None, (problem,)
    return Bank("qti", package=Package(archive, path.name)), ()


def _harm(entries: list[zipfile.ZipInfo], size: int, place: Place) -> Diagnostic | None:
    """What the directory of a zip gives away before anything is unpacked."""
    if len(entries) > _MOST_MEMBERS:
        return place.says("E132", f"包里有 {len(entries)} 个文件，太多了", "分几次导出，每次少选一些题")
    for entry in entries:
        name = entry.filename
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name) or "\0" in name:
            return place.says("E133", f"包里有指向包外的文件名 {name[:40]}，可能是攻击，没有读取", _AGAIN)
        if stat.S_ISLNK(entry.external_attr >> 16):
            return place.says("E133", f"包里的 {name[:40]} 是链接，可能是攻击，没有读取", _AGAIN)
        if entry.flag_bits & 0x1:
            return place.says("E136", "压缩包加了密码", "解开后重新压缩，不设密码")
    full = sum(entry.file_size for entry in entries)
    if full > _LARGEST_UNPACKED or full > max(_BOMB_FROM, _BOMB_RATIO * size):
        return place.says(
            "E132", f"压缩包展开后有 {full / 1e6:.0f} MB，太大了，没有解开", "分几次导出，或先删去图片和视频"
        )
    return None


def _no_package(names: set[str], place: Place) -> Diagnostic | None:
    """What a zip without questions is, as far as its names tell."""
    if any(name.lower().endswith(".xml") for name in names) and not {"word/document.xml", "moodle_backup.xml"} & names:
        return None
    if "moodle_backup.xml" in names:
        return place.says("E131", "这是 Moodle 的课程备份，不是题库", "在 Moodle 的题库里选“导出”，格式选 Moodle XML")
    if "word/document.xml" in names:
        return place.says(
            "E131", "这是 Word 文件，读不出题目", "填进 Excel 题库再导入；模板用 qinlian export --xlsx 导出"
        )
    if any(name.lower().endswith(".zip") for name in names):
        return place.says("E131", "压缩包里还是压缩包", "先解开一层，再导入里面的 .zip")
    return place.says("E131", "压缩包里没有题目", "QTI 包里应有 imsmanifest.xml")
