"""A workbook's cells as text, each with its address: the careful part of reading Excel."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qinlian.authoring.textfile import Place, nearest
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.width import narrow

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["Row", "Sheet", "cell_text", "header_text", "hidden", "open_workbook", "put_text", "read_sheet"]

_LARGEST = 20_000_000
_LARGEST_UNPACKED = 300_000_000
_BOMB_FROM, _BOMB_RATIO = 10_000_000, 100
"""Real workbooks unpack to ten or thirty times their size."""
_MOST_ROWS = 20_000
_MOST_STORED = 100_000
"""Rows that a sheet's XML may hold, empty ones that are only coloured among them, before it is read at all."""
_STORED_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CUT_NAME = re.compile(rb"<[\w:]{0,40}\Z")
_CHUNK = 65_536
_HEADER_WITHIN = 10
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Row:
    """The filled cells of one row, by header; ``places`` has every column that the sheet has."""

    cells: dict[str, str]
    places: dict[str, Place]
    place: Place
    unread: frozenset[str] = frozenset()
    """Headers of cells that hold something that is no plain text."""

    def __getitem__(self, header: str) -> str:
        return self.cells.get(header, "")

    def at(self, header: str) -> Place:
        """The place of a cell, filled or not; of the row when the sheet has no such column."""
        return self.places.get(header, self.place)


@dataclass(frozen=True)
class Sheet:
    """One sheet: its headers with their places, and the rows that hold anything."""

    name: str
    headers: dict[str, Place]
    rows: tuple[Row, ...]
    place: Place


def put_text(cell: Cell | Any, text: str) -> None:
    """Write ``text`` into a cell so that it stays text, whatever it begins with and when somebody edits it."""
    if text:
        # ``_x0041_`` would otherwise be read as a letter.
        cell.value = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
        cell.data_type = "s"
        cell.quotePrefix = text[0] in "=+-@\t"
    cell.number_format = "@"


def open_workbook(
    path: Path, *, read_only: bool = False, unpacked: int | None = None
) -> tuple[Workbook | None, tuple[Diagnostic, ...]]:
    """The workbook, or None and E101 or E121 with the reason.

    ``read_only`` reads it row by row, for long ones; close it afterwards. ``unpacked`` is the most bytes it may
    unpack to, where that is less than usual.
    """
    place = Place(path.name)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return None, (place.says("E101", "找不到或打不开这个文件", "核对文件名和权限"),)
    if size > _LARGEST:
        return None, (place.says("E121", f"文件有 {size / 1e6:.0f} MB，太大了", "分成几个不超过 20 MB 的文件"),)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return None, (place.says("E121", "这是旧格式或加了密码的 Excel 文件", "去掉密码，另存为 .xlsx"),)
    try:
        with zipfile.ZipFile(path) as archive:
            full = sum(entry.file_size for entry in archive.infolist())
            harmless = full <= max(_BOMB_FROM, _BOMB_RATIO * size) and full <= (unpacked or _LARGEST_UNPACKED)
            if harmless and not read_only and _too_long(archive):
                message = f"一个工作表超过了 {_MOST_STORED} 行"
                return None, (place.says("E121", message, "删掉多余的空行，或分成几个文件"),)
        if not harmless:
            return None, (place.says("E121", "文件展开后太大", "删掉多余的工作表和空行后另存"),)
        import openpyxl

        return openpyxl.load_workbook(path, read_only=read_only), ()
    except Exception:  # whatever a broken file makes zipfile, the XML parser or openpyxl raise
        return None, (place.says("E121", "这不是完好的 .xlsx 文件", "用 Excel 或 WPS 打开，另存为 .xlsx"),)


def _too_long(archive: zipfile.ZipFile) -> bool:
    """True when a sheet stores more rows than may be read; no more of it is unpacked than it takes to know."""
    for entry in archive.infolist():
        if not re.match(r"/?xl/worksheets/[^/]*\.xml\Z", entry.filename):
            continue
        rows, rest = 0, b""
        with archive.open(entry) as sheet:
            while chunk := sheet.read(_CHUNK):
                text = rest + chunk
                rows += len(_STORED_ROW.findall(text))
                cut = _CUT_NAME.search(text)
                rest = cut[0] if cut else b""
                if rows > _MOST_STORED:
                    return True
    return False


