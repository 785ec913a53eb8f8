"""Reflections of earlier years, from a folder of texts and Excel files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qinlian.errors import GradingError
from qinlian.reports.similarity import Text

__all__ = ["read_earlier", "stamp"]

_TEXTS, _WORKBOOK = {".txt", ".md"}, ".xlsx"
_LARGEST = 20_000_000
_LONGEST = 20_000
_HEADER_WITHIN = 10
_HEADERS = {
    "text": ("心得", "正文", "内容", "全文", "文本"),
    "owner": ("学员", "学号", "编号"),
    "who": ("姓名", "作者"),
    "where": ("模块", "题目", "期次", "年份"),
}


def stamp(path: Path | None) -> tuple[tuple[str, int, int], ...]:
    """Changes when something in the folder does."""
    if path is None or not path.exists():
        return ()
    found = ((p, p.stat()) for p in _files(path))
    return tuple((p.name, s.st_mtime_ns, s.st_size) for p, s in found)


def _files(path: Path) -> list[Path]:
    every = [path] if path.is_file() else sorted(path.rglob("*"))
    kinds = _TEXTS | {_WORKBOOK}
    return [p for p in every if p.is_file() and p.suffix.lower() in kinds and p.name[:1] not in ".~"]


def read_earlier(path: Path) -> tuple[Text, ...]:
    """Every text below ``path`` (a folder or one file): .txt and .md are one text each, in .xlsx every row is one.

    A sheet needs a column 心得 (or 正文, 内容, 全文); 学员, 姓名 and 模块 are used where there are any, so the file
    that ``qinlian report --reflections --xlsx`` wrote can be laid in as it is. Raises GradingError, naming the
    file, for one that cannot be read.
    """
    if not path.exists():
        raise GradingError(f"找不到往期心得 {path}；请核对位置")
    found: list[Text] = []
    for file in _files(path):
        if file.stat().st_size > _LARGEST:
            raise GradingError(f"往期心得 {file.name} 超过 20 MB；请分成几个文件")
        found += _workbook(file) if file.suffix.lower() == _WORKBOOK else _plain(file)
    return tuple(found)


def _plain(file: Path) -> Iterator[Text]:
    data = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield Text(owner=f"往期/{file.name}", who=file.stem, where=f"往期：{file.name}", text=text[:_LONGEST])
        return
    raise GradingError(f"往期心得 {file.name} 不是文本；请另存为 UTF-8 编码的文本")


def _workbook(file: Path) -> Iterator[Text]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception:  # whatever a broken file makes zipfile, the XML parser or openpyxl raise
        raise GradingError(f"往期心得 {file.name} 不是完好的 .xlsx 文件；请用 Excel 或 WPS 另存") from None
    known = False
    try:
        for sheet in book.worksheets:
            columns: dict[str, int] = {}
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                if "text" not in columns:
                    columns = _columns(row) if number <= _HEADER_WITHIN else {}
                    known = known or "text" in columns
                    if number >= _HEADER_WITHIN and "text" not in columns:
                        break
                elif text := _cell(row, columns, "text"):
                    owner = _cell(row, columns, "owner") or f"往期/{file.name}/{sheet.title}/{number}"
                    who = _cell(row, columns, "who") or _cell(row, columns, "owner") or f"第 {number} 行"
                    what = _cell(row, columns, "where")
                    where = f"往期：{file.name}" + (f" · {what}" if what else "")
                    yield Text(owner=owner, who=who, where=where, text=text[:_LONGEST])
    finally:
        book.close()
    if not known:
        raise GradingError(f"往期心得 {file.name} 里没有“心得”这一列；请在表头写上：学员、姓名、心得")


def _columns(row: tuple[Any, ...]) -> dict[str, int]:
    heads = [re.sub(r"\s+", "", str(value)) if value is not None else "" for value in row]
    return {
        part: heads.index(name)
        for part, names in _HEADERS.items()
        if (name := next((n for n in names if n in heads), None)) is not None
    }


def _cell(row: tuple[Any, ...], columns: dict[str, int], part: str) -> str:
    index = columns.get(part, len(row))
    value = row[index] if index < len(row) else None
    return "" if value is None else str(value).strip()
