"""The gradebook as one table: who, which module, how many points, in what state."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qinlian.core.model import Course
from qinlian.core.width import printable
from qinlian.core.zone import BEIJING
from qinlian.reports.frames import grades, learners, open_gradebook
from qinlian.roster.people import ALL, Scope

__all__ = ["COLUMNS", "gradebook_table", "print_table"]

COLUMNS = ("学员", "姓名", "单位", "模块", "得分", "满分", "状态", "提交时间", "次数", "获得学时")
_NUMBERS = {"得分", "满分", "次数", "获得学时"}
_MOST = 1_000
"""Rows that are printed."""
_ROOMY = 120
"""Characters a line that hold every column in full."""


def gradebook_table(
    gradebook: str | Path, course: Course, scope: Scope = ALL, *, archived: bool = False
) -> pd.DataFrame:
    """One row a learner and module of theirs, in the order of learners' ids and of the course.

    ``gradebook`` is the database's address, or the folder of the course that names it. There is no row of a
    learner whom ``scope`` does not admit, and of one who left only with ``archived``. A learner whose track the
    roster knows has rows for its modules. Raises GradingError when that folder is no course
    or the database cannot be read.

    Columns as in ``COLUMNS``; 得分 is empty until something was graded, 提交时间 is Beijing time, 次数
    are the attempts at the quiz that counted, and 获得学时 counts a module once its score reaches
    the pass mark of the course or of the learner's track.
    """
    with open_gradebook(gradebook) as connection:
        people = learners(connection, scope, archived=archived).set_index("account")
        rows = grades(connection, course, scope, archived=archived)
    who = people.reindex(rows["account"].astype("str"))
    table = pd.DataFrame(
        {
            "学员": who.index,
            "姓名": who["name"].to_numpy(),
            "单位": who["unit"].astype("str").to_numpy(),
            "模块": rows["module"].map({module.id: module.title for module in course.modules}).astype("str"),
            "得分": rows["score"],
            "满分": rows["max_score"],
            "状态": rows["state"].astype("str"),
            # Without a zone, because a worksheet's cells have none; the heading says which it is.
            "提交时间": rows["submitted_at"].dt.tz_convert(BEIJING).dt.tz_localize(None),
            "次数": rows["attempts"],
            "获得学时": rows["hours"],
        }
    )
    return table[list(COLUMNS)]


def print_table(table: pd.DataFrame, console: Console | None = None) -> None:
    """Print the table to the terminal; nothing in a name or unit is taken as markup.

    On a narrow terminal the unit and the year are left to the Excel file, and so is what nobody would scroll through.
    """
    console = console or Console()
    narrow = console.width < _ROOMY
    columns = [c for c in table.columns if not (narrow and c == "单位")]
    shown = Table(title="成绩总表（提交时间为北京时间）", padding=(0, 0 if narrow else 1))
    for column in columns:
        shown.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    for row in table[columns].head(_MOST).itertuples(index=False, name=None):
        shown.add_row(*(Text(_shown(value, short=narrow)) for value in row))
    console.print(shown)
    if len(table) > _MOST:
        console.print(Text(f"这里是前 {_MOST:,} 行，共 {len(table):,} 行；全部的请用 --xlsx 或 --csv 存成文件"))


def _shown(value: Any, *, short: bool = False) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        return value.strftime("%m-%d %H:%M" if short else "%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:g}"
    return printable(str(value))
