"""Bulk grading: one bad submission stops nobody, nothing is half-written, manual marks stay."""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Base, Gradebook
from nbgrader.converters import Autograde
from traitlets.config import Config

from benchmarks.room import MOMENT, Room, some_answers
from qinlian.errors import GradingError
from qinlian.grading import bulk, tables
from qinlian.grading.assess import record_only
from qinlian.grading.bulk import BulkReport, grade_submissions
from qinlian.grading.prepared import Prepared
from qinlian.grading.setting import Setting
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow

Grader = Callable[..., None]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Room:
    return Room.make(tmp_path_factory.mktemp("room") / "made", COURSE, MODULE.id, IDS)


@pytest.fixture
def room(released: Room, tmp_path: Path) -> Room:
    return released.copy(tmp_path / "room")


def in_bulk(room: Room, force: bool = False, **more: Any) -> BulkReport:
    return grade_submissions(Setting.load(room.root), MODULE.id, force=force, **more)


def through_nbgrader(room: Room, force: bool = False) -> None:
    place = Setting.load(room.root)
    Autograde(coursedir=place.fresh_coursedir(MODULE.id), config=place.config, force=force).start()


def sql(room: Room, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(room.db_url.removeprefix("sqlite:///"))) as connection, connection:
        return connection.execute(query, values).fetchall()


def reflection_grade(room: Room, learner: str = "zhang") -> tuple[Any, ...]:
    """(auto_score, manual_score, needs_manual_grade) of the reflection."""
    with Gradebook(room.db_url) as gradebook:
        grade = gradebook.find_grade("LZ-90-R1", MODULE.id, MODULE.id, learner)
        return grade.auto_score, grade.manual_score, grade.needs_manual_grade


def mark_by_hand(room: Room, score: float, learner: str = "zhang") -> None:
    with Gradebook(room.db_url) as gradebook:
        grade = gradebook.find_grade("LZ-90-R1", MODULE.id, MODULE.id, learner)
        grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.find_comment("LZ-90-R1", MODULE.id, MODULE.id, learner).manual_comment = "写得实在"
        gradebook.db.commit()


def with_text(room: Room, text: str) -> bytes:
    made = some_answers(room.edition, "zhang", "right")
    assert made is not None
    record = json.loads(made)
    record["answers"][IDS.of("LZ-90-R1")] = {"value": text, "at": ""}
    return json.dumps(record).encode()


# Manual marks, both in nbgrader and in bulk


@pytest.mark.parametrize("grade", [in_bulk, through_nbgrader])
def test_a_regrade_keeps_a_manual_mark_and_asks_again_only_where_the_text_changed(room: Room, grade: Grader) -> None:
    room.submit("zhang", with_text(room, "第一稿"), secret="one")
    grade(room)
    assert reflection_grade(room) == (None, None, True)
    mark_by_hand(room, 15)
    grade(room, force=True)
    assert reflection_grade(room) == (None, 15.0, False)
    room.submit("zhang", with_text(room, "第一稿"), MOMENT + timedelta(hours=1), secret="two")
    grade(room)
    assert reflection_grade(room) == (None, 15.0, False)
    room.submit("zhang", with_text(room, "第二稿"), MOMENT + timedelta(hours=2), secret="three")
    grade(room)
    assert reflection_grade(room) == (None, 15.0, True)
    # Nobody has marked the second draft yet: grading it once more must not make it look marked.
    grade(room, force=True)
    assert reflection_grade(room) == (None, 15.0, True)
    assert sql(room, "SELECT manual_comment FROM comment") == [("写得实在",)]


@pytest.mark.parametrize("grade", [in_bulk, through_nbgrader])
def test_a_reflection_taken_back_keeps_its_mark_and_is_put_before_the_instructor(room: Room, grade: Grader) -> None:
    room.submit("zhang", with_text(room, "第一稿"), secret="one")
    grade(room)
    mark_by_hand(room, 15)
    room.submit("zhang", with_text(room, ""), MOMENT + timedelta(hours=1), secret="two")
    grade(room)
    assert reflection_grade(room) == (0.0, 15.0, True)


@pytest.mark.parametrize("grade", [in_bulk, through_nbgrader])
def test_an_instructors_own_quiz_mark_stands_until_the_automatic_one_changes(room: Room, grade: Grader) -> None:
    room.submit("zhang", some_answers(room.edition, "zhang", "wrong"), secret="one")
    grade(room)
    sql(room, "UPDATE grade SET manual_score = 70, needs_manual_grade = 0 WHERE auto_score IS NOT NULL")
    grade(room, force=True)
    query = "SELECT manual_score, needs_manual_grade FROM grade WHERE auto_score IS NOT NULL"
    assert sql(room, query) == [(70.0, 0)]
    room.submit("zhang", some_answers(room.edition, "zhang", "right"), MOMENT + timedelta(hours=1), secret="two")
    grade(room)
    assert sql(room, query) == [(70.0, 1)]


