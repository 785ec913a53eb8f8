"""An extension given before anything is handed in: every way of grading fills its rows, and goes by it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from qinlian.database import writing
from qinlian.grading.extensions import give_time, take_back_time
from qinlian.grading.responses import open_engine
from tests.classroom import QUIZ, REFLECTION, Classroom, fresh_classroom
from tests.sample import MODULE

# A gradebook of nbgrader's takes ten seconds to make.
pytestmark = pytest.mark.slow
NOW = datetime.now(UTC)


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    """A module that was due an hour ago."""
    room = fresh_classroom(tmp_path)
    room.due(NOW - timedelta(hours=1))
    return room


def give(classroom: Classroom, learner: str) -> None:
    with writing(open_engine(classroom.db_url)) as connection:
        give_time(connection, MODULE.id, learner, NOW + timedelta(days=1))


def test_the_worker_grades_as_on_time(classroom: Classroom) -> None:
    give(classroom, "ql1")
    sent, late = (classroom.send(who, classroom.answers(who, text="写一段")) for who in ("ql1", "ql2"))
    classroom.rounds().step()
    result, other = classroom.result(sent), classroom.result(late)
    assert result is not None
    assert other is not None
    assert (result.late, other.late) == (False, True)
    assert classroom.scores("ql1") == {QUIZ: (80.0, None, False), REFLECTION: (None, None, True)}


def test_nbgraders_own_autograde_finds_its_rows(classroom: Classroom) -> None:
    give(classroom, "ql1")
    classroom.send("ql1", classroom.answers("ql1"))
    for step in (["collect"], ["autograde"]):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *step, MODULE.id], cwd=classroom.root, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert classroom.scores("ql1")[QUIZ] == (80.0, None, False)


def test_nbgrader_reads_what_was_written(classroom: Classroom) -> None:
    give(classroom, "ql1")
    with Gradebook(classroom.db_url, "qinlian") as gradebook:
        submission = gradebook.find_submission(MODULE.id, "ql1")
        assert submission.duedate is not None
        assert abs(submission.duedate - (NOW + timedelta(days=1)).replace(tzinfo=None)) < timedelta(seconds=1)
        assert not submission.needs_manual_grade
        assert {cell.name for n in submission.notebooks for cell in n.grades} == {QUIZ, REFLECTION}
    with writing(open_engine(classroom.db_url)) as connection:
        assert take_back_time(connection, MODULE.id, "ql1")
        assert not take_back_time(connection, MODULE.id, "ql1")
    with Gradebook(classroom.db_url, "qinlian") as gradebook:
        assert gradebook.find_submission(MODULE.id, "ql1").extension is None
