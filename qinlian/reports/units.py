"""Who belongs to which unit: a list of two columns, as Excel or CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from qinlian.errors import GradingError

__all__ = ["read_units"]

_HEADS = ("学号", "单位")
_WHOLE = ("General", "0", "@")
_MOST_ROWS = 50_000
_SHOWN = 5


@dataclass(frozen=True)
class _Row:
    """One row; ``at`` + a column's letter + ``number`` is a cell as an error names it."""

    at: str
    number: int
    cells: tuple[Any, ...]

    def where(self, column: int) -> str:
        return f"{self.at}!{'AB'[column]}{self.number}"


def read_units(path: Path) -> dict[str, str]:
    """Learner → unit. The first row is the heading 学号, 单位; empty rows are passed over.

    Raises GradingError, which names every cell that cannot be read (the first few).
    """
    try:
        rows = list(_csv(path) if path.suffix.lower() == ".csv" else _excel(path))
    except FileNotFoundError:
        raise GradingError(f"找不到名单 {path}；核对文件名") from None
    except (OSError, ValueError, KeyError, InvalidFileException, BadZipFile, csv.Error):
        raise GradingError(f"名单 {path.name} 打不开；请另存为 .xlsx 或 UTF-8 的 .csv") from None
    if not rows:
        raise GradingError(f"名单 {path.name} 是空的；第一行写 学号、单位，下面一人一行")
    problems: list[str] = []
    head, *body = rows
    for column, name in enumerate(_HEADS):
        if str(_cell(head, column) or "").strip() != name:
            problems.append(f"{head.where(column)}: 表头应是“{name}”；第一行写 学号、单位")
    units: dict[str, str] = {}
    first: dict[str, str] = {}
    for row in body if not problems else ():
        learner, unit = (_text(row, column, problems) for column in (0, 1))
        if learner is None or unit is None or not (learner or unit):
            continue
        if not learner or not unit:
            problems.append(f"{row.where(0 if not learner else 1)}: 没有写{_HEADS[0 if not learner else 1]}；补上")
        elif units.setdefault(learner, unit) != unit:
            problems.append(f"{row.where(1)}: {learner} 在 {first[learner]} 已经写成别的单位；只留一个")
        first.setdefault(learner, row.where(0))
    if problems:
        more = f"\n  ……另有 {len(problems) - _SHOWN} 处" if len(problems) > _SHOWN else ""
        listed = "\n  ".join(problems[:_SHOWN])
        raise GradingError(f"名单有 {len(problems)} 处读不出来，改好以后再试：\n  {listed}{more}")
    return units


def _csv(path: Path) -> Iterator[_Row]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Excel in China saves as CSV.
        text = data.decode("gb18030")
    for number, cells in enumerate(csv.reader(io.StringIO(text)), 1):
        if number <= _MOST_ROWS:
            yield _Row(path.name, number, tuple(cells))


def _excel(path: Path) -> Iterator[_Row]:
    book = load_workbook(path, read_only=True)
    try:
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(max_col=2, max_row=_MOST_ROWS), 1):
            yield _Row(f"{path.name}!{sheet.title}", number, tuple(_plain(cell) for cell in cells))
    finally:
        book.close()


@dataclass(frozen=True)
class _Unreadable:
    """A cell that is no text; ``why`` says what it is and what to do."""

    why: str


def _plain(cell: Any) -> Any:
    value = cell.value
    if value is None or (isinstance(value, str) and not value.startswith("=")):
        return value
    if isinstance(value, str):
        return _Unreadable("这里是公式；改成文字")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _Unreadable("这里不是文字；把单元格设成文本，重新输入")
    # A formatted number reads otherwise than it looks: 001 shown for 1.
    if value != int(value) or cell.number_format not in _WHOLE:
        return _Unreadable("这里是带格式的数，学号前面的 0 会丢；把这一列设成文本，重新输入")
    return str(int(value))


def _cell(row: _Row, column: int) -> Any:
    return row.cells[column] if column < len(row.cells) else None


def _text(row: _Row, column: int, problems: list[str]) -> str | None:
    value = _cell(row, column)
    if isinstance(value, _Unreadable):
        problems.append(f"{row.where(column)}: {value.why}")
        return None
    return re.sub(r"\s+", " ", value or "").strip()
