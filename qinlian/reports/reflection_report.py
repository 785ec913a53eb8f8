"""Every reflection with its rubric, mark, comment and similarity notices: as one HTML page and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from qinlian.atomic import replace_file
from qinlian.core.model import Course
from qinlian.core.zone import BEIJING
from qinlian.errors import GradingError
from qinlian.grading.assess import course_folder
from qinlian.grading.responses import open_engine
from qinlian.grading.setting import Setting
from qinlian.reports.earlier import read_earlier
from qinlian.reports.excel import write_excel
from qinlian.reports.passages import Reading
from qinlian.reports.reflections import Entry, entries
from qinlian.reports.sides import SideBySide, environment, side_by_side
from qinlian.roster.people import ALL, Scope

__all__ = [
    "COLUMNS",
    "read_reflections",
    "reflection_counts",
    "reflection_lines",
    "reflection_page",
    "reflection_table",
    "write_page",
    "write_reflections",
]

COLUMNS = (
    *("学员", "姓名", "单位", "模块", "题目", "评分细则", "心得", "字数", "状态", "得分", "满分", "评语", "提交时间"),
    *("相似提示", "对照"),
)
_WRAPPED = ("题目", "评分细则", "心得", "评语", "相似提示", "对照")
_LONGEST_CELL = 32_000
"""Characters: a worksheet's cell holds 32 767."""


def read_reflections(root: Path, earlier: Path | None = None, scope: Scope = ALL) -> list[Entry]:
    """The reflections of the course in ``root`` by learners whom ``scope`` admits, each with what it is close to.

    ``earlier`` is a folder or file with reflections of earlier years; without it the one that the course's
    nbgrader_config.py names, if there is any. Raises GradingError when something cannot be read.
    """
    setting = Setting.load(root)
    named = setting.config.MarkingAids.get("earlier", "")
    if earlier is None and named and Path(named).exists():
        earlier = Path(named)
    texts = read_earlier(earlier) if earlier is not None else ()
    with open_engine(setting.db_url).connect() as connection:
        return entries(connection, course_folder(Path(setting.coursedir.root)), texts, scope)


def _state(entry: Entry) -> str:
    return "待评阅" if entry.mark is None or entry.mark.waiting else "已评阅"


def _when(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(BEIJING).replace(tzinfo=None)


def _notices(entry: Entry) -> list[SideBySide]:
    return [side_by_side(entry.text, notice) for notice in entry.notices]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL] + "……（其余见网页报表）"


def _pairs(notices: Sequence[SideBySide]) -> str:
    """The passages in words, one pair under the other."""
    parts = []
    for notice in notices:
        parts.append(notice.sentence)
        for left, right in notice.passages:
            other = "原文" if notice.quoted else "对方"
            parts += [f"本文：{''.join(t for t, _ in left)}", f"{other}：{''.join(t for t, _ in right)}", ""]
    return "\n".join(parts).strip()


def reflection_table(found: Sequence[Entry]) -> pd.DataFrame:
    """One row a reflection; times are Beijing time, 得分 is empty while it waits for its reader."""
    rows: list[dict[str, Any]] = []
    for entry in found:
        notices = _notices(entry)
        marked = entry.mark if entry.mark and not entry.mark.waiting else None
        rows.append(
            {
                "学员": entry.learner,
                "姓名": entry.name,
                "单位": entry.unit,
                "模块": entry.module.title,
                "题目": _cut(entry.item.stem),
                "评分细则": "\n".join(f"{e.text}（{float(e.mark):g} 分）" for e in entry.item.elements),
                "心得": _cut(entry.text),
                "字数": len(Reading.of(entry.text)),
                "状态": _state(entry),
                "得分": marked.score if marked else None,
                "满分": entry.item.points,
                "评语": _cut(entry.mark.comment if entry.mark else ""),
                "提交时间": _when(entry.handed_in),
                "相似提示": "\n".join(f"{n.sentence}{n.where}" for n in notices),
                "对照": _cut(_pairs(notices)),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"得分": "float64", "满分": "float64"})


def reflection_lines(found: Sequence[Entry]) -> list[str]:
    """The report in a few lines for the terminal."""
    waiting, near = reflection_counts(found)
    lines = [
        f"{entry.name or entry.learner}（{entry.learner}）《{entry.module.title}》：{notice.sentence}"
        for entry in found
        for notice in _notices(entry)
        if not notice.quoted
    ]
    return [
        *lines,
        f"共 {len(found)} 篇心得，待评阅 {waiting} 篇，{near} 篇有与他人相近的段落；段落对照见 --html 或 --xlsx",
    ]


def reflection_counts(found: Sequence[Entry]) -> tuple[int, int]:
    """How many wait for their reader, and how many have passages close to somebody else's."""
    near = sum(any(not notice.quoted for notice in entry.notices) for entry in found)
    return sum(_state(entry) == "待评阅" for entry in found), near


def write_reflections(found: Sequence[Entry], path: Path) -> None:
    """Write the table to an Excel file. Raises GradingError when it cannot be written."""
    try:
        write_excel(reflection_table(found), path, "心得", wrapped=_WRAPPED)
    except OSError as error:
        raise GradingError(f"报表写不进 {path}：{error.strerror}；请关掉正打开它的程序，或换一个位置") from None


def reflection_page(found: Sequence[Entry], course: Course, now: datetime) -> str:
    """The whole report as one HTML page that needs nothing else; ``now`` (aware) is when it was made."""
    shown = [
        {
            "entry": entry,
            "state": _state(entry),
            "score": f"{entry.mark.score:g}" if entry.mark and not entry.mark.waiting else "",
            "comment": entry.mark.comment if entry.mark else "",
            "when": _when(entry.handed_in).strftime("%Y-%m-%d %H:%M"),
            "letters": len(Reading.of(entry.text)),
            "notices": _notices(entry),
        }
        for entry in found
    ]
    waiting, near = reflection_counts(found)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one, entry in zip(shown, found, strict=True):
        groups.setdefault((entry.module.id, entry.item.id), []).append(one)
    return (
        environment()
        .get_template("reflections.html.j2")
        .render(
            course=course,
            made=now.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M"),
            groups=list(groups.values()),
            count=len(found),
            waiting=waiting,
            near=near,
        )
    )


def write_page(html: str, path: Path) -> None:
    """Write the page whole or not at all. Raises GradingError when it cannot be written."""
    try:
        # It holds what learners wrote: nobody else's business on a shared machine.
        replace_file(path, html.encode(), 0o600)
    except OSError as error:
        raise GradingError(f"报表写不进 {path}：{error.strerror}；请换一个位置") from None
