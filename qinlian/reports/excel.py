"""Tables as Excel files that nobody has to tidy up, and that run nothing when opened."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from qinlian.atomic import replace_file
from qinlian.reports.worksheet import guard, plain

__all__ = ["Sheet", "guard", "write_excel", "write_sheets"]

_FORMATS = {"提交时间": "yyyy-mm-dd hh:mm", "得分": "0.##", "满分": "0.##", "获得学时": "0.##", "次数": "0"}
_WIDEST = 48


def _width(value: Any) -> int:
    text = value.strftime("%Y-%m-%d %H:%M") if hasattr(value, "strftime") else str(value)
    return sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in text)


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook, its columns' names as the heading.

    The columns in ``wrapped`` hold long texts, which are shown whole; ``formats`` are number formats by column.
    """

    title: str
    table: pd.DataFrame
    wrapped: Collection[str] = ()
    formats: Mapping[str, str] = field(default_factory=dict)


def _dress(sheet: Worksheet, made: Sheet) -> None:
    columns, formats = [str(c) for c in made.table.columns], _FORMATS | dict(made.formats)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(horizontal="center")
    for index, (name, cells) in enumerate(zip(columns, sheet.iter_cols(min_row=1), strict=True), start=1):
        widest = max(_width(c.value) for c in cells if c.value is not None)
        letter = get_column_letter(index)
        sheet.column_dimensions[letter].width = min(widest + 4, _WIDEST)
        for cell in cells[1:]:
            guard(cell)
            if name in formats:
                cell.number_format = formats[name]
            if made.wrapped:
                cell.alignment = Alignment(vertical="top", wrap_text=name in made.wrapped)


def write_excel(table: pd.DataFrame, path: Path, sheet: str = "成绩总表", wrapped: Collection[str] = ()) -> None:
    """Write ``table`` to ``path`` as a workbook of one sheet; see ``write_sheets``."""
    write_sheets([Sheet(sheet, table, wrapped)], path)


def write_sheets(sheets: Sequence[Sheet], path: Path) -> None:
    """Write ``sheets`` to ``path``, in their order, whole or not at all, for its owner's eyes alone.

    Cells that begin with ``= + - @``, a tab or a line break stay text.
    """
    made = io.BytesIO()
    with pd.ExcelWriter(made, engine="openpyxl") as writer:
        for sheet in sheets:
            sheet.table.map(plain).to_excel(writer, sheet_name=sheet.title, index=False)
            _dress(writer.sheets[sheet.title], sheet)
    replace_file(path, made.getvalue(), 0o600)
