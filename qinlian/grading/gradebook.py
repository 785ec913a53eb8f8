"""nbgrader's own rows for many submissions at once, exactly as its autograde writes them one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from qinlian.database import naive
from qinlian.grading.late import checked_penalty
from qinlian.grading.tables import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    GRADE,
    NOTEBOOK,
    STUDENT,
    SUBMITTED_ASSIGNMENT,
    SUBMITTED_NOTEBOOK,
)

__all__ = ["Layout", "Marks", "Penalty", "layout", "set_timestamp", "write_marks"]

Penalty = Callable[[str, float, float], float | None]
"""(learner, score, seconds late) → what the configured late plugin takes off, or None."""
_BATCH = 400


@dataclass(frozen=True)
class Layout:
    """One assignment of one notebook in the gradebook: cell name → id of its base cell."""

    assignment: str
    notebook: str
    grade_cells: Mapping[str, str]
    solution_cells: Mapping[str, str]


@dataclass(frozen=True)
class Marks:
    """What one submission writes.

    ``scores`` has a number for each grade cell that is graded automatically, None for one that waits
    for a person. ``blank`` are the manual cells without a response. ``changed`` are the manual cells
    whose text is not the one that stood there before.
    """

    learner: str
    timestamp: datetime | None
    seconds_late: float
    scores: Mapping[str, float | None]
    blank: frozenset[str]
    changed: frozenset[str]


def layout(connection: Connection, module: str) -> Layout | None:
    """Read the assignment's cells; None when it is not one notebook of grade and solution cells."""
    assignment = connection.execute(select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == module)).scalar()
    notebooks = list(connection.execute(select(NOTEBOOK).where(NOTEBOOK.c.assignment_id == assignment)))
    if assignment is None or len(notebooks) != 1 or notebooks[0].name != module:
        return None
    cells = list(connection.execute(select(BASE_CELL).where(BASE_CELL.c.notebook_id == notebooks[0].id)))
    if any(cell.type not in ("GradeCell", "SolutionCell") for cell in cells):
        return None
    by_type: dict[str, dict[str, str]] = defaultdict(dict)
    for cell in cells:
        by_type[cell.type][cell.name] = cell.id
    return Layout(assignment, notebooks[0].id, by_type["GradeCell"], by_type["SolutionCell"])


def _in(
    connection: Connection, table: Any, column: Any, values: Sequence[str], *more: Any, lock: bool = False
) -> list[Any]:
    rows: list[Any] = []
    for start in range(0, len(values), _BATCH):
        query = select(table).where(column.in_(values[start : start + _BATCH]), *more)
        rows += connection.execute(query.with_for_update() if lock else query)
    return rows


class _Existing:
    """The rows that these learners have already, from an earlier submission."""

    def __init__(self, connection: Connection, plan: Layout, learners: Sequence[str]) -> None:
        self.students = {r.id for r in _in(connection, STUDENT, STUDENT.c.id, learners)}
        table = SUBMITTED_ASSIGNMENT
        mine = table.c.assignment_id == plan.assignment
        self.submissions = {r.student_id: r.id for r in _in(connection, table, table.c.student_id, learners, mine)}
        ids = list(self.submissions.values())
        found = _in(connection, SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id, ids)
        self.notebooks = {r.assignment_id: r.id for r in found}
        notebooks = list(self.notebooks.values())
        # An instructor may be giving a mark at this moment: what we decide from theirs must still hold when written.
        grades = _in(connection, GRADE, GRADE.c.notebook_id, notebooks, lock=True)
        self.grades = {(r.notebook_id, r.cell_id): r for r in grades}
        comments = _in(connection, COMMENT, COMMENT.c.notebook_id, notebooks)
        self.comments = {(r.notebook_id, r.cell_id): r.id for r in comments}


class _Rows:
    """Rows to insert and to update, table by table."""

    def __init__(self) -> None:
        self.new: dict[Any, list[dict[str, Any]]] = {
            t: [] for t in (STUDENT, SUBMITTED_ASSIGNMENT, SUBMITTED_NOTEBOOK, GRADE, COMMENT)
        }
        self.old: dict[Any, list[dict[str, Any]]] = defaultdict(list)

    def write(self, connection: Connection) -> None:
        for table, rows in self.new.items():
            if rows and table is STUDENT:
                # Another worker may meet the same new learner, in another module.
                dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
                connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)
            elif rows:
                connection.execute(insert(table), rows)
        for table, rows in self.old.items():
            # A timestamp is only written where there is one, so rows may differ in their columns.
            shapes: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                shapes[tuple(row)].append(row)
            for shape, same in shapes.items():
                names = [name for name in shape if name != "row"]
                statement = update(table).where(table.c.id == bindparam("row"))
                connection.execute(statement.values({n: bindparam(n) for n in names}), same)


