"""The gradebook as one table: who, which module, how many points, in what state.

pandas is imported here and in the other modules of ``reports``, and nowhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine, MetaData, case, create_engine, func, inspect, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from qinlian.configured import database_of
from qinlian.core.model import Course, Module
from qinlian.core.scoring import passes
from qinlian.core.zone import BEIJING
from qinlian.reports.people import Learner, learners
from qinlian.roster.people import ALL, Scope

__all__ = ["BEIJING", "COLUMNS", "gradebook_table", "print_table"]

COLUMNS = ("学员", "姓名", "单位", "模块", "得分", "满分", "状态", "提交时间", "次数", "获得学时")
_NUMBERS = {"得分", "满分", "次数", "获得学时"}
_ROOMY = 120
"""Characters a line that hold every column in full."""


class _Gradebook:
    """nbgrader's tables and ours, read as they stand in the database."""

    def __init__(self, engine: Engine) -> None:
        self._tables = set(inspect(engine).get_table_names())
        self._metadata = MetaData()
        self._engine = engine

    def has(self, name: str) -> bool:
        return name in self._tables

    def __getattr__(self, name: str) -> SqlTable:
        return SqlTable(name, self._metadata, autoload_with=self._engine)


def _submissions(db: _Gradebook, connection: Connection) -> dict[tuple[str, str], Any]:
    """(learner, module) → timestamp, points, whether a person still has to grade."""
    a, sa, sn, g = db.assignment, db.submitted_assignment, db.submitted_notebook, db.grade
    # nbgrader's own rule: a manual mark, where there is one, stands in the place of the automatic one.
    mark = func.coalesce(g.c.manual_score, g.c.auto_score, 0.0) + func.coalesce(g.c.extra_credit, 0.0)
    points = (
        select(
            sn.c.assignment_id.label("id"),
            func.sum(mark).label("points"),
            # PostgreSQL has no greatest of truth values.
            func.max(case((g.c.needs_manual_grade, 1), else_=0)).label("open"),
        )
        .join(g, g.c.notebook_id == sn.c.id)
        .group_by(sn.c.assignment_id)
        .subquery()
    )
    penalty = (
        select(sn.c.assignment_id.label("id"), func.sum(sn.c.late_submission_penalty).label("penalty"))
        .group_by(sn.c.assignment_id)
        .subquery()
    )
    query = (
        select(
            sa.c.student_id,
            a.c.name,
            sa.c.timestamp,
            points.c.points,
            points.c.open,
            penalty.c.penalty,
        )
        .join(a, a.c.id == sa.c.assignment_id)
        .outerjoin(points, points.c.id == sa.c.id)
        .outerjoin(penalty, penalty.c.id == sa.c.id)
    )
    return {(row.student_id, row.name): row for row in connection.execute(query)}


def _attempts(db: _Gradebook, connection: Connection) -> dict[tuple[str, str], int]:
    """(learner, module) → attempts that were counted, of the quiz taken most often."""
    if not db.has("qinlian_quiz"):
        return {}
    a, q = db.qinlian_attempt, db.qinlian_quiz
    query = (
        select(a.c.learner, a.c.module, func.count().label("taken"))
        .join(q, q.c.attempt == a.c.identity)
        .where(q.c.state == "计入")
        .group_by(a.c.learner, a.c.module, q.c.quiz)
        .order_by("taken")
    )
    return {(learner, module): count for learner, module, count in connection.execute(query)}


def _waiting(db: _Gradebook, connection: Connection) -> dict[tuple[str, str], datetime]:
    """(learner, module) → when a submission came that is not graded yet."""
    if not db.has("qinlian_arrival"):
        return {}
    t = db.qinlian_arrival
    query = select(t.c.learner, t.c.module, func.max(t.c.submitted_at)).where(t.c.state == "已收")
    rows = connection.execute(query.group_by(t.c.learner, t.c.module))
    return {(learner, module): moment for learner, module, moment in rows}


