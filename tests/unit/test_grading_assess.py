"""One submission and the gradebook: where the key lies, which deadline holds, and what came in between."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.converters import Autograde
from sqlalchemy import select

from qinlian.errors import GradingError
from qinlian.grading.assess import course_folder, record_only
from qinlian.grading.history import misjudged
from qinlian.grading.preprocess import GradeFromAnswers
from qinlian.grading.response_tables import ATTEMPT, QUIZ
from qinlian.grading.responses import open_engine
from tests.classroom import QUIZ as QUIZ_ID
from tests.classroom import Classroom, Sent, fresh_classroom
from tests.sample import MODULE

# The folder of the course, where releasing archives and grading reads


def course(folder: Path, *, archived: bool = False) -> Path:
    folder.mkdir(parents=True)
    if archived:
        (folder / "editions").mkdir()
    else:
        (folder / "course.yaml").touch()
    return folder


@pytest.mark.parametrize("archived", [True, False])
def test_the_nearest_course_above_is_found_before_and_after_its_first_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archived: bool
) -> None:
    monkeypatch.delenv("QINLIAN_COURSE", raising=False)
    here = course(tmp_path / "repository" / "course", archived=archived)
    assert course_folder(tmp_path / "repository" / "autograded" / "li" / "m") == here


def test_the_variable_goes_before_what_lies_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course(tmp_path / "course")
    elsewhere = course(tmp_path / "elsewhere")
    monkeypatch.setenv("QINLIAN_COURSE", str(elsewhere))
    assert course_folder(tmp_path) == elsewhere


def test_without_a_course_there_is_no_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QINLIAN_COURSE", raising=False)
    (tmp_path / "course").mkdir()
    with pytest.raises(GradingError, match="没有找到"):
        course_folder(tmp_path)
    monkeypatch.setenv("QINLIAN_COURSE", str(tmp_path / "gone"))
    with pytest.raises(GradingError, match="QINLIAN_COURSE"):
        course_folder(tmp_path)


# What the gradebook knows


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    monkeypatch.delenv("QINLIAN_COURSE", raising=False)
    return fresh_classroom(tmp_path)


def keep(room: Classroom, learner: str, sent: Sent) -> float:
    """Grade and keep one attempt; returns what the quiz counts for now."""
    done = record_only(room.db_url, sent.folder, learner, MODULE.id, room.root / "course")
    return done.grade.quiz(QUIZ_ID).counted


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f UTC")


@pytest.mark.slow
def test_an_extension_given_afterwards_makes_an_earlier_late_attempt_count(room: Classroom) -> None:
    now = datetime.now(UTC)
    room.due(now - timedelta(hours=2))
    on_time = room.send("li", room.answers("li", right=3), claimed=stamp(now - timedelta(hours=3)))
    best = room.send("li", room.answers("li"), claimed=stamp(now - timedelta(hours=1)))
    assert keep(room, "li", on_time) == 40.0
    assert keep(room, "li", best) == 40.0
    with room.gradebook() as gradebook:
        gradebook.update_or_create_student("li")
        gradebook.add_submission(MODULE.id, "li")
        gradebook.grant_extension(MODULE.id, "li", hours=2)
    with open_engine(room.db_url).connect() as connection:
        assert misjudged(connection, MODULE.id) == {"li"}
    # Whichever of the two is graded again, the other is not late any more either.
    assert keep(room, "li", on_time) == 80.0
    assert keep(room, "li", best) == 80.0
    with open_engine(room.db_url).connect() as connection:
        assert misjudged(connection, MODULE.id) == set()


@pytest.mark.slow
def test_an_attempt_recorded_while_nbgrader_grades_another_takes_its_own_place(
    room: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = room.send("li", room.answers("li")), room.send("li", room.answers("li", right=3))
    shutil.copytree(second.folder, room.submitted("li"))
    graded = GradeFromAnswers.preprocess

    def meanwhile(step: Any, nb: Any, resources: Any) -> Any:
        made = graded(step, nb, resources)
        assert keep(room, "li", first) == 80.0
        return made

    monkeypatch.setattr(GradeFromAnswers, "preprocess", meanwhile)
    setting = room.setting
    log = logging.getLogger("qinlian.grading")
    Autograde(coursedir=setting.fresh_coursedir(MODULE.id, "li"), config=setting.config, log=log, force=True).start()
    with open_engine(room.db_url).connect() as connection:
        query = select(ATTEMPT.c.number, QUIZ.c.counted).join(QUIZ, QUIZ.c.attempt == ATTEMPT.c.identity)
        assert sorted(map(tuple, connection.execute(query))) == [(1, 80.0), (2, 80.0)]
    assert room.scores("li")[QUIZ_ID][0] == 80.0
