"""A gradebook filled by hand for the instructors' pages, without nbgrader's ten seconds; a plan, a course folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, Table, create_engine, insert

from qinlian.grading import tables
from qinlian.grading.response_tables import ARRIVAL
from qinlian.roster.people import account_of
from qinlian.roster.tables import PERSON, UNIT
from qinlian.roster.units import SEPARATOR, ancestors, own_name
from qinlian.staff.book import open_book
from qinlian.staff.plan import Plan, PlannedModule
from qinlian.staff.viewer import Viewer

__all__ = ["GIFTS", "NOW", "PLAN", "START", "Book", "course_folder", "teacher", "viewer"]

NOW = datetime.fromisoformat("2026-11-22 09:30")
"""UTC, without a zone, as nbgrader's tables hold it."""
START = PlannedModule("01-start", "导学", 2.0, 100.0, "e" * 20, {"": 60.0, "青年干部": 60.0, "教师": 80.0})
GIFTS = PlannedModule("02-gifts", "礼尚往来", 1.5, 110.0, "f" * 20, {"": 60.0, "青年干部": 60.0})
"""A 教师 does not take this one."""
PLAN = Plan("勤廉学堂", (START, GIFTS))
_NAMES = ("STUDENT", "ASSIGNMENT", "NOTEBOOK", "BASE_CELL", "GRADE_CELL", "SUBMITTED_ASSIGNMENT", "SUBMITTED_NOTEBOOK")


def viewer(unit: str, role: str = "教师") -> Viewer:
    """Somebody who looks."""
    return Viewer("qlt", "吴老师", role, unit)


def teacher(number: str, unit: str, role: str = "教师", **more: Any) -> dict[str, Any]:
    """The row of somebody who looks."""
    return {"number": number, "unit": unit, "role": role, **more}


class Book:
    """One gradebook. Each module has two cells: a quiz and a reflection."""

    def __init__(self, url: str, plan: Plan = PLAN) -> None:
        self.url, self.plan = url, plan
        plain = create_engine(url)
        names = (*_NAMES, "GRADE", "COMMENT")
        made = MetaData()
        for name in names:
            theirs = getattr(tables, name)
            columns = [Column(c.name, c.type, primary_key=c.name == "id") for c in theirs.columns]
            Table(theirs.name, made, *columns)
        made.create_all(plain)
        plain.dispose()
        self.engine = open_book(url)
        self._uid, self._units = 20_000, set[str]()
        with self.engine.begin() as c:
            for module in plan.modules:
                c.execute(insert(tables.ASSIGNMENT).values(id=f"a-{module.id}", name=module.id, duedate=None))
                c.execute(
                    insert(tables.NOTEBOOK).values(
                        id=f"n-{module.id}", name=module.id, assignment_id=f"a-{module.id}", kernelspec="{}"
                    )
                )
                for cell in ("quiz", "text"):
                    key = f"{cell}-{module.id}"
                    row = {"id": key, "name": key, "notebook_id": f"n-{module.id}", "type": "GradeCell"}
                    c.execute(insert(tables.BASE_CELL).values(**row))
                    c.execute(insert(tables.GRADE_CELL).values(id=key, max_score=50.0, cell_type="code"))

    @classmethod
    def fresh(cls, folder: Path, plan: Plan = PLAN) -> Book:
        """An SQLite one below ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{folder / 'gradebook.db'}", plan)

    def add(self, number: str, unit: str, name: str = "", *, gone: bool = False, **more: Any) -> str:
        """Somebody of the roster; returns the account."""
        account, self._uid = account_of(number), self._uid + 1
        row = {
            "account": account,
            "number": number,
            "name": name or f"姓名{number}",
            "unit": unit,
            "department": "",
            "track": "",
            "email": "",
            "role": "学员",
            "uid": self._uid,
            "archived_at": NOW if gone else None,
            "changed_at": NOW,
        }
        with self.engine.begin() as c:
            for path in (*ancestors(unit), unit):
                if path not in self._units:
                    parent, place = path.rpartition(SEPARATOR)[0], len(self._units)
                    c.execute(insert(UNIT).values(path=path, name=own_name(path), parent=parent, place=place))
                    self._units.add(path)
            c.execute(insert(PERSON).values(**row | more))
        return account

    def grade(
        self,
        account: str,
        module: PlannedModule,
        quiz: float | None = None,
        text: float | None = None,
        *,
        waits: bool = False,
        penalty: float | None = None,
        at: datetime | None = NOW,
        extra: float | None = None,
    ) -> str:
        """What grading leaves of one submission; returns the id of the submitted notebook."""
        key, notebook = f"s-{account}-{module.id}", f"b-{account}-{module.id}"
        with self.engine.begin() as c:
            c.execute(
                insert(tables.SUBMITTED_ASSIGNMENT).values(
                    id=key, assignment_id=f"a-{module.id}", student_id=account, timestamp=at, extension=None
                )
            )
            c.execute(
                insert(tables.SUBMITTED_NOTEBOOK).values(
                    id=notebook,
                    assignment_id=key,
                    notebook_id=f"n-{module.id}",
                    flagged=False,
                    late_submission_penalty=penalty,
                )
            )
            for cell, auto, manual, open_ in (("quiz", quiz, None, False), ("text", None, text, waits)):
                c.execute(
                    insert(tables.GRADE).values(
                        id=f"g-{cell}-{account}-{module.id}",
                        notebook_id=notebook,
                        cell_id=f"{cell}-{module.id}",
                        auto_score=auto,
                        manual_score=manual,
                        extra_credit=extra if cell == "text" else None,
                        needs_manual_grade=open_,
                    )
                )
        return notebook

    def arrive(self, account: str, module: PlannedModule, state: str = "已收") -> None:
        """Something came through the exchange."""
        with self.engine.begin() as c:
            c.execute(
                insert(ARRIVAL).values(
                    folder=f"{account}+{module.id}+{state}",
                    learner=account,
                    module=module.id,
                    first_seen=NOW,
                    submitted_at=NOW,
                    state=state,
                )
            )

    def crowd(self, units: Sequence[str], each: int) -> None:
        """Many learners at once, in all units; most handed in the first modules, some reflections wait."""
        people, submissions, notebooks, grades = [], [], [], []
        now = {"archived_at": None, "changed_at": NOW}
        blank = {"department": "", "track": "", "email": "", "role": "学员"}
        for number in range(each * len(units)):
            account, unit = f"qlc{number:06}", units[number % len(units)]
            known = {"account": account, "number": f"c{number:06}", "name": f"学员{number}", "unit": unit}
            people.append(known | blank | now | {"uid": 100_000 + number})
            for module in self.plan.modules[: number % (len(self.plan.modules) + 1)]:
                key = f"{account}-{module.id}"
                about = {"assignment_id": f"a-{module.id}", "student_id": account}
                submissions.append({"id": f"s-{key}", **about, "timestamp": NOW, "extension": None})
                about = {"assignment_id": f"s-{key}", "notebook_id": f"n-{module.id}"}
                notebooks.append({"id": f"b-{key}", **about, "flagged": False, "late_submission_penalty": None})
                for cell, auto, waits in (("quiz", 60.0, False), ("text", None, number % 5 == 0)):
                    about = {"notebook_id": f"b-{key}", "cell_id": f"{cell}-{module.id}", "auto_score": auto}
                    marks = {"manual_score": None, "extra_credit": None, "needs_manual_grade": waits}
                    grades.append({"id": f"g-{cell}-{key}", **about, **marks})
        places = [{"path": p, "name": own_name(p), "parent": "", "place": n} for n, p in enumerate(units)]
        with self.engine.begin() as c:
            for table, rows in (
                (UNIT, places),
                (PERSON, people),
                (tables.SUBMITTED_ASSIGNMENT, submissions),
                (tables.SUBMITTED_NOTEBOOK, notebooks),
                (tables.GRADE, grades),
            ):
                c.execute(insert(table), rows)

    def due(self, module: PlannedModule, moment: datetime | None) -> None:
        """Set a module's due date."""
        with self.engine.begin() as c:
            t = tables.ASSIGNMENT
            c.execute(t.update().where(t.c.name == module.id).values(duedate=moment))