def set_timestamp(connection: Connection, learner: str, module: str, submitted_at: datetime | None) -> None:
    """Let nbgrader's row say when the submission that is graded was handed in; as it is without a time."""
    if submitted_at is None:
        return
    assignment = select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == module).scalar_subquery()
    table = SUBMITTED_ASSIGNMENT
    mine = update(table).where(table.c.student_id == learner, table.c.assignment_id == assignment)
    connection.execute(mine.values(timestamp=naive(submitted_at)))


def write_marks(connection: Connection, plan: Layout, marks: Sequence[Marks], penalty: Penalty) -> None:
    """Write student, submission, notebook, grade and comment rows, as stock autograde would.

    Manual scores, manual comments and extra credit are never touched.
    """
    existing = _Existing(connection, plan, [m.learner for m in marks])
    rows = _Rows()
    for mark in marks:
        if mark.learner not in existing.students:
            names = dict.fromkeys(("first_name", "last_name", "email", "lms_user_id"))
            rows.new[STUDENT].append({"id": mark.learner, **names})
        submission = existing.submissions.get(mark.learner)
        if submission is None:
            submission = uuid4().hex
            rows.new[SUBMITTED_ASSIGNMENT].append(
                {
                    "id": submission,
                    "assignment_id": plan.assignment,
                    "student_id": mark.learner,
                    "timestamp": mark.timestamp,
                    "extension": None,
                }
            )
        elif mark.timestamp is not None:
            rows.old[SUBMITTED_ASSIGNMENT].append({"row": submission, "timestamp": mark.timestamp})
        _notebook(rows, existing, plan, mark, submission, penalty)
    rows.write(connection)


def _notebook(rows: _Rows, existing: _Existing, plan: Layout, mark: Marks, submission: str, penalty: Penalty) -> None:
    old = existing.notebooks.get(submission)
    notebook = old or uuid4().hex
    total = 0.0
    for name, cell in plan.grade_cells.items():
        total += _grade(rows, existing, mark, notebook, name, cell)
    for name, cell in plan.solution_cells.items():
        said = "No response." if name in mark.blank else None
        comment = existing.comments.get((notebook, cell))
        if comment is None:
            key = {"id": uuid4().hex, "notebook_id": notebook, "cell_id": cell}
            rows.new[COMMENT].append({**key, "auto_comment": said, "manual_comment": None})
        else:
            rows.old[COMMENT].append({"row": comment, "auto_comment": said})
    off = None
    if mark.seconds_late > 0:
        off = checked_penalty(penalty(mark.learner, total, mark.seconds_late), total)
    if old is None:
        key = {"id": notebook, "assignment_id": submission, "notebook_id": plan.notebook}
        rows.new[SUBMITTED_NOTEBOOK].append({**key, "flagged": False, "late_submission_penalty": off})
    else:
        rows.old[SUBMITTED_NOTEBOOK].append({"row": notebook, "late_submission_penalty": off})


def _grade(rows: _Rows, existing: _Existing, mark: Marks, notebook: str, name: str, cell: str) -> float:
    """One grade row; returns what it counts for in the notebook's score."""
    auto = mark.scores[name]
    old = existing.grades.get((notebook, cell))
    if old is None:
        key = {"id": uuid4().hex, "notebook_id": notebook, "cell_id": cell}
        scores = {"auto_score": auto, "manual_score": None, "extra_credit": None}
        rows.new[GRADE].append({**key, **scores, "needs_manual_grade": auto is None})
        return auto or 0.0
    needs = auto is None
    if old.manual_score is not None:
        changed = name in mark.changed if name in mark.blank or auto is None else auto != old.auto_score
        needs = True if changed else old.needs_manual_grade
    rows.old[GRADE].append({"row": old.id, "auto_score": auto, "needs_manual_grade": needs})
    score = old.manual_score if old.manual_score is not None else auto
    return float(score or 0.0) + float(old.extra_credit or 0.0)
