"""The summed self-checks as a table in the terminal and as an Excel file with a coloured heat map."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qinlian.atomic import replace_file
from qinlian.core.width import printable
from qinlian.items.selfcheck.scale import CONSEQUENCE, LIKELIHOOD, SMALLEST_GROUP, level
from qinlian.reports.risks import GroupRisks, RatedRisk
from qinlian.reports.worksheet import guard

__all__ = ["HOW_TO_READ", "NOTES", "heat_colour", "print_risks", "write_risks"]

HOW_TO_READ = (
    "每人只取最近一次计入成绩的自查。数字是评价的次数，不写姓名，也不含任何人写的文字。",
    f"不满 {SMALLEST_GROUP} 人的单位先和上级单位里人少的合在一起，再不满就并入“其他单位”；"
    "合起来仍不满，就再并入人数最少的一个单位。"
    f"一个单位里评的人不满 {SMALLEST_GROUP} 个的风险点，先按岗位合成一行，再不满就和别的岗位合成一行。",
    "等级看可能性 × 后果：15 以上为高，5 到 12 为中，4 以下为低。这是排查的先后，不是对任何人的评价。",
    "隔几天再出一份，或换一份只差几个人的名单再出一份，两份相减会看出个别人：同一批人只出一次，只用一份名单。",
)
NOTES = (*HOW_TO_READ, "用 --units 给的名单不分上下级。")
_STYLES = {"高": "white on red", "中": "black on yellow", "低": "black on green"}
_FILLS = {"高": ("F8D9D6", "E06A5F"), "中": ("FDF1D0", "F2B84B"), "低": ("E4F3E8", "7CC08F")}
"""Lightest and strongest colour of a cell: its level sets the hue, its count the strength."""
_RANKING = ("单位", "名次", "风险点", "评的人数", "平均分（可能性×后果）", "没有措施的占比")


def print_risks(groups: Sequence[GroupRisks], console: Console | None = None) -> None:
    """Print every group's heat map and ranked risk points; without groups, why there are none."""
    console = console or Console()
    if not groups:
        console.print(f"交来自查的不满 {SMALLEST_GROUP} 人，不能汇总")
        return
    for group in groups:
        console.print(_heat(group))
        console.print(_ranking(group))
    for note in NOTES:
        console.print(Text(note, style="dim"))


def _heat(group: GroupRisks) -> Table:
    table = Table(title=Text(f"{printable(group.name)}（{group.people} 人）"), show_lines=True)
    table.add_column("后果 ＼ 可能性")
    for number, word in enumerate(LIKELIHOOD, 1):
        table.add_column(f"{number} {word}", justify="right")
    for consequence in range(5, 0, -1):
        cells = []
        for likelihood in range(1, 6):
            count = group.heat.get((likelihood, consequence), 0)
            cells.append(Text(str(count or ""), style=_STYLES[level(likelihood, consequence)] if count else ""))
        table.add_row(f"{consequence} {CONSEQUENCE[consequence - 1]}", *cells)
    return table


def _ranking(group: GroupRisks) -> Table:
    table = Table()
    for name in _RANKING[1:]:
        table.add_column(name, justify="left" if name == "风险点" else "right", overflow="fold")
    for row in _rows(group):
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    return table


def _rows(group: GroupRisks) -> Iterable[tuple[str, str, int, float, str]]:
    for place, risk in enumerate(group.risks, 1):
        yield str(place), risk.name, risk.people, round(risk.mean, 1), _share(risk)


def _share(risk: RatedRisk) -> str:
    return f"{risk.unguarded:.0%}"


def write_risks(groups: Sequence[GroupRisks], path: Path) -> None:
    """Write heat maps, ranking and how to read them to ``path``, whole or not at all."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new book begins with one
    sheet.title = "热力图"
    _draw_heat(sheet, groups)
    ranking = book.create_sheet("风险清单")
    _put(ranking, 1, _RANKING, bold=True)
    for group in groups:
        for row in _rows(group):
            _put(ranking, ranking.max_row + 1, (group.name, *row))
    _widths(ranking, (24, 6, 60, 10, 22, 16))
    ranking.freeze_panes = "A2"
    notes = book.create_sheet("说明")
    few = () if groups else (f"交来自查的不满 {SMALLEST_GROUP} 人，不能汇总。",)
    for number, note in enumerate((*few, *NOTES), 1):
        _put(notes, number, (note,))
        notes.cell(number, 1).alignment = Alignment(wrap_text=True, vertical="top")
    _widths(notes, (90,))
    made = io.BytesIO()
    book.save(made)
    replace_file(path, made.getvalue())


def _draw_heat(sheet: Worksheet, groups: Sequence[GroupRisks]) -> None:
    row = 1
    for group in groups:
        _put(sheet, row, (f"{group.name}（{group.people} 人）",), bold=True)
        heads = ("后果 ＼ 可能性", *(f"{n} {word}" for n, word in enumerate(LIKELIHOOD, 1)))
        _put(sheet, row + 1, heads, bold=True)
        most = max(group.heat.values(), default=1)
        for offset, consequence in enumerate(range(5, 0, -1), 2):
            counts = [group.heat.get((likelihood, consequence), 0) for likelihood in range(1, 6)]
            _put(sheet, row + offset, (f"{consequence} {CONSEQUENCE[consequence - 1]}", *counts))
            for likelihood, count in enumerate(counts, 1):
                cell = sheet.cell(row + offset, likelihood + 1)
                cell.fill = PatternFill("solid", fgColor=heat_colour(level(likelihood, consequence), count / most))
                cell.alignment = Alignment(horizontal="center")
        row += 8
    _widths(sheet, (22, 12, 12, 12, 12, 12))


def heat_colour(name: str, strength: float) -> str:
    """RRGGBB between the lightest and the strongest colour of a level (高, 中, 低); ``strength`` is in [0, 1]."""
    light, strong = _FILLS[name]
    pairs = [(int(light[i : i + 2], 16), int(strong[i : i + 2], 16)) for i in (0, 2, 4)]
    return "".join(f"{round(a + (b - a) * strength):02X}" for a, b in pairs)


def _put(sheet: Worksheet, row: int, values: Iterable[str | float], *, bold: bool = False) -> None:
    for column, value in enumerate(values, 1):
        cell = sheet.cell(row, column, value)
        guard(cell)
        if bold:
            cell.font = Font(bold=True)


def _widths(sheet: Worksheet, widths: Sequence[int]) -> None:
    for index, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(index)].width = width
