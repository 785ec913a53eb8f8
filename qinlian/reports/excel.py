"""Tables as Excel files that nobody has to tidy up, and that run nothing when opened."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from qinlian.atomic import replace_file
from qinlian.reports.worksheet import guard, plain

__all__ = ["guard", "write_excel"]

_FORMATS = {"提交时间": "yyyy-mm-dd hh:mm", "得分": "0.##", "满分": "0.##", "获得学时": "0.##", "次数": "0"}
_WIDEST = 48


def _width(value: Any) -> int:
    text = value.strftime("%Y-%m-%d %H:%M") if hasattr(value, "strftime") else str(value)
    return sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in text)


def _dress(sheet: Worksheet, columns: list[str], wrapped: Collection[str] = ()) -> None:
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
            if name in _FORMATS:
                cell.number_format = _FORMATS[name]
            if wrapped:
                cell.alignment = Alignment(vertical="top", wrap_text=name in wrapped)


def write_excel(table: pd.DataFrame, path: Path, sheet: str = "成绩总表", wrapped: Collection[str] = ()) -> None:
    """Write ``table`` to ``path`` (whole or not at all), the columns' names as the heading.

    Cells that begin with ``= + - @``, a tab or a line break stay text. The columns in ``wrapped`` hold long
    texts, which are shown whole.
    """
    clean = table.map(plain)
    made = io.BytesIO()
    with pd.ExcelWriter(made, engine="openpyxl") as writer:
        clean.to_excel(writer, sheet_name=sheet, index=False)
        _dress(writer.sheets[sheet], [str(c) for c in table.columns], wrapped)
    replace_file(path, made.getvalue())