# Attempts over real folders


def test_grading_again_adds_no_attempt_and_a_new_submission_adds_one(room: Room) -> None:
    room.submit("zhang", some_answers(room.edition, "zhang", "wrong"), secret="one")
    in_bulk(room)
    in_bulk(room, force=True)
    assert sql(room, "SELECT number FROM qinlian_attempt") == [(1,)]
    room.submit("zhang", some_answers(room.edition, "zhang", "right"), MOMENT + timedelta(hours=1), secret="two")
    in_bulk(room)
    assert sql(room, "SELECT number, counted FROM qinlian_quiz ORDER BY number")[-1] == (2, 80.0)


def test_an_attempt_that_is_only_recorded_leaves_nbgraders_rows_alone(room: Room) -> None:
    room.submit("zhang", some_answers(room.edition, "zhang", "wrong"), secret="one")
    in_bulk(room)
    before = sql(room, "SELECT auto_score FROM grade ORDER BY id")
    kept = room.root / "kept"
    room.submit("zhang", some_answers(room.edition, "zhang", "right"), MOMENT + timedelta(hours=1), "two").rename(kept)
    done = record_only(room.db_url, kept, "zhang", MODULE.id, room.course_dir)
    assert done.grade.number == 2
    assert sql(room, "SELECT auto_score FROM grade ORDER BY id") == before
    assert sql(room, "SELECT count(*) FROM qinlian_attempt") == [(2,)]


# What needs grading


def test_only_what_is_new_is_graded(room: Room) -> None:
    room.fill(3)
    assert len(in_bulk(room).graded) == 3
    again = in_bulk(room)
    assert (again.graded, len(again.skipped)) == ([], 3)
    room.submit("learner00001", None, MOMENT + timedelta(days=1))
    assert in_bulk(room).graded == ["learner00001"]


def test_what_a_batch_leaves_behind_can_be_collected(room: Room) -> None:
    room.submit("zhang", some_answers(room.edition, "zhang", "right"))
    in_bulk(room)
    kept = gc.get_freeze_count()
    assert kept
    in_bulk(room, force=True)
    assert gc.get_freeze_count() <= kept, "every batch would keep its garbage for as long as the worker lives"


def test_graded_learners_can_be_chosen(room: Room) -> None:
    room.fill(3)
    assert in_bulk(room, learners=["learner00002", "nobody"]).graded == ["learner00002"]


def test_progress_is_told(room: Room) -> None:
    room.fill(3)
    told: list[tuple[int, int]] = []
    in_bulk(room, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (3, 3)]


# Bad days


