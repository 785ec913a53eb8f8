"""A gradebook in which everybody passed everything, without nbgrader's ten seconds, for the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Engine, MetaData, Table, create_engine

from qinlian.core.model import Course
from qinlian.grading import tables
from qinlian.roster.people import account_of
from qinlian.roster.tables import METADATA, PERSON

__all__ = ["new_gradebook"]

_THEIRS = (
    tables.STUDENT,
    tables.ASSIGNMENT,
    tables.NOTEBOOK,
    tables.BASE_CELL,
    tables.GRADE_CELL,
    tables.SUBMITTED_ASSIGNMENT,
    tables.SUBMITTED_NOTEBOOK,
    tables.GRADE,
)


def new_gradebook(
    url: str, course: Course, people: Sequence[tuple[str, str]], now: datetime
) -> tuple[Engine, list[tuple[Any, list[dict[str, Any]]]]]:
    """The engine of a new gradebook with its tables, and the rows to be put into them, by table."""
    engine, moment = create_engine(url), now.replace(tzinfo=None)
    made = MetaData()
    for theirs in _THEIRS:
        Table(theirs.name, made, *(Column(c.name, c.type, primary_key=c.name == "id") for c in theirs.columns))
    made.create_all(engine)
    METADATA.create_all(engine)
    students, persons, handed_in, notebooks, grades = [], [], [], [], []
    blank = {"department": "", "email": "", "role": "学员", "archived_at": None, "changed_at": moment}
    for n, (name, unit) in enumerate(people):
        account = account_of(f"{n:06d}")
        students.append({"id": account, "last_name": name, "first_name": unit})
        about = {"account": account, "number": f"{n:06d}", "name": name, "unit": unit, "uid": 20_000 + n}
        persons.append(about | blank | {"track": course.tracks[0].name})
        for module in course.modules:
            key = f"{account}-{module.id}"
            handed_in.append(
                {"id": f"s-{key}", "assignment_id": f"a-{module.id}", "student_id": account, "timestamp": moment}
            )
            notebooks.append({"id": f"b-{key}", "assignment_id": f"s-{key}", "notebook_id": f"n-{module.id}"})
            about = {"notebook_id": f"b-{key}", "cell_id": f"c-{module.id}", "auto_score": 60.0 + n % 40}
            grades.append({"id": f"g-{key}", **about, "needs_manual_grade": False})
    modules = course.modules
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (tables.ASSIGNMENT, [{"id": f"a-{m.id}", "name": m.id} for m in modules]),
        (tables.NOTEBOOK, [{"id": f"n-{m.id}", "name": m.id, "assignment_id": f"a-{m.id}"} for m in modules]),
        (tables.BASE_CELL, [{"id": f"c-{m.id}", "name": f"c-{m.id}", "notebook_id": f"n-{m.id}"} for m in modules]),
        (tables.GRADE_CELL, [{"id": f"c-{m.id}", "max_score": 100.0, "cell_type": "code"} for m in modules]),
        (tables.STUDENT, students),
        (PERSON, persons),
        (tables.SUBMITTED_ASSIGNMENT, handed_in),
        (tables.SUBMITTED_NOTEBOOK, notebooks),
        (tables.GRADE, grades),
    ]
    return engine, rows
