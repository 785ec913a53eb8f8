"""Excel on the way out: the empty template, the roster itself, and the one-time codes of new people."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qinlian.atomic import replace_file
from qinlian.authoring.sheets import put_text
from qinlian.errors import RosterError
from qinlian.roster.fields import EXAMPLE, ROLES
from qinlian.roster.people import Person
from qinlian.roster.sheet import HEADERS, OPTIONAL

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["COLUMNS", "write_codes", "write_roster", "write_template"]

COLUMNS = (*HEADERS, OPTIONAL)
_LETTERS = "ABCDEFG"
_CODES = ("姓名", "工号", "单位", "首次登录码")
_WIDTHS = {"单位": 44, "部门": 16, "培训对象": 14, "邮箱": 28, "工号": 16, "首次登录码": 18}
_TEMPLATE_ROWS = 5_000
_LONGEST_LIST, _LONGEST_MESSAGE = 255, 220
"""Characters that Excel takes in a list of choices, and in what it says of any other word."""


def write_template(path: Path, tracks: Sequence[str]) -> None:
    """An empty sheet with headings, lists of choices, and an example row that is never imported.

    Raises RosterError when it cannot be written.
    """
    from openpyxl.styles import Font

    track = tracks[0] if tracks else ""
    example = (
        f"{EXAMPLE}：张三",
        "20240001",
        "省开放大学/青禾分校/望川学习中心",
        "教务处",
        track,
        "zhangsan@example.cn",
        "学员",
    )
    book, sheet = _new("学员", COLUMNS, [example])
    for cell in sheet[2]:
        cell.font = Font(italic=True, color="808080")
    for letter in _LETTERS:
        # Text from the start, or Excel would drop the zeros at the front of a 工号.
        sheet.column_dimensions[letter].number_format = "@"
    _offer(sheet, "培训对象", tracks)
    _offer(sheet, OPTIONAL, ROLES)
    _save(book, path)


def write_roster(people: Iterable[Person], path: Path) -> None:
    """The roster in the columns in which it is imported, for its owner alone. Raises RosterError."""
    rows = [(p.name, p.number, p.unit, p.department, p.track, p.email, p.role) for p in people]
    book, _ = _new("学员", COLUMNS, rows)
    _save(book, path, 0o600)


def write_codes(people: Iterable[Person], codes: Mapping[str, str], path: Path) -> None:
    """The one-time codes of ``people`` by account, in a file for its owner alone. Raises RosterError."""
    book, _ = _new("首次登录码", _CODES, [(p.name, p.number, p.unit, codes[p.account]) for p in people])
    _save(book, path, 0o600)


def _new(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[Workbook, Worksheet]:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    sheet.append(list(headers))
    for column, header in enumerate(headers, 1):
        sheet.cell(1, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(header, 12)
    sheet.freeze_panes = "A2"
    for number, row in enumerate(rows, 2):
        for column, text in enumerate(row, 1):
            put_text(sheet.cell(number, column), text)
    return book, sheet


def _offer(sheet: Worksheet, header: str, words: Sequence[str]) -> None:
    """Let Excel offer ``words`` in a column, where they fit into its list of choices."""
    from openpyxl.worksheet.datavalidation import DataValidation

    listed = ",".join(words)
    if not listed or len(listed) > _LONGEST_LIST or any(c in word for word in words for c in ',"'):
        return
    choice = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True)
    choice.errorTitle, choice.error = "写得不对", f"从下拉列表里选：{'、'.join(words)}"[:_LONGEST_MESSAGE]
    choice.showErrorMessage = True
    letter = _LETTERS[COLUMNS.index(header)]
    choice.add(f"{letter}2:{letter}{_TEMPLATE_ROWS}")
    sheet.add_data_validation(choice)


def _save(book: Workbook, path: Path, mode: int = 0o644) -> None:
    made = io.BytesIO()
    book.save(made)
    try:
        replace_file(path, made.getvalue(), mode)
    except OSError as error:
        hint = "关掉正打开它的程序，或换一个存在、可以写的文件夹"
        raise RosterError(f"{path.name} 写不进去：{error.strerror}；{hint}") from None
