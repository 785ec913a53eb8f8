"""A gradebook opened to be read: nothing is written through it, and nothing is asked of it anywhere else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import delete

from qinlian.errors import GradingError
from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE
from qinlian.reports import frames
from tests.frames_room import COURSE, FrameBook, read
from tests.roster_room import PLACES


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> FrameBook:
    """An empty gradebook on either database."""
    return FrameBook.on(request.param, tmp_path)


def test_only_the_frames_and_the_record_of_certificates_know_sql() -> None:
    reports = Path(frames.__file__).parents[1]
    knows = re.compile(r"^from sqlalchemy(?!\.engine import Connection$)|^import sqlalchemy|\.execute\(", re.M)
    asking = {p.relative_to(reports).parts[0] for p in reports.rglob("*.py") if knows.search(p.read_text("utf-8"))}
    assert asking == {"frames", "certificates"}


FRAMES = (frames.learners, frames.units, frames.quizzes, frames.responses)


@pytest.mark.parametrize("what", FRAMES)
def test_where_there_is_no_gradebook_the_frames_are_empty_and_no_file_is_made(
    tmp_path: Path, book: FrameBook, what: Callable[..., pd.DataFrame]
) -> None:
    with frames.open_gradebook(f"sqlite:///{tmp_path / 'none.db'}") as connection:
        nothing = what(connection)
        assert frames.grades(connection, COURSE).empty
    book.attempt(book.add("1", PLACES[0]), 1, [("I1", "x", 1.0)])
    filled = read(book, what)
    assert nothing.empty
    assert not (tmp_path / "none.db").exists()
    for name in filled.columns:
        kinds = (nothing[name].dtype, filled[name].dtype)
        assert kinds[0] == kinds[1] or all(isinstance(kind, pd.CategoricalDtype) for kind in kinds)


def test_a_gradebook_of_nbgrader_alone_has_people_and_no_answers(book: FrameBook) -> None:
    book.add("1", PLACES[0])
    with book.engine.begin() as c:
        for table in (RESPONSE, QUIZ, ATTEMPT):
            c.execute(delete(table))
            table.drop(c)
    assert read(book, frames.responses).empty
    assert read(book, frames.quizzes).empty
    assert read(book, frames.grades, COURSE)["attempts"].tolist() == [0, 0]


def test_nothing_can_be_written_through_it(book: FrameBook) -> None:
    book.attempt(book.add("1", PLACES[0]), 1)
    with pytest.raises(GradingError), frames.open_gradebook(book.url) as connection:
        connection.execute(delete(ATTEMPT))
    assert len(read(book, frames.quizzes)) == 1


def test_all_frames_of_one_reading_are_about_the_same_people(book: FrameBook) -> None:
    book.add("1", PLACES[0])
    with frames.open_gradebook(book.url) as connection:
        learners = frames.learners(connection)
        book.attempt(book.add("2", PLACES[0]), 1, [("I1", "x", 1.0)])
        assert frames.units(connection)["people"].sum() == len(learners) == 1
        assert set(frames.grades(connection, COURSE)["account"]) == set(learners["account"])
        assert set(frames.responses(connection)["account"]) <= set(learners["account"])
    assert len(read(book, frames.learners)) == 2


def test_a_connection_that_lives_on_sees_who_came_since(book: FrameBook) -> None:
    for number in (1, 2):
        book.add(str(number), PLACES[0])
        with book.engine.connect() as connection:
            assert len(frames.learners(connection)) == number


def test_a_database_that_does_not_answer_is_told_without_its_address(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://grader:hush-hush@127.0.0.1:1/gradebook"
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    for address in (secret, f"sqlite:///{tmp_path / 'broken.db'}", "hush-hush"):
        with pytest.raises(GradingError) as caught, frames.open_gradebook(address) as connection:
            frames.learners(connection)
        assert "hush" not in str(caught.value)
        assert "成绩册" in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_folder_that_is_no_course_is_named(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="nbgrader_config"), frames.open_gradebook(tmp_path):
        pass
