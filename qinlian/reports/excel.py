"""Tables as Excel files that nobody has to tidy up, and that run nothing when opened."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment

from qinlian.atomic import replace_file
from qinlian.core.width import width_in_columns
from qinlian.reports.worksheet import Dress, add_rows, cell_of

__all__ = ["Sheet", "write_excel", "write_sheets"]

_FORMATS = {"提交时间": "yyyy-mm-dd hh:mm", "得分": "0.##", "满分": "0.##", "获得学时": "0.##", "次数": "0"}
_WIDEST = 48


def _width(value: Any) -> int:
    text = value.strftime("%Y-%m-%d %H:%M") if hasattr(value, "strftime") else str(value)
    return width_in_columns(text)


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook, its columns' names as the heading.

    The columns in ``wrapped`` hold long texts, which are shown whole; ``formats`` are number formats by column.
    """

    title: str
    table: pd.DataFrame
    wrapped: Collection[str] = ()
    formats: Mapping[str, str] = field(default_factory=dict)


def _widths(made: Sheet) -> dict[str, int]:
    """Heading → width of the column, which holds its longest value."""
    return {
        str(name): min(max(_width(value) for value in (name, *made.table[name].dropna().unique())) + 4, _WIDEST)
        for name in made.table.columns
    }


def _dress(made: Sheet) -> Dress:
    formats = _FORMATS | dict(made.formats)
    names = [str(name) for name in made.table.columns]
    dressed = [
        (formats.get(name, ""), Alignment(vertical="top", wrap_text=name in made.wrapped) if made.wrapped else None)
        for name in names
    ]

    def dress(sheet: Any, row: Sequence[Any]) -> Sequence[Any]:
        return [cell_of(sheet, _value(value), *look) for value, look in zip(row, dressed, strict=True)]

    return dress


def _value(value: Any) -> Any:
    """What a worksheet holds: nothing for what is missing, and no type of pandas'."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def write_excel(table: pd.DataFrame, path: Path, sheet: str = "成绩总表", wrapped: Collection[str] = ()) -> None:
    """Write ``table`` to ``path`` as a workbook of one sheet; see ``write_sheets``."""
    write_sheets([Sheet(sheet, table, wrapped)], path)


def write_sheets(sheets: Sequence[Sheet], path: Path) -> None:
    """Write ``sheets`` to ``path``, in their order, whole or not at all, for its owner's eyes alone.

    Cells that begin with ``= + - @``, a tab or a line break stay text.
    """
    made, book = io.BytesIO(), Workbook(write_only=True)
    for sheet in sheets:
        rows = sheet.table.itertuples(index=False, name=None)
        add_rows(book, sheet.title, _widths(sheet), rows, _dress(sheet))
    book.save(made)
    replace_file(path, made.getvalue(), 0o600)
