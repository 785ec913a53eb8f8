"""Every answer of every attempt is kept once, under the submission it came with."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, select
from sqlalchemy.exc import IntegrityError

from qinlian.database import writing
from qinlian.grading.editions import edition_of
from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.history import histories, misjudged
from qinlian.grading.late import Deadline
from qinlian.grading.response_tables import ATTEMPT, METADATA, QUIZ, RESPONSE
from qinlian.grading.responses import Record, mark_released, open_engine, persist, set_shown, shown
from qinlian.grading.submission import identity, read_submission
from qinlian.grading.tables import ASSIGNMENT, SUBMITTED_ASSIGNMENT
from qinlian.toolpath import put_tools_on_path
from tests.sample import COURSE, IDS, MODULE
from tests.unit.grading_learner import START, Learner, past

MOMENT = datetime(2026, 6, 2, tzinfo=UTC)
NO_DEADLINE = Deadline(None, {})


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path / 'gradebook.db'}")
    METADATA.create_all(engine)
    with engine.begin() as found:
        yield found


def handed_in(**more: Any) -> tuple[Learner, SubmissionGrade]:
    learner = Learner(edition_of(COURSE, MODULE, IDS), **more)
    answers = learner.right(learner.drawn(1), wrong=2)
    return learner, learner.hand_in(answers | {IDS.of("LZ-90-R1"): "心得"})


def record(done: SubmissionGrade, name: str = "a" * 64) -> Record:
    return Record(name, done, START, START, MOMENT)


def all_rows(connection: Connection, table: Any) -> list[Any]:
    return list(connection.execute(select(table)))


def test_one_submission_keeps_each_drawn_item_and_each_reflection(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    found = all_rows(connection, RESPONSE)
    assert len(found) == 7
    assert sum(row.answered for row in found if row.quiz) == 4
    assert {row.item for row in found if not row.quiz} == {"LZ-90-R1"}
    single = next(row for row in found if row.answered and row.quiz)
    assert (single.fraction, single.earned, single.possible) == (1.0, 1.0, 1.0)
    assert json.loads(single.value)
    assert single.spoken


def test_grading_again_replaces_the_rows_and_adds_no_attempt(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    lower = dataclasses.replace(done, quizzes=(dataclasses.replace(done.quizzes[0], counted=1.0),))
    persist(connection, [record(lower)], ["a" * 64])
    assert [len(all_rows(connection, t)) for t in (ATTEMPT, QUIZ, RESPONSE)] == [1, 1, 7]
    assert all_rows(connection, QUIZ)[0].counted == 1.0


def test_a_release_is_remembered_and_survives_grading_again(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    mark_released(connection, "a" * 64, MOMENT)
    mark_released(connection, "a" * 64, MOMENT + timedelta(days=1))
    persist(connection, [record(done)], ["a" * 64])
    attempts, known = histories(connection, MODULE.id, ["zhang"], NO_DEADLINE)
    assert known["a" * 64].released_at == MOMENT
    assert attempts["zhang"]["a" * 64].released_at == MOMENT


def test_what_is_read_back_is_what_the_next_grading_needs(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    attempts, _ = histories(connection, MODULE.id, ["zhang", "nobody"], NO_DEADLINE)
    assert attempts == {"zhang": {"a" * 64: past(done, None)}}


def test_whether_an_earlier_attempt_was_late_follows_from_the_deadline_that_holds_now(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    due = Deadline(START.replace(tzinfo=None) - timedelta(hours=1), {})
    extended = Deadline(due.due, {"zhang": timedelta(hours=2)})
    for deadline, late in ((NO_DEADLINE, False), (due, True), (extended, False)):
        attempts, _ = histories(connection, MODULE.id, ["zhang"], deadline)
        assert attempts["zhang"]["a" * 64].late is late


def test_who_was_judged_by_another_deadline_is_known(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    create_deadline(connection, START - timedelta(hours=1))
    assert misjudged(connection, MODULE.id) == {"zhang"}
    assert misjudged(connection, "91-other") == set()
    extend(connection, "zhang", timedelta(hours=2))
    assert misjudged(connection, MODULE.id) == set()


def create_deadline(connection: Connection, due: datetime) -> None:
    """nbgrader's two tables, with a due date for the module and no extension."""
    connection.exec_driver_sql("CREATE TABLE assignment (id TEXT, name TEXT, duedate DATETIME)")
    connection.exec_driver_sql(
        "CREATE TABLE submitted_assignment (id TEXT, assignment_id TEXT, student_id TEXT, timestamp DATETIME, "
        "extension DATETIME)"
    )
    connection.execute(insert(ASSIGNMENT).values(id="m", name=MODULE.id, duedate=due.replace(tzinfo=None)))