def test_one_bad_submission_never_stops_the_others(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.fill(5)
    fill = Prepared.fill

    def broken(self: Prepared, grade: Any) -> Any:
        if grade.learner == "learner00002":
            raise RuntimeError("boom")
        return fill(self, grade)

    monkeypatch.setattr(Prepared, "fill", broken)
    report = in_bulk(room)
    assert len(report.graded) == 4
    assert list(report.failed) == ["learner00002"]
    assert "boom" not in report.failed["learner00002"]
    assert not room.autograded("learner00002").exists()
    assert sql(room, "SELECT count(*) FROM submitted_assignment") == [(4,)]
    monkeypatch.undo()
    assert in_bulk(room).graded == ["learner00002"]


def test_a_batch_that_cannot_be_written_is_graded_one_by_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.fill(4)
    write = bulk.write_marks

    def broken(connection: Any, plan: Any, marks: Any, penalty: Any) -> None:
        if any(m.learner == "learner00001" for m in marks):
            raise RuntimeError("boom")
        write(connection, plan, marks, penalty)

    monkeypatch.setattr(bulk, "write_marks", broken)
    report = in_bulk(room)
    assert len(report.graded) == 3
    assert list(report.failed) == ["learner00001"]
    assert leftovers(room) == []


def leftovers(room: Room) -> list[Path]:
    return [p for p in (room.root / "autograded").rglob("*") if p.name.startswith(".")]


def test_a_stop_before_the_rows_are_written_leaves_no_folder(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.fill(2)

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk, "write_marks", stopped)
    with pytest.raises(KeyboardInterrupt):
        in_bulk(room)
    assert leftovers(room) == []
    assert sql(room, "SELECT count(*) FROM grade") == [(0,)]
    monkeypatch.undo()
    assert len(in_bulk(room).graded) == 2


def test_a_locked_gradebook_is_waited_for(room: Room) -> None:
    room.fill(2)
    holder = sqlite3.connect(room.db_url.removeprefix("sqlite:///"), check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    threading.Timer(2.0, holder.rollback).start()
    start = time.monotonic()
    assert len(in_bulk(room).graded) == 2
    assert time.monotonic() - start > 1.5
    holder.close()


def test_what_is_in_a_submission_besides_its_files_goes_nowhere(room: Room) -> None:
    folder = room.submit("zhang", some_answers(room.edition, "zhang", "right"))
    (folder / "evil.html").write_text("<script>alert(1)</script>", "utf-8")
    (folder / "link").symlink_to(room.root / ".classroom" / "gradebook.db")
    in_bulk(room)
    names = {p.name for p in room.autograded("zhang").iterdir()}
    assert names == {"90-sample.ipynb", "answers.json", "lesson.json", "timestamp.txt", "submission_secret.txt"}


def test_a_linked_submission_folder_is_not_graded(room: Room) -> None:
    folder = room.submit("zhang", some_answers(room.edition, "zhang", "right"))
    (room.submitted("li").parent).mkdir(parents=True)
    room.submitted("li").symlink_to(folder)
    assert in_bulk(room).graded == ["zhang"]


def test_a_submission_without_a_notebook_or_with_a_broken_one_is_graded_by_its_answers(room: Room) -> None:
    for name, change in (("zhang", Path.unlink), ("li", lambda p: p.write_bytes(b"\xff not json"))):
        folder = room.submit(name, some_answers(room.edition, name, "right"))
        change(folder / "90-sample.ipynb")
    assert sorted(in_bulk(room).graded) == ["li", "zhang"]
    assert {row[0] for row in sql(room, "SELECT auto_score FROM grade WHERE auto_score IS NOT NULL")} == {80.0}


def test_a_module_that_was_never_built_says_so(room: Room) -> None:
    folder = room.submit("zhang", None)
    (folder.parent / "91-other").mkdir()
    with pytest.raises(GradingError, match="91-other"):
        grade_submissions(Setting.load(room.root), "91-other")


def test_with_preprocessors_of_the_courses_own_nbgrader_grades_each_submission(room: Room) -> None:
    room.fill(2)
    config = room.root / "nbgrader_config.py"
    own = 'c.Autograde.sanitize_preprocessors += ["nbgrader.preprocessors.LockCells"]\n'
    config.write_text(config.read_text("utf-8") + own, "utf-8")
    assert len(in_bulk(room).graded) == 2
    assert sql(room, "SELECT count(*) FROM qinlian_attempt") == [(2,)]


def test_files_are_read_only_and_modes_do_not_depend_on_the_umask(room: Room) -> None:
    room.submit("zhang", some_answers(room.edition, "zhang", "right"))
    old = os.umask(0o077)
    try:
        in_bulk(room)
    finally:
        os.umask(old)
    assert {p.stat().st_mode & 0o777 for p in room.autograded("zhang").iterdir()} == {0o444}


def test_the_late_plugin_of_the_course_decides(room: Room) -> None:
    room.fill(2)
    with Gradebook(room.db_url) as gradebook:
        gradebook.update_or_create_assignment(MODULE.id, duedate=(MOMENT - timedelta(hours=1)).replace(tzinfo=None))
    config = Config()
    config.LateSubmissionPlugin.penalty_method = "zero"
    grade_submissions(Setting.load(room.root, config), MODULE.id)
    score = "(SELECT sum(auto_score) FROM grade WHERE grade.notebook_id = submitted_notebook.id)"
    rows = sql(room, f"SELECT late_submission_penalty, {score} FROM submitted_notebook")
    assert len(rows) == 2
    assert all(penalty == score > 0 for penalty, score in rows)


# nbgrader's tables


def test_the_columns_we_write_are_nbgraders_own() -> None:
    theirs = Base.metadata.tables
    for name in tables.__all__:
        ours = getattr(tables, name)
        for column in ours.columns:
            found = theirs[ours.name].columns[column.name].type
            assert found._type_affinity is column.type._type_affinity, (ours.name, column.name)


def test_no_column_that_nbgrader_needs_is_left_out_when_a_row_is_made() -> None:
    for ours in (tables.STUDENT, tables.SUBMITTED_ASSIGNMENT, tables.SUBMITTED_NOTEBOOK, tables.GRADE, tables.COMMENT):
        assert set(ours.columns.keys()) == set(Base.metadata.tables[ours.name].columns.keys())
