"""Three ways of grading, one gradebook: stock execution in real kernels, our preprocessors, and bulk.

Sixty generated submissions (every item type; right, mixed, partial, wrong, blank, without text, without
a file; late ones; notebooks with cells deleted, duplicated, added and altered) are graded each way.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.converters import Autograde
from traitlets.config import Config

from benchmarks.autograde import STOCK
from benchmarks.room import MOMENT, Room
from qinlian.grading.bulk import grade_submissions
from qinlian.grading.setting import Setting
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow

COUNT = 60
QUERIES = {
    "student": "SELECT id, first_name, last_name, email, lms_user_id FROM student",
    "submitted_assignment": """
        SELECT s.student_id, a.name, s.timestamp, s.extension
        FROM submitted_assignment s JOIN assignment a ON a.id = s.assignment_id""",
    "submitted_notebook": """
        SELECT s.student_id, b.name, n.flagged, n.late_submission_penalty
        FROM submitted_notebook n JOIN submitted_assignment s ON s.id = n.assignment_id
        JOIN notebook b ON b.id = n.notebook_id""",
    "grade": """
        SELECT s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
        FROM grade g JOIN submitted_notebook n ON n.id = g.notebook_id
        JOIN submitted_assignment s ON s.id = n.assignment_id JOIN base_cell c ON c.id = g.cell_id""",
    "comment": """
        SELECT s.student_id, c.name, k.auto_comment, k.manual_comment
        FROM comment k JOIN submitted_notebook n ON n.id = k.notebook_id
        JOIN submitted_assignment s ON s.id = n.assignment_id JOIN base_cell c ON c.id = k.cell_id""",
}
PENALTY = Config()
PENALTY.LateSubmissionPlugin.penalty_method = "zero"


@dataclass
class Ways:
    """The same submissions in three rooms, each graded its own way."""

    stock: Room
    data_only: Room
    bulk: Room

    @property
    def all(self) -> tuple[Room, Room, Room]:
        return self.stock, self.data_only, self.bulk


def rows(room: Room, table: str, learners: set[str] | None = None) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(room.db_url.removeprefix("sqlite:///"))) as connection:
        found = connection.execute(QUERIES[table]).fetchall()
    return sorted((r for r in found if learners is None or r[0] in learners), key=repr)


def setting(room: Room, *more: Config) -> Setting:
    config = Config(PENALTY)
    for part in more:
        config.merge(part)
    return Setting.load(room.root, config)


def by_nbgrader(room: Room, *more: Config, force: bool = False, learner: str = "*") -> None:
    place = setting(room, *more)
    coursedir = place.fresh_coursedir(room.module.id, learner)
    Autograde(coursedir=coursedir, config=place.config, force=force).start()


def by_bulk(room: Room, force: bool = False) -> None:
    report = grade_submissions(setting(room), room.module.id, force=force)
    assert not report.failed
    assert len(report.graded) == COUNT


def _spoil(room: Room, learner: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    path = room.submitted(learner) / f"{room.module.id}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    change(notebook["cells"])
    path.write_text(json.dumps(notebook), "utf-8")


def _named(cells: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def _add(cells: list[dict[str, Any]]) -> None:
    source = "import qinlian.grading.stock as s; s.grade_cell = lambda q: 80.0"
    cells.insert(
        2, {"cell_type": "code", "id": "evil", "metadata": {}, "source": source, "outputs": [], "execution_count": 1}
    )


SPOILT: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    "learner00000": lambda cells: cells.remove(_named(cells, "90-exam")),
    "learner00001": lambda cells: cells.append(dict(_named(cells, "90-exam"), id="twice")),
    "learner00002": lambda cells: cells.clear(),
    "learner00003": _add,
    "learner00009": lambda cells: _named(cells, "90-exam").update(source="80.0"),
    "learner00011": lambda cells: _named(cells, "90-exam")["metadata"]["nbgrader"].update(points=1000),
    "learner00017": lambda cells: _named(cells, "LZ-90-R1").update(source="<script>alert(1)</script>"),
    "learner00019": lambda cells: cells.remove(_named(cells, "LZ-90-R1")),
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Ways:
    root: Path = tmp_path_factory.mktemp("equivalence")
    module = MODULE.model_copy(update={"due": MOMENT + timedelta(hours=12)})
    course = COURSE.model_copy(update={"modules": (module,)})
    room = Room.make(root / "stock", course, module.id, IDS)
    room.fill(COUNT, late_every=7)
    for learner, change in SPOILT.items():
        _spoil(room, learner, change)
    found = Ways(room, room.copy(root / "data_only"), room.copy(root / "bulk"))
    with pytest.MonkeyPatch.context() as patch:
        # The kernels must find this package, and no gradebook or course but the room's own.
        patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        patch.delenv("QINLIAN_COURSE", raising=False)
        patch.delenv("QINLIAN_GRADEBOOK", raising=False)
        by_nbgrader(found.stock, STOCK)
    by_nbgrader(found.data_only)
    by_bulk(found.bulk)
    return found


@pytest.mark.parametrize("table", QUERIES)
def test_the_three_ways_write_the_same_rows(ways: Ways, table: str) -> None:
    stock = rows(ways.stock, table)
    assert len(stock) == (2 * COUNT if table == "grade" else COUNT)
    assert rows(ways.data_only, table) == stock
    assert rows(ways.bulk, table) == stock


def test_the_submissions_were_worth_comparing(ways: Ways) -> None:
    scores = [row[2] for row in rows(ways.stock, "grade") if row[1] == "90-exam"]
    assert {0.0, 80.0} < set(scores)
    assert len(set(scores)) > 10
    penalties = [row[3] for row in rows(ways.stock, "submitted_notebook")]
    assert sum(p is not None for p in penalties) == COUNT // 7
    assert any(penalties)
    answered = [row[5] for row in rows(ways.stock, "grade") if row[1] == "LZ-90-R1"]
    assert {0, 1} == set(answered)


def test_our_two_ways_write_the_same_files_to_the_byte_with_the_same_modes(ways: Ways) -> None:
    def files(room: Room) -> dict[str, tuple[bytes, int]]:
        base = room.root / "autograded"
        return {str(p.relative_to(base)): (p.read_bytes(), p.stat().st_mode) for p in base.rglob("*") if p.is_file()}

    assert files(ways.bulk) == files(ways.data_only)


def test_our_two_ways_keep_the_same_responses(ways: Ways) -> None:
    columns = "quiz, public_id, item, place, value, spoken, answered, fraction, earned, possible, problem"
    query = f"SELECT a.learner, a.number, a.late, a.code, a.notes, {columns} FROM qinlian_attempt a " + (
        "JOIN qinlian_response r ON r.attempt = a.identity ORDER BY a.learner, quiz, place"
    )

    def responses(room: Room) -> list[Any]:
        with closing(sqlite3.connect(room.db_url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()

    assert responses(ways.bulk) == responses(ways.data_only)
    assert len(responses(ways.bulk)) == COUNT * 7


def test_grading_again_by_force_changes_no_row_in_any_way(ways: Ways) -> None:
    few = {f"learner0000{n}" for n in range(6)}
    before = {table: rows(ways.stock, table, few) for table in QUERIES}
    everything = {table: rows(ways.bulk, table) for table in QUERIES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        by_nbgrader(ways.stock, STOCK, force=True, learner="learner0000[0-5]")
    by_nbgrader(ways.data_only, force=True, learner="learner0000[0-5]")
    by_bulk(ways.bulk, force=True)
    for room in ways.all:
        assert {table: rows(room, table, few) for table in QUERIES} == before
    assert {table: rows(ways.bulk, table) for table in QUERIES} == everything
