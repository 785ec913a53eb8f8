"""Long tables as Excel files, row by row: flat memory, no pandas, nothing that runs when opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

__all__ = ["Dress", "add_rows", "cell_of", "guard", "plain", "write_rows"]

Dress = Callable[[Any, Sequence[Any]], Sequence[Any]]
"""(sheet, row) → its cells."""

_MOMENT = "yyyy-mm-dd hh:mm"
_RUNS = ("=", "+", "-", "@", "\t", "\r")
_MOST = 1_000_000
"""Rows on one sheet; Excel itself holds a few more."""


def plain(value: Any) -> Any:
    """Text without characters that a worksheet cannot hold; anything else as it is."""
    return ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value


def guard(cell: Cell | MergedCell) -> None:
    """Keep Excel, and whoever saves it on as CSV, from taking a text for a formula."""
    if isinstance(cell, Cell) and isinstance(cell.value, str) and cell.value.startswith(_RUNS):
        cell.data_type = "s"
        cell.quotePrefix = True


def write_rows(path: Path, columns: Mapping[str, int], rows: Iterable[Sequence[Any]], sheet: str = "成绩总表") -> int:
    """Write ``rows`` to ``path``, whole or not at all; returns how many there were.

    ``columns`` are the heading with the width of each column. What does not fit on one sheet goes on on another.
    """
    book = Workbook(write_only=True)
    count = add_rows(book, sheet, columns, rows)
    aside = path.with_name(f".{path.name}.part")
    try:
        book.save(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return count


def _cells(sheet: Any, row: Sequence[Any]) -> Sequence[Any]:
    return [cell_of(sheet, value, _MOMENT if isinstance(value, datetime) else "") for value in row]


def add_rows(
    book: Workbook, title: str, columns: Mapping[str, int], rows: Iterable[Sequence[Any]], dress: Dress = _cells
) -> int:
    """Add a sheet to a ``write_only`` book, row by row; returns how many there were.

    ``columns`` are the heading with the width of each column. What does not fit on one sheet goes on on another.
    """
    left, count = iter(rows), 0
    for number in range(1, 1000):
        taken = _sheet(book, title if number == 1 else f"{title} {number}", columns, islice(left, _MOST), dress)
        count += taken
        if taken < _MOST:
            break
    return count


def _sheet(book: Any, title: str, columns: Mapping[str, int], rows: Iterable[Sequence[Any]], dress: Dress) -> int:
    made = book.create_sheet(title)
    made.freeze_panes = "A2"
    for index, width in enumerate(columns.values(), start=1):
        made.column_dimensions[get_column_letter(index)].width = width
    bold, centred = Font(bold=True), Alignment(horizontal="center")
    heading = [WriteOnlyCell(made, name) for name in columns]
    for cell in heading:
        cell.font, cell.alignment = bold, centred
    made.append(heading)
    count = 0
    try:
        for row in rows:
            made.append(dress(made, row))
            count += 1
    except BaseException:
        # Left open, it would fail once more, and loudly, whenever it is collected.
        made.close()
        raise
    made.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count + 1}"
    return count


def cell_of(sheet: Any, value: Any, number_format: str = "", alignment: Alignment | None = None) -> Any:
    """A cell only where one is needed: most values go in as they are."""
    value = plain(value)
    runs = isinstance(value, str) and value.startswith(_RUNS)
    if not (runs or number_format or alignment) or value is None:
        return value
    cell = WriteOnlyCell(sheet, value)
    guard(cell)
    if number_format:
        cell.number_format = number_format
    if alignment:
        cell.alignment = alignment
    return cell