def course_folder(root: Path, book: Book, released: Mapping[str, str] | None = None) -> Path:
    """A built course whose settings lead to ``book``; ``released`` maps modules that learners can fetch to editions."""
    (root / "exchange" / "qinlian" / "outbound").mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.course_id = 'qinlian'\n"
        f"c.CourseDirectory.db_url = {book.url!r}\n"
        f"c.Exchange.root = {str(root / 'exchange')!r}\n"
    )
    for module in book.plan.modules:
        write_lesson(root / "release" / module.id, module, module.edition)
    for name, edition in (released or {}).items():
        module = book.plan.by_id[name]
        write_lesson(root / "exchange" / "qinlian" / "outbound" / name, module, edition)
        archive = root / "course" / "editions" / name / f"{edition}.json"
        archive.parent.mkdir(parents=True)
        since = (NOW - timedelta(days=3)).replace(tzinfo=UTC)
        archive.write_text(json.dumps({"edition": edition, "released_at": since.isoformat(), "secret": "k" * 8}))
    return root


def write_lesson(folder: Path, module: PlannedModule, edition: str) -> None:
    """lesson.json, as far as the pages read it."""
    folder.mkdir(parents=True)
    quiz = {"kind": "quiz", "id": "q", "points": module.max_score - 20, "marked": True}
    before = {"kind": "quiz", "id": "b", "points": 100.0, "marked": False}
    text = {"kind": "reflection", "id": "r", "points": 20.0, "marked": True}
    lesson = {
        "course_title": "勤廉学堂",
        "module": module.id,
        "title": module.title,
        "hours": module.hours,
        "pass_mark": module.marks[""],
        "tracks": [{"name": name, "pass_mark": mark} for name, mark in module.marks.items() if name],
        "edition": edition,
        "blocks": [{"kind": "items", "id": "i"}, before, quiz, text],
    }
    (folder / "lesson.json").write_text(json.dumps(lesson, ensure_ascii=False), "utf-8")