def extend(connection: Connection, learner: str, by: timedelta) -> None:
    row = {"id": "s", "assignment_id": "m", "student_id": learner, "extension": by}
    connection.execute(insert(SUBMITTED_ASSIGNMENT).values(**row))


@pytest.mark.slow
def test_what_a_learner_wrote_is_not_in_the_message_of_an_error(tmp_path: Path) -> None:
    put_tools_on_path()
    engine = open_engine(f"sqlite:///{tmp_path / 'gradebook.db'}")
    _, done = handed_in()
    with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        persist(connection, [record(done), record(done)], ())
    assert "心得" not in str(caught.value)
    assert "zhang" not in str(caught.value)


def test_another_learner_or_module_is_another_history(connection: Connection) -> None:
    _, done = handed_in()
    persist(connection, [record(done)], ())
    assert histories(connection, "91-other", ["zhang"], NO_DEADLINE) == ({}, {})
    assert histories(connection, MODULE.id, ["li"], NO_DEADLINE) == ({}, {})


def test_many_learners_are_read_at_once(connection: Connection) -> None:
    names = [f"learner{n}" for n in range(900)]
    _, done = handed_in()
    records = [record(dataclasses.replace(done, learner=name), f"{n:064x}") for n, name in enumerate(names)]
    persist(connection, records, ())
    attempts, known = histories(connection, MODULE.id, names, NO_DEADLINE)
    assert len(attempts) == len(known) == 900


def test_the_text_that_is_shown_is_written_down_once_for_each_reflection(connection: Connection) -> None:
    set_shown(connection, MODULE.id, {("zhang", "R1"): "1", ("li", "R1"): "2"}, {})
    before = shown(connection, MODULE.id, ["zhang", "li", "wang"])
    assert before == {("zhang", "R1"): "1", ("li", "R1"): "2"}
    set_shown(connection, MODULE.id, {("zhang", "R1"): "3", ("li", "R1"): "2", ("wang", "R1"): "4"}, before)
    now = shown(connection, MODULE.id, ["zhang", "li", "wang"])
    assert now == {("zhang", "R1"): "3", ("li", "R1"): "2", ("wang", "R1"): "4"}
    assert shown(connection, "91-other", ["zhang"]) == {}


# The identity of a submission


def test_a_submissions_identity_follows_from_who_what_when_and_its_secret() -> None:
    base = ("zhang", "02-gifts", "2026-06-01 08:00:00.000000 UTC", "secret")
    names = {identity(*base, b"")}
    for place, other in enumerate(("li", "03-x", "2026-06-01 08:00:01.000000 UTC", "other")):
        names.add(identity(*base[:place], other, *base[place + 1 :], b""))
    assert len(names) == 5
    assert identity(*base, b"one") == identity(*base, b"two")


def test_without_a_secret_the_answers_tell_submissions_apart() -> None:
    base = ("zhang", "02-gifts", "", "")
    assert identity(*base, b"one") != identity(*base, b"two")


# Reading a submission


def submission(folder: Path, **files: bytes) -> Any:
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return read_submission(folder, "zhang", MODULE.id)


def test_a_complete_submission_is_read(tmp_path: Path) -> None:
    found = submission(tmp_path, timestamp__txt=b"2026-06-01 08:00:00.5 UTC\n", submission_secret__txt=b" s3cret\n")
    assert found.submitted_at == datetime(2026, 6, 1, 8, 0, 0, 500_000, UTC)
    assert found.secret == "s3cret"
    assert found.answers.code == "missing"


@pytest.mark.parametrize("stamp", [b"", b"yesterday", b"2026-13-01 08:00:00 UTC", b"\xff", b"2026-06-01 08:00:00 CST"])
def test_a_timestamp_that_means_nothing_is_no_time(tmp_path: Path, stamp: bytes) -> None:
    assert submission(tmp_path, timestamp__txt=stamp).submitted_at is None


def test_links_devices_and_folders_in_the_place_of_answers_are_not_read(tmp_path: Path) -> None:
    import os

    secret = tmp_path / "gradebook.db"
    secret.write_text("secret", "utf-8")
    kinds = {
        "link": lambda p: p.symlink_to(secret),
        "dangling": lambda p: p.symlink_to("/nowhere"),
        "pipe": lambda p: os.mkfifo(p),
        "folder": lambda p: p.mkdir(),
    }
    for kind, make in kinds.items():
        folder = tmp_path / kind
        folder.mkdir()
        make(folder / "answers.json")
        found = submission(folder)
        assert found.answers.code == "not-regular", kind
        assert found.raw is None


def test_a_linked_folder_is_no_submission(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert submission(tmp_path / "link").answers.code == "missing"


def test_an_enormous_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "answers.json").open("wb") as file:
        file.truncate(50_000_000_000)
    found = submission(tmp_path)
    assert found.answers.code == "too-large"
    assert len(found.raw) == 1_000_001
