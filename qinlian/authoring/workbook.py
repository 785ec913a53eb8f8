"""Items ⇄ Excel, the template instructors already know. openpyxl is imported only when needed."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qinlian.atomic import replace_file
from qinlian.authoring.meaning import check_citations, check_item, check_unique
from qinlian.authoring.placed import Placed
from qinlian.authoring.rows import LETTERS, ORDER, column_of, read_row
from qinlian.authoring.rulebook import Rulebook
from qinlian.authoring.sheets import Sheet, hidden, open_workbook, put_text, read_sheet
from qinlian.authoring.textfile import Place, nearest
from qinlian.authoring.writer import number_text
from qinlian.core.diagnostics import Diagnostic, ordered
from qinlian.core.model import Course, Item
from qinlian.errors import CourseError
from qinlian.items.base import item_types

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["export_workbook", "import_workbook", "next_id"]

_BEFORE = ("题号", "题型", "用途", "题干")
_AFTER = ("答案", "解析", "依据", "难度", "知识点", "分值", "计分", "字数", "提示", "对象", "正文")
_HEADERS = (*_BEFORE, *(f"选项{c}" for c in LETTERS), *_AFTER, *(f"反馈{c}" for c in LETTERS), ORDER)
_NEEDED = ("题干", "答案", "解析", "依据", "难度", "知识点")
_LONGEST_CELL = 32_767
_WIDE = {"题干": 48, "解析": 48, "依据": 30, "题号": 12, "正文": 60, "提示": 36}


# --- export ---------------------------------------------------------------------------------


def export_workbook(course: Course, path: Path, modules: Collection[str] | None = None) -> None:
    """Write the items of ``modules`` (ids; all by default) to ``path``, one sheet a type.

    Every cell is text, also one that begins with ``=``, ``+``, ``-`` or ``@``, so nothing is ever
    computed. The file holds the key, so only its owner can read it; it appears complete or not at
    all. Raises CourseError when it cannot be written or a text is longer than a cell.
    """
    import openpyxl

    items = [i for m in course.modules if modules is None or m.id in modules for i in m.own_items]
    book = openpyxl.Workbook()
    del book[book.sheetnames[0]]
    for label in item_types():
        chosen = [i for i in items if i.kind == label]
        if chosen:
            _fill(book.create_sheet(label), chosen)
    if not items:
        _fill(book.create_sheet("单选"), [])
    made = io.BytesIO()
    book.save(made)
    write_bank(path, made.getvalue())


def write_bank(path: Path, data: bytes) -> None:
    """Put an exported bank at ``path``: readable by its owner alone, complete or not at all.

    Raises CourseError when it cannot be written.
    """
    if not path.parent.is_dir():
        raise CourseError(f"没有文件夹 {path.parent.name}，题库没有导出；先建好文件夹")
    try:
        replace_file(path, data, 0o600)
    except OSError as error:
        raise CourseError(f"题库写不进 {path.name}：{error.strerror}；关掉正打开它的程序再试") from None


def _fill(sheet: Worksheet, items: Sequence[Item]) -> None:
    from openpyxl.styles import Alignment, Font

    cells = [_cells(item) for item in items]
    used = {header for row in cells for header in row}
    optional = ("字数", "提示", "对象", "正文", ORDER)
    headers = [h for h in _HEADERS if h in used or not (h in optional or re.fullmatch("(选项|反馈)[A-Z]", h))]
    for column, header in enumerate(headers, 1):
        cell = sheet.cell(1, column, header)
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = _WIDE.get(
            header, 24 if header[:2] in ("选项", "反馈") else 10
        )
    sheet.freeze_panes = "B2"
    for number, row in enumerate(cells, 2):
        for column, header in enumerate(headers, 1):
            text = row.get(header, "")
            if len(text) > _LONGEST_CELL:
                raise CourseError(f"{row['题号']} 的{header}超过了 Excel 一格能放的 {_LONGEST_CELL} 字；先把它改短")
            target = sheet.cell(number, column)
            put_text(target, text)
            target.alignment = Alignment(vertical="top", wrap_text=True)


def _cells(item: Item) -> dict[str, str]:
    kind = item_types()[item.kind]
    texts, answer = kind.to_cells(item)
    columns = [column_of(e.letter, i) for i, e in enumerate(item.elements)]
    cells = {
        "题号": item.id,
        "题型": item.kind,
        "用途": item.use,
        "题干": item.stem,
        "答案": answer,
        "解析": item.explanation,
        "依据": "；".join(item.citations),
        "难度": "" if kind.by_hand and item.difficulty == 1 else str(item.difficulty),
        "知识点": "、".join(item.topics),
        "分值": "" if kind.by_hand else number_text(item.points),
        "计分": item.rule,
        "字数": f"{item.words[0]}-{item.words[1]}" if item.words else "",
        "提示": "\n".join(item.prompts),
        "对象": "、".join(item.audience),
        "正文": item.body,
    }
    cells |= {f"选项{c}": t for c, t in zip(columns, texts, strict=False)}
    cells |= {f"反馈{c}": e.feedback for c, e in zip(columns, item.elements, strict=True)}
    if texts and columns != sorted(columns):
        cells[ORDER] = "".join(columns)
    return {header: text for header, text in cells.items() if text}


# --- import ---------------------------------------------------------------------------------


def import_workbook(
    path: Path, known_ids: Collection[str], prefix: str = "", rules: Rulebook | None = None
) -> tuple[tuple[Item, ...], tuple[Diagnostic, ...]]:
    """Read a workbook: (items, diagnostics with sheet and cell, all at once).

    ``known_ids`` are the ids the course has; a row without 题号 gets the next free id that begins
    with ``prefix`` (such as LZ-02), and is an error when there is no prefix. A row without 用途 is
    a 测验, whose key never reaches a learner. With ``rules`` the citations are checked as well.
    With errors among the diagnostics the items are incomplete and not to be used.
    """
    book, found = open_workbook(path)
    if book is None:
        return (), found
    problems = list(found)
    reader = _Reader(path.name, known_ids, prefix, problems)
    out_of_sight = {sheet.title for sheet in hidden(book)}
    for worksheet in book.worksheets:
        place = Place(path.name, sheet=worksheet.title)
        if worksheet.title in out_of_sight:
            problems.append(place.says("W620", "隐藏的工作表没有导入", "要导入就取消隐藏"))
            continue
        sheet, sheet_problems = read_sheet(path.name, worksheet, _HEADERS)
        problems += sheet_problems
        if sheet is None:
            if worksheet.title in item_types():
                problems.append(
                    place.says("E122", "没有找到表头", f"第一行写表头：题型 题干 选项A… {' '.join(_NEEDED[1:])}")
                )
            elif worksheet.max_row > 1 or worksheet.max_column > 1:
                problems.append(place.says("W620", "没有表头的工作表没有导入", "若是题库，第一行写上表头"))
            continue
        reader.sheet(sheet)
    placed = reader.finish()
    for one in placed:
        problems += check_item(one)
        if rules:
            problems += check_citations(one, rules)
    problems += check_unique((one.item.id, one.at()) for one in placed)
    if not placed and not problems:
        problems.append(Place(path.name).says("E122", "没有读到一道题", "第一行写表头，从第二行起每行一道题"))
    return tuple(one.item for one in placed), ordered(problems)


def next_id(prefix: str, kind: str, taken: Collection[str]) -> str:
    """The first free id after the highest number in use: ``LZ-02-004``, for a 心得 ``LZ-02-R2``."""
    lead, width = (f"{prefix}-R", 1) if item_types()[kind].by_hand else (f"{prefix}-", 3)
    numbers = [int(i[len(lead) :]) for i in taken if i.startswith(lead) and i[len(lead) :].isdecimal()]
    return f"{lead}{max(numbers, default=0) + 1:0{width}d}"


class _Reader:
    """Rows → placed items; ids of rows without one are given out at the end, after all others."""

    def __init__(self, file: str, known_ids: Collection[str], prefix: str, problems: list[Diagnostic]) -> None:
        self.file, self.prefix, self.problems = file, prefix, problems
        self.taken = set(known_ids)
        self.placed: list[Placed] = []

    def sheet(self, sheet: Sheet) -> None:
        kinds = item_types()
        whole = kinds.get(sheet.name)
        for name in _NEEDED if "题型" in sheet.headers or whole else ("题型", *_NEEDED):
            if name not in sheet.headers and not (name == "答案" and whole and not whole.has_answer_cell):
                self.problems.append(sheet.place.says("E122", f"缺少表头“{name}”", "在表头这一行补上这一列"))
        for row in sheet.rows:
            label = row["题型"].strip() or sheet.name
            kind = kinds.get(label)
            if kind is None:
                what = f"不认识题型“{row['题型'].strip()}”" if row["题型"] else "没有写题型"
                self.problems.append(row.at("题型").says("E202", what, nearest(label, kinds)))
                continue
            self.placed.append(read_row(row, kind, self.problems))

    def finish(self) -> list[Placed]:
        self.taken |= {p.item.id for p in self.placed}
        done = []
        for placed in self.placed:
            item = placed.item
            if not item.id and self.prefix:
                item = item.model_copy(update={"id": next_id(self.prefix, item.kind, self.taken)})
                self.taken.add(item.id)
            elif not item.id:
                self.problems.append(placed.at().says("E201", "没有写题号", "写上题号，或指明导入哪个模块，由程序编号"))
                continue
            done.append(Placed(item, placed.places, unread=placed.unread))
        return done
