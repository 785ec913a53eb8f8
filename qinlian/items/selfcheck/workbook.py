"""The personal sheet as an Excel file, made in memory; openpyxl is needed here and nowhere else on this side."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from qinlian.core.zone import BEIJING
from qinlian.items.base import InvalidAnswer
from qinlian.items.selfcheck.scale import level

__all__ = ["COLUMNS", "personal_sheet"]

COLUMNS = ("职责", "风险点", "可能性", "后果", "等级", "现有措施", "我要添的措施")
_WIDTHS = (22, 34, 12, 12, 8, 38, 38)
_FILLS = {"高": "F4C7C3", "中": "FCE8B2", "低": "D5EBDD"}
_EDGE = Side(style="thin", color="C5CFCC")
_OWN_DUTY = "自己补充"
_HEAD_ROW = 4


def personal_sheet(published: Mapping[str, Any], value: Any, notes: Mapping[str, str]) -> tuple[str, bytes]:
    """(file name, xlsx bytes) of one learner's self-check.

    ``published`` is the item in lesson.json, ``value`` the answer, ``notes`` the private texts. Raises
    InvalidAnswer when no post is chosen or nothing was picked or written.
    """
    value = value if isinstance(value, dict) else {}
    post = next((p for p in published["posts"] if p["id"] == value.get("post")), None)
    if post is None:
        raise InvalidAnswer("还没有选岗位，先选岗位再下载")
    rows = list(_rows(published, post, value.get("rows") or {}, notes))
    if not rows:
        raise InvalidAnswer("还没有勾选风险点，评了至少一项再下载")
    today = datetime.now(BEIJING).date()
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new book begins with one
    sheet.title = "自查表"
    _write(sheet, 1, 1, "履职风险自查表").font = Font(bold=True, size=16)
    _write(sheet, 2, 1, f"岗位：{post['name']}    日期：{today:%Y-%m-%d}")
    _write(sheet, 3, 1, "这份表只在您手里，没有提交，也没有留在服务器上。").font = Font(color="666666")
    for column, name in enumerate(COLUMNS, 1):
        cell = _write(sheet, _HEAD_ROW, column, name)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E6F2EF")
    for number, row in enumerate(rows, _HEAD_ROW + 1):
        for column, text in enumerate(row, 1):
            _write(sheet, number, column, text)
        if row[4] in _FILLS:
            sheet.cell(number, 5).fill = PatternFill("solid", fgColor=_FILLS[row[4]])
    _lay_out(sheet)
    made = io.BytesIO()
    book.save(made)
    return f"履职风险自查表-{post['name']}-{today:%Y%m%d}.xlsx", made.getvalue()


def _rows(
    published: Mapping[str, Any], post: Mapping[str, Any], ratings: Mapping[str, Any], notes: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    """Every risk that was rated, or picked and not rated yet."""
    for duty in post["duties"]:
        for risk in duty["risks"]:
            if risk["id"] in ratings or f"{risk['id']}.on" in notes:
                yield _row(published, duty["title"], risk["risk"], ratings.get(risk["id"]), notes, risk["id"])
    for number in range(1, published["own"] + 1):
        own = f"own{number}"
        if own in ratings or f"{own}.on" in notes:
            yield _row(published, _OWN_DUTY, notes.get(f"{own}.text", ""), ratings.get(own), notes, own)


def _row(
    published: Mapping[str, Any], duty: str, text: str, rating: Any, notes: Mapping[str, str], risk: str
) -> tuple[str, ...]:
    now, add = notes.get(f"{risk}.now", ""), notes.get(f"{risk}.add", "")
    if not rating:
        return duty, text, "", "", "", now, add
    likely, grave, safeguarded = rating
    words = (f"{likely} {published['likelihood'][likely - 1]}", f"{grave} {published['consequence'][grave - 1]}")
    return duty, text, *words, level(likely, grave), now or ("有" if safeguarded else "没有"), add


def _write(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """A cell that holds text whatever it looks like: Excel must not take it for a formula."""
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)  # merging comes last
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(("=", "+", "-", "@"))
    return cell


def _lay_out(sheet: Worksheet) -> None:
    for index, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDEFG"[index]].width = width
    for row in sheet.iter_rows(min_row=_HEAD_ROW, max_col=len(COLUMNS)):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.border = Border(_EDGE, _EDGE, _EDGE, _EDGE)
    for number in (1, 2, 3):
        sheet.merge_cells(start_row=number, end_row=number, start_column=1, end_column=len(COLUMNS))
    sheet.freeze_panes = f"A{_HEAD_ROW + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