def _beijing(moment: datetime | None) -> datetime | None:
    # Without a zone, because a worksheet's cells have none; the heading says which it is.
    return moment.replace(tzinfo=UTC).astimezone(BEIJING).replace(tzinfo=None) if moment else None


def _row(module: Module, pass_mark: float, graded: Any, attempts: int, waiting: datetime | None) -> dict[str, Any]:
    row = {"模块": module.title, "得分": None, "满分": module.max_score, "次数": attempts, "获得学时": 0.0}
    # To hold an extension nbgrader makes all rows of a submission, before there is any.
    if graded is None or graded.points is None or (graded.timestamp is None and not attempts):
        return row | {"状态": "已提交" if waiting else "未开始", "提交时间": _beijing(waiting)}
    score = round(max(0.0, float(graded.points) - float(graded.penalty or 0.0)), 2)
    passed = passes(score, module.max_score, pass_mark)
    return row | {
        "得分": score,
        "状态": "待评阅" if graded.open else "已评分",
        "提交时间": _beijing(graded.timestamp),
        "获得学时": module.hours if passed else 0.0,
    }


def _taken(course: Course, track: str) -> tuple[tuple[Module, ...], float]:
    """The modules that a learner of that track takes, and the pass mark."""
    chosen = next((t for t in course.tracks if t.name == track), None)
    if chosen is None:
        return course.modules, course.pass_mark
    modules = tuple(module for module in course.modules if module.id in chosen.modules)
    return modules, course.pass_mark if chosen.pass_mark is None else chosen.pass_mark


def gradebook_table(
    gradebook: str | Path, course: Course, scope: Scope = ALL, *, archived: bool = False
) -> pd.DataFrame:
    """One row a learner and module of theirs, in the order of learners' ids and of the course.

    ``gradebook`` is the database's address, or the folder of the course that names it. There is no row of a
    learner whom ``scope`` does not admit, and of one who left only with ``archived``. A learner whose track the
    roster knows has rows for its modules. Raises GradingError when that folder is no course.

    Columns as in ``COLUMNS``; 得分 is empty until something was graded, 提交时间 is Beijing time, 次数
    are the attempts at the quiz that counted, and 获得学时 counts a module once its score reaches
    the pass mark of the course or of the learner's track.
    """
    url = database_of(gradebook) if isinstance(gradebook, Path) else gradebook
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        db = _Gradebook(engine)
        with engine.connect() as connection:
            if not db.has("student"):
                people: dict[str, Learner] = {}
            else:
                people = learners(connection, scope, archived=archived)
                graded, counts = _submissions(db, connection), _attempts(db, connection)
                waiting = _waiting(db, connection)
    finally:
        engine.dispose()
    rows = []
    for account, learner in people.items():
        modules, pass_mark = _taken(course, learner.track)
        for module in modules:
            key = (account, module.id)
            row = _row(module, pass_mark, graded.get(key), counts.get(key, 0), waiting.get(key))
            rows.append({"学员": account, "姓名": learner.name, "单位": learner.unit} | row)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(
        {"得分": "float64", "满分": "float64", "次数": "int64", "获得学时": "float64", "提交时间": "datetime64[us]"}
    )


def print_table(table: pd.DataFrame, console: Console | None = None) -> None:
    """Print the table to the terminal; nothing in a name or unit is taken as markup.

    On a narrow terminal the unit and the year are left to the Excel file.
    """
    console = console or Console()
    narrow = console.width < _ROOMY
    columns = [c for c in table.columns if not (narrow and c == "单位")]
    shown = Table(title="成绩总表（提交时间为北京时间）", padding=(0, 0 if narrow else 1))
    for column in columns:
        shown.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    for row in table[columns].itertuples(index=False, name=None):
        shown.add_row(*(Text(_shown(value, short=narrow)) for value in row))
    console.print(shown)


def _shown(value: Any, *, short: bool = False) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        return value.strftime("%m-%d %H:%M" if short else "%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:g}"
    # A control character in a name could move the terminal's cursor.
    return "".join(c for c in str(value) if c.isprintable())
