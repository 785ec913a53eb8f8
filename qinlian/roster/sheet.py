"""An institution's sheet → entries, with every problem at its cell.

A sheet may come from anywhere: it is read row by row, and what is too large is refused before it is read.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qinlian.authoring.sheets import cell_text, header_text, hidden, open_workbook
from qinlian.authoring.textfile import Place, nearest
from qinlian.core.diagnostics import Diagnostic, ordered
from qinlian.roster.fields import (
    EXAMPLE,
    FieldError,
    parse_department,
    parse_email,
    parse_name,
    parse_number,
    parse_role,
    parse_track,
    parse_unit,
)
from qinlian.roster.people import Entry

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

__all__ = ["HEADERS", "MOST_ROWS", "OPTIONAL", "read_sheet"]

_T = TypeVar("_T")
HEADERS = ("姓名", "工号", "单位", "部门", "培训对象", "邮箱")
OPTIONAL = "角色"
MOST_ROWS = 200_000
"""Rows in one workbook, filled or only coloured."""
_UNPACKED = 100_000_000
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CHUNK, _OVERLAP = 1_000_000, 40
_LAST_ROW, _LAST_COLUMN = 1_048_576, 60
_HEADER_WITHIN = 10
_HEADING = f"第一行写表头：{' '.join(HEADERS)}"


class _Cell(NamedTuple):
    """A filled cell: its text, or why there is none."""

    text: str
    reason: str


_Cells = dict[int, _Cell]
"""The filled cells of one row by column, from 1."""


class _BrokenError(Exception):
    """The file cannot be read on."""


@dataclass
class _Table:
    """One sheet with its heading; ``columns`` is heading → number of its column."""

    file: str
    title: str
    heading: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    filled: bool = False

    def at(self, row: int, column: int) -> Place:
        """The place of a cell."""
        from openpyxl.utils import get_column_letter

        return Place(self.file, sheet=self.title, cell=f"{get_column_letter(column)}{row}")


def read_sheet(path: Path, tracks: tuple[str, ...]) -> tuple[tuple[Entry, ...], tuple[Diagnostic, ...]]:
    """Read a roster's workbook: (entries, everything that is wrong with it, at its cells).

    With errors among the diagnostics the entries are incomplete and not to be used. Every visible sheet with a
    heading is read; others are named (W620). ``tracks`` are the words that 培训对象 may be.
    """
    with warnings.catch_warnings():
        # openpyxl tells in English what it leaves out of a workbook; none of it is a cell.
        warnings.simplefilter("ignore")
        book, found = open_workbook(path, read_only=True, unpacked=_UNPACKED)
        if book is None:
            return (), found
        reader = _Reader(path.name, tracks)
        try:
            if _too_many_rows(path):
                hint = "删掉多余的空行，或分成几个文件，分几次导入"
                return (), (Place(path.name).says("E121", f"文件超过了 {MOST_ROWS} 行", hint),)
            reader.book(book)
        except _BrokenError:
            broken = Place(path.name).says("E121", "这不是完好的 .xlsx 文件", "用 Excel 或 WPS 打开，另存为 .xlsx")
            return (), (broken,)
        finally:
            book.close()
    if not reader.entries and not any(problem.is_error for problem in reader.problems):
        reader.problems.append(Place(path.name).says("E122", "没有读到一个人", f"{_HEADING}，从第二行起每人一行"))
    return tuple(reader.entries), ordered(reader.problems)


def _too_many_rows(path: Path) -> bool:
    """Count rows without making cells of them: a second where reading takes minutes. Raises _BrokenError."""
    count = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if "/worksheets/" not in name or not name.endswith(".xml"):
                    continue
                with archive.open(name) as source:
                    tail = b""
                    while chunk := source.read(_CHUNK):
                        text = tail + chunk
                        tail = text[-_OVERLAP:]
                        # What begins in the tail is counted with the next chunk, or not at all at the very end.
                        count += sum(1 for found in _ROW.finditer(text) if found.start() < len(text) - _OVERLAP)
    except Exception:  # whatever a broken archive makes zipfile raise
        raise _BrokenError from None
    return count > MOST_ROWS


def _rows(sheet: Any) -> Iterator[tuple[int, _Cells]]:
    """The rows that hold anything, with their numbers. Raises _BrokenError."""
    # What a sheet says of its own size may be wrong, and would cut it off.
    sheet.reset_dimensions()
    rows = enumerate(sheet.iter_rows(max_row=_LAST_ROW, max_col=_LAST_COLUMN), 1)
    empty: tuple[Any, ...] = ()
    while True:
        try:
            number, row = next(rows)
            # Rows that the file leaves out, up to a million, are all one and the same.
            if row is empty:
                continue
            cells = {cell.column: _Cell(*cell_text(cell)) for cell in row if _is_filled(cell)}
        except StopIteration:
            return
        except Exception:  # whatever broken XML makes the parser or openpyxl raise
            raise _BrokenError from None
        if cells:
            yield number, cells
        else:
            empty = row


def _is_filled(cell: Any) -> bool:
    return not (cell.value is None or (isinstance(cell.value, str) and not cell.value.strip()))


class _Reader:
    """Sheets → entries; each 工号 once."""

    def __init__(self, file: str, tracks: tuple[str, ...]) -> None:
        self.file, self.tracks = file, tracks
        self.entries: list[Entry] = []
        self.problems: list[Diagnostic] = []
        self.seen: dict[str, str] = {}

    def book(self, book: Workbook) -> None:
        out_of_sight = {sheet.title for sheet in hidden(book)}
        for sheet in book.worksheets:
            table = _Table(self.file, sheet.title)
            place = Place(self.file, sheet=sheet.title)
            if sheet.title in out_of_sight:
                self.problems.append(place.says("W620", "隐藏的工作表没有导入", "要导入就取消隐藏"))
                continue
            for number, cells in _rows(sheet):
                table.filled = True
                if not self.row(table, number, cells):
                    break
            if table.filled and not table.columns:
                self.problems.append(place.says("W620", "没有表头的工作表没有导入", f"若是名单，{_HEADING}"))

    def row(self, table: _Table, number: int, cells: _Cells) -> bool:
        """Take one filled row; False when the rest of the sheet is not to be read."""
        if not table.heading:
            if number > _HEADER_WITHIN:
                return False
            return self.heading(table, number, cells)
        known = set(table.columns.values())
        for column in cells.keys() - known:
            self.problems.append(table.at(number, column).says("E122", "这一列没有表头", "补上表头，或清空这一列"))
        if cells.keys() & known:
            _Row(self, table, number, cells).read()
        return True

    def heading(self, table: _Table, number: int, cells: _Cells) -> bool:
        """Make this row the heading when two of its cells are; False when it lacks a column."""
        known = (*HEADERS, OPTIONAL)
        names = {column: header_text(cell.text) for column, cell in cells.items()}
        if sum(name in known for name in names.values()) < 2:
            return True
        table.heading = number
        for column, name in names.items():
            place = table.at(number, column)
            if name in known and name not in table.columns:
                table.columns[name] = column
            elif name in known:
                self.problems.append(place.says("E122", f"表头“{name}”写了两次", "只留一列"))
            else:
                self.problems.append(place.says("E122", f"不认识表头“{name[:20]}”", nearest(name, known)))
        missing = [name for name in HEADERS if name not in table.columns]
        for name in missing:
            hint = "在表头这一行补上这一列，没有内容可以空着"
            self.problems.append(table.at(number, 1).says("E122", f"缺少表头“{name}”", hint))
        return not missing


class _Row:
    """One row → one entry, or problems."""

    def __init__(self, reader: _Reader, table: _Table, number: int, cells: _Cells) -> None:
        self.reader, self.table, self.number, self.cells = reader, table, number, cells
        self.failed = False

    def say(self, header: str, code: str, message: str, hint: str) -> None:
        self.failed = True
        place = self.table.at(self.number, self.table.columns[header])
        self.reader.problems.append(place.says(code, message, hint))

    def cell(self, header: str, parse: Callable[[str], _T]) -> _T | None:
        """What ``parse`` makes of a cell's text; None with a problem."""
        cell = self.cells.get(self.table.columns[header])
        if cell and cell.reason:
            self.say(header, "E123", cell.reason, "把单元格设成“文本”格式，重新输入原文")
            return None
        try:
            return parse(cell.text if cell else "")
        except FieldError as error:
            self.say(header, error.code, error.message, error.hint)
            return None

    def read(self) -> None:
        name = self.cells.get(self.table.columns["姓名"])
        if name and name.text.strip().startswith(EXAMPLE):
            self.say("姓名", "E708", "这是模板里的示例，不会当真导入", "删掉这一行，再导入")
            return
        fields = {
            "name": self.cell("姓名", parse_name),
            "number": self.cell("工号", parse_number),
            "unit": self.cell("单位", parse_unit),
            "department": self.cell("部门", parse_department),
            "track": self.cell("培训对象", lambda text: parse_track(text, self.reader.tracks)),
            "email": self.cell("邮箱", parse_email),
            "role": self.cell(OPTIONAL, parse_role) if OPTIONAL in self.table.columns else None,
        }
        if self.once(fields["number"]) and not self.failed:
            self.reader.entries.append(Entry.model_validate(fields))

    def once(self, number: str | None) -> bool:
        """False when this 工号 stood in an earlier row; capitals and small letters are the same."""
        if number is None:
            return False
        here = f"{self.table.title}!{self.table.at(self.number, self.table.columns['工号']).cell}"
        first = self.reader.seen.setdefault(number.lower(), here)
        if first != here:
            self.say("工号", "E703", f"工号 {number} 在 {first} 已经写过", "一人只写一行；两个人就核对工号")
            return False
        return True
