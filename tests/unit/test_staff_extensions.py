"""延期: what is typed in Beijing time becomes nbgrader's extension, before and after handing in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from qinlian.errors import GradingError
from qinlian.grading import tables
from qinlian.grading.late import deadline
from qinlian.staff.extensions import extend, extensions, moment_of, take_back
from qinlian.staff.overview import overview
from tests.staff_room import GIFTS, NOW, PLAN, START, Book, viewer

ME = viewer("省校")
DUE = NOW
LATER = moment_of("2026-11-30T18:00")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book.fresh(tmp_path)
    book.due(START, DUE)
    book.add("1", "省校/青禾", "周晓岚")
    return book


def own_due(book: Book) -> datetime | None:
    with book.engine.connect() as connection:
        return deadline(connection, START.id, ["ql1"]).of("ql1")


class TestWhatIsTyped:
    def test_times_are_beijing_times(self) -> None:
        assert moment_of("2026-11-30T18:00").astimezone(UTC) == datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
        assert moment_of(" 2026-11-30 18:00 ") == moment_of("2026-11-30T18:00")

    @pytest.mark.parametrize("text", ["", "明天", "2026-11-30", "2026-13-01T00:00", "2026-11-30T18:00:00Z", "1e9"])
    def test_anything_else_is_told_how_to_write(self, text: str) -> None:
        with pytest.raises(GradingError, match="例如 2027-06-30 18:00"):
            moment_of(text)


class TestMoreTime:
    def test_it_is_kept_in_utc_and_grading_goes_by_it(self, book: Book) -> None:
        given = extend(book.engine, ME, PLAN, "1", START.id, LATER)
        assert (given.learner.name, given.module, given.until) == ("周晓岚", START, LATER)
        assert own_due(book) == datetime.fromisoformat("2026-11-30 10:00")

    def test_a_later_word_replaces_an_earlier_one(self, book: Book) -> None:
        extend(book.engine, ME, PLAN, "1", START.id, LATER)
        extend(book.engine, ME, PLAN, "1", START.id, LATER - timedelta(days=1))
        with book.engine.connect() as connection:
            (found,) = extensions(connection, ME, PLAN)
        assert found.until == LATER - timedelta(days=1)
        assert found.due == DUE.replace(tzinfo=UTC)

    def test_before_anything_is_handed_in_it_counts_as_nothing_handed_in(self, book: Book) -> None:
        extend(book.engine, ME, PLAN, "1", START.id, LATER)
        with book.engine.connect() as connection:
            assert overview(connection, ME, PLAN).total.given == 0
            grades = list(connection.execute(select(tables.GRADE)))
        assert [(g.auto_score, g.manual_score, g.needs_manual_grade) for g in grades] == [(None, None, False)] * 2

    def test_after_handing_in_marks_stay(self, book: Book) -> None:
        book.grade("ql1", START, 40, 15)
        extend(book.engine, ME, PLAN, "1", START.id, LATER)
        with book.engine.connect() as connection:
            assert overview(connection, ME, PLAN).total.graded == 1
            assert connection.execute(select(func.count()).select_from(tables.GRADE)).scalar() == 2

    @pytest.mark.parametrize(
        ("module", "until", "said"),
        [
            (GIFTS.id, LATER, "没有截止时间"),
            (START.id, DUE.replace(tzinfo=UTC), "要晚于"),
            (START.id, DUE.replace(tzinfo=UTC) - timedelta(days=9), "要晚于"),
            ("99-none", LATER, "没有这个模块"),
            ("", LATER, "没有这个模块"),
        ],
    )
    def test_what_makes_no_sense_changes_nothing(self, book: Book, module: str, until: datetime, said: str) -> None:
        with pytest.raises(GradingError, match=said):
            extend(book.engine, ME, PLAN, "1", module, until)
        with book.engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(tables.SUBMITTED_ASSIGNMENT)).scalar() == 0

    def test_a_module_the_learners_track_does_not_take_is_none_of_theirs(self, book: Book) -> None:
        book.due(GIFTS, DUE)
        book.add("2", "省校", track="教师")
        with pytest.raises(GradingError, match="没有这个模块"):
            extend(book.engine, ME, PLAN, "2", GIFTS.id, LATER)


class TestTakingItBack:
    def test_the_modules_own_date_holds_again(self, book: Book) -> None:
        extend(book.engine, ME, PLAN, "1", START.id, LATER)
        assert take_back(book.engine, ME, PLAN, "1", START.id).name == "周晓岚"
        assert own_due(book) == DUE
        with book.engine.connect() as connection:
            assert extensions(connection, ME, PLAN) == ()

    def test_twice_is_told(self, book: Book) -> None:
        with pytest.raises(GradingError, match="没有延期"):
            take_back(book.engine, ME, PLAN, "1", START.id)


def test_who_left_is_not_listed(book: Book) -> None:
    extend(book.engine, ME, PLAN, "1", START.id, LATER)
    with book.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE qinlian_person SET archived_at = changed_at")
    with book.engine.connect() as connection:
        assert extensions(connection, ME, PLAN) == ()
