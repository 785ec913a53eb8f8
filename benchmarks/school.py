"""A course of several modules, released, with its exchange: what the simulated class hands in to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, func, insert, select, text
from sqlalchemy.pool import NullPool

from benchmarks.arrivals import FIRST_UID, learner_name
from benchmarks.room import REPOSITORY
from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.files import LESSON_NAME
from qinlian.database import open_engine
from qinlian.grading.editions import Edition, current_edition, save_edition
from qinlian.grading.response_tables import ARRIVAL, ATTEMPT, CLAIM
from qinlian.grading.responses import open_engine as open_gradebook
from qinlian.notebooks.assignments import generate_assignments
from qinlian.notebooks.build import write_sources
from qinlian.roster.tables import METADATA, PERSON

__all__ = ["School"]

ROSTER_FROM = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class School:
    """One course below ``root``. ``database`` is the gradebook's address where it is not the SQLite file there."""

    root: Path
    modules: tuple[str, ...]
    database: str = ""

    @classmethod
    def build(cls, root: Path, modules: Sequence[str], database: str, say: Callable[[str], None]) -> School:
        """Release these modules of the real course: editions, source/, release/, gradebook and exchange."""
        made = cls(root, tuple(modules), database)
        course, ids = load_course(REPOSITORY / "course"), load_identity(REPOSITORY / "course")
        course = course.model_copy(update={"modules": tuple(course.module(name) for name in modules)})
        (root / ".classroom").mkdir(parents=True, mode=0o700)
        if os.geteuid():
            (root / ".classroom" / "one-user").touch()
        shutil.copy(REPOSITORY / "nbgrader_config.py", root)
        for module in course.modules:
            (root / "course" / "modules" / module.id).mkdir(parents=True)
            save_edition(root / "course", course, module, ids)
        write_sources(course, ids, root / "source")
        generate_assignments(
            root, course, db_url=made.db_url, source=root / "source", release=root / "release", progress=say
        )
        exchange = root / ".classroom" / "exchange" / "qinlian"
        for name in modules:
            shutil.copytree(root / "release" / name, exchange / "outbound" / name)
        (exchange / "inbound").mkdir()
        (exchange / "inbound").chmod(0o1733)
        return made

    def enrol(self, count: int) -> None:
        """Enter learners in the roster, so that each submission's owner can be looked up."""
        engine = open_engine(self.db_url, METADATA)
        rows = [
            {"account": learner_name(n), "number": f"{n:06d}", "name": f"学员{n}", "unit": "省", "department": ""}
            | {"track": "", "email": "", "role": "学员", "uid": FIRST_UID + n, "changed_at": ROSTER_FROM}
            for n in range(count)
        ]
        with engine.begin() as connection:
            connection.execute(insert(PERSON), rows)
        engine.dispose()

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        return self.database or f"sqlite:///{self.root / '.classroom' / 'gradebook.db'}"

    @property
    def environment(self) -> dict[str, str]:
        """What the grading worker of this course is started with."""
        found = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        found.pop("QINLIAN_DATABASE_URL", None)
        found |= {"QINLIAN_DATABASE_URL": self.database} if self.database else {}
        return found | ({} if os.geteuid() else {"QINLIAN_OWNERS": "roster"})

    @property
    def editions(self) -> dict[str, Edition]:
        """Module → what was released."""
        return {name: current_edition(self.root / "course", name) for name in self.modules}

    @property
    def notebooks(self) -> dict[str, bytes]:
        """Module → the notebook that learners hand in."""
        assert all((self.root / "release" / name / LESSON_NAME).is_file() for name in self.modules)
        return {name: (self.root / "release" / name / f"{name}.ipynb").read_bytes() for name in self.modules}

    def account(self) -> dict[str, int]:
        """What the gradebook says when all is over: whatever is wrong is counted, and should be 0."""
        engine = create_engine(self.db_url, poolclass=NullPool)
        open_gradebook(self.db_url)
        with engine.connect() as connection:
            states = dict(connection.execute(select(ARRIVAL.c.state, func.count()).group_by(ARRIVAL.c.state)).all())
            pairs = connection.execute(
                select(
                    ATTEMPT.c.learner,
                    ATTEMPT.c.module,
                    func.count(),
                    func.min(ATTEMPT.c.number),
                    func.max(ATTEMPT.c.number),
                ).group_by(ATTEMPT.c.learner, ATTEMPT.c.module)
            ).all()
            graded = int(connection.execute(select(func.count()).select_from(ATTEMPT)).scalar_one())
            cells = connection.execute(text(_CELLS)).all()
            claims = int(connection.execute(select(func.count()).select_from(CLAIM)).scalar_one())
        return {
            "arrived": sum(states.values()),
            "graded": graded,
            "refused": states.get("拒收", 0),
            "not_graded": sum(count for state, count in states.items() if state not in ("已评分", "拒收")),
            "doubled_or_missing_numbers": sum(1 for _, _, count, low, high in pairs if (low, high) != (1, count)),
            "attempts_without_arrival": graded - states.get("已评分", 0),
            "pairs_without_all_grades": abs(len(cells) - len(pairs))
            + sum(1 for _, have, want in cells if have != want),
            "claims_left": claims,
        }


_CELLS = """
    SELECT s.id,
      (SELECT count(*) FROM grade g JOIN submitted_notebook n ON n.id = g.notebook_id WHERE n.assignment_id = s.id),
      (SELECT count(*) FROM base_cell c JOIN grade_cells k ON k.id = c.id JOIN notebook b ON b.id = c.notebook_id
        WHERE b.assignment_id = s.assignment_id)
    FROM submitted_assignment s
"""
