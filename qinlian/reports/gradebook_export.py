"""The gradebook as CSV that spreadsheets open right and never run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from qinlian.atomic import replace_file
from qinlian.errors import GradingError
from qinlian.reports.worksheet import plain

__all__ = ["csv_bytes", "safe", "write_csv", "write_rows_csv"]

# Full-width signs too: Excel with an East Asian keyboard takes them for the others.
_RUNS = "=+\\-@\t\r\n＝＋－＠"
_GUARDED = re.compile(f"'*[{_RUNS}]")


def safe(text: str) -> str:
    """``text`` with an apostrophe before it where a spreadsheet would take it for a formula.

    A CSV has no other way to say that a cell is text: quotes do not. Nothing else begins to look like it: without the
    first of the apostrophes before such a sign it is the text again.
    """
    return f"'{text}" if _GUARDED.match(text) else text


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe(plain(value))
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def csv_bytes(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file: UTF-8 with the mark by which Excel knows it, lines ended by CRLF (RFC 4180), every text in quotes.

    Text that begins like a formula gets an apostrophe (see ``safe``), characters that a worksheet cannot hold are left
    out; a moment is written to the minute as it stands; what is missing is empty.
    """
    made = io.StringIO(newline="")
    writer = csv.writer(made, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return made.getvalue().encode("utf-8-sig")


def write_rows_csv(path: Path, heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write ``csv_bytes`` to ``path``, whole or not at all, for its owner's eyes alone.

    Raises GradingError where nothing can be written.
    """
    try:
        replace_file(path, csv_bytes(heading, rows), 0o600)
    except OSError as error:
        raise GradingError(f"{path} 写不进去：{_why(error)}") from None


def _why(error: OSError) -> str:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "没有这个文件夹；先建好，或换个位置"
        case IsADirectoryError():
            return "已有同名的文件夹；换个文件名"
        case PermissionError():
            return "这个文件夹不让您写；换个位置"
        case _:
            return "磁盘没有写成；看看是不是满了"


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write ``table``, such as ``gradebook_table``, to ``path``; the columns' names are the heading.

    The file is as ``csv_bytes`` says, whole or not at all, for its owner's eyes alone. Raises GradingError where
    nothing can be written.
    """
    write_rows_csv(path, [str(name) for name in table.columns], table.itertuples(index=False, name=None))