def read_sheet(file: str, sheet: Worksheet, headers: tuple[str, ...]) -> tuple[Sheet | None, list[Diagnostic]]:
    """The sheet by its header row (one of the first ten rows), or None when it has none.

    Problems: E122 headers, E123 cells that hold no plain text.
    """
    problems: list[Diagnostic] = []
    top = _header_row(sheet, headers)
    if top is None:
        return None, problems
    columns: dict[int, str] = {}
    places: dict[str, Place] = {}
    for number, cell in enumerate(sheet[top], 1):
        name = header_text(cell.value)
        place = Place(file, sheet=sheet.title, cell=cell.coordinate)
        if name in headers and name not in places:
            columns[number] = name
            places[name] = place
        elif name:
            message = f"表头“{name}”写了两次" if name in places else f"不认识表头“{name}”"
            hint = "只留一列" if name in places else nearest(name, headers)
            problems.append(place.says("E122", message, hint))
            columns[number] = ""
    merged = _merged(file, sheet, top, problems)
    rows = []
    # The sheet's own idea of its last row counts rows that are only coloured, up to a million.
    last = max((row for (row, _), cell in sheet._cells.items() if cell.value is not None), default=top)
    for number in range(top + 1, min(last, top + _MOST_ROWS) + 1):
        if number in merged:
            continue
        row, found = _row(file, sheet, number, columns)
        problems += found
        if row:
            rows.append(row)
    if last > top + _MOST_ROWS:
        place = Place(file, sheet=sheet.title, cell=f"A{top + _MOST_ROWS + 1}")
        problems.append(place.says("E121", f"一个工作表超过了 {_MOST_ROWS} 行", "删掉多余的空行，或分成几个文件"))
    return Sheet(sheet.title, places, tuple(rows), Place(file, sheet=sheet.title, cell=f"A{top}")), problems


def header_text(value: object) -> str:
    """A heading as it is compared: narrow, without spaces, colon or asterisk."""
    text = re.sub(r"\s+", "", narrow(str(value))) if value is not None else ""
    return re.sub("[a-z]$", lambda m: m.group().upper(), text.rstrip("*:"))


def _header_row(sheet: Worksheet, headers: tuple[str, ...]) -> int | None:
    best, most = None, 1
    for number in range(1, min(_HEADER_WITHIN, sheet.max_row) + 1):
        known = sum(header_text(cell.value) in headers for cell in sheet[number])
        if known > most:
            best, most = number, known
    return best


def _merged(file: str, sheet: Worksheet, top: int, problems: list[Diagnostic]) -> set[int]:
    """Rows below the header that merged cells touch: what belongs to which row is lost there."""
    rows: set[int] = set()
    for area in sheet.merged_cells.ranges:
        if area.max_row > top:
            place = Place(file, sheet=sheet.title, cell=area.coord.split(":")[0])
            problems.append(place.says("E123", f"{area.coord} 是合并单元格", "取消合并，每道题占完整的一行"))
            rows |= set(range(max(area.min_row, top + 1), area.max_row + 1))
    return rows


def _row(file: str, sheet: Worksheet, number: int, columns: dict[int, str]) -> tuple[Row | None, list[Diagnostic]]:
    problems: list[Diagnostic] = []
    cells: dict[str, str] = {}
    places: dict[str, Place] = {}
    unread: set[str] = set()
    for column, cell in enumerate(sheet[number], 1):
        place = Place(file, sheet=sheet.title, cell=cell.coordinate)
        name = columns.get(column)
        if name:
            places[name] = place
        if cell.value is None or (isinstance(cell.value, str) and not cell.value.strip()):
            continue
        if name is None:
            problems.append(place.says("E122", "这一列没有表头", "补上表头，或清空这一列"))
            continue
        text, reason = cell_text(cell)
        if reason:
            unread.add(name)
            problems.append(place.says("E123", reason, "把单元格设成“文本”格式，重新输入原文"))
        elif name:
            cells[name] = text
    if not cells:
        return None, problems
    return Row(cells, places, Place(file, sheet=sheet.title, cell=f"A{number}"), frozenset(unread)), problems


def cell_text(cell: Cell | Any) -> tuple[str, str]:
    """What a filled cell shows, or why that cannot be told: (text, reason)."""
    value = cell.value
    if cell.data_type == "f":
        return "", "这里是公式，读不到它显示的文字"
    if cell.data_type == "e":
        return "", f"这里是错误值 {value}"
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), ""
    if isinstance(value, datetime | date | time | timedelta):
        return "", "这里被 Excel 当成了日期或时间"
    if isinstance(value, int | float):
        if cell.number_format not in ("General", "@", "0", "0.0", "0.00"):
            return "", f"这里是带格式的数（{cell.number_format}），显示的和存的不一样"
        if abs(value) >= 1e15:
            return "", "这个数太长，Excel 存不下它的每一位"
        return str(int(value)) if float(value).is_integer() else repr(value), ""
    text = _ESCAPED.sub(lambda m: "" if m[1].upper() == "000D" else chr(int(m[1], 16)), str(value))
    bad = _UNFIT.search(text)
    return text, f"这里有看不见的控制字符 U+{ord(bad.group()):04X}" if bad else ""


def hidden(workbook: Workbook) -> Iterator[Worksheet]:
    """The sheets that a user does not see."""
    return (sheet for sheet in workbook.worksheets if sheet.sheet_state != "visible")
