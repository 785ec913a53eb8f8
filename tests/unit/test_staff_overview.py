"""班级概况: learners counted by unit and by module, totals rolled up."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.staff.overview import Counts, Overview, overview
from tests.staff_room import GIFTS, PLAN, START, Book, viewer

TOP, CITY, COUNTY, OTHER = "省校", "省校/青禾", "省校/青禾/望川", "省校/栖云"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.fresh(tmp_path)


def seen(book: Book, unit: str = TOP, *, role: str = "教师", below: str = "", module: str = "") -> Overview:
    with book.engine.connect() as connection:
        return overview(connection, viewer(unit, role), PLAN, below=below, module=module)


def counts(found: Overview) -> dict[tuple[str, bool], Counts]:
    return {(unit.path, unit.direct): unit.counts for unit in found.units}


def test_a_learner_is_idle_under_way_or_through(book: Book) -> None:
    book.add("1", CITY)
    began, through = book.add("2", CITY), book.add("3", CITY)
    book.grade(began, START, 50, 10)
    for module in (START, GIFTS):
        book.grade(through, module, 80, 20)
    total = seen(book).total
    assert (total.learners, total.idle, total.under_way, total.finished) == (3, 1, 1, 1)
    assert (total.asked, total.given, total.missing) == (6, 3, 3)


def test_submissions_are_counted_by_how_far_they_are(book: Book) -> None:
    one, two, three = (book.add(n, CITY) for n in "123")
    book.arrive(one, START)
    book.grade(two, START, 60, None, waits=True)
    book.grade(three, START, 60, 15)
    total = seen(book).total
    assert (total.given, total.ungraded, total.unread, total.graded) == (3, 1, 1, 1)
    assert dict(total.parts) == {"graded": 1, "unread": 1, "ungraded": 1}


def test_hours_are_earned_from_the_pass_mark_of_the_learners_track(book: Book) -> None:
    low, high = book.add("1", CITY, track="教师"), book.add("2", CITY, track="青年干部")
    book.grade(low, START, 60, 15)
    book.grade(high, START, 60, 15)
    total = seen(book).total
    assert (total.passed, total.earned) == (1, START.hours)
    assert total.hours_each == START.hours / 2


def test_a_track_is_not_asked_for_modules_it_does_not_take(book: Book) -> None:
    who = book.add("1", CITY, track="教师")
    book.grade(who, START, 90, 10)
    book.grade(who, GIFTS, 90, 10)
    found = seen(book)
    assert (found.total.asked, found.total.given, found.total.finished) == (1, 1, 1)
    assert [(m.module.id, m.counts.learners) for m in found.modules] == [("01-start", 1), ("02-gifts", 0)]
    assert seen(book, module="02-gifts").total.learners == 0


def test_a_track_the_course_does_not_know_takes_everything(book: Book) -> None:
    book.add("1", CITY, track="去年的名称")
    assert seen(book).total.asked == 2


def test_totals_roll_up_and_a_units_own_learners_stand_apart(book: Book) -> None:
    book.add("1", TOP)
    book.add("2", CITY)
    book.add("3", COUNTY)
    book.add("4", OTHER)
    found = counts(seen(book))
    assert {key: c.learners for key, c in found.items()} == {
        (TOP, False): 4,
        (TOP, True): 1,
        (CITY, False): 2,
        (CITY, True): 1,
        (COUNTY, False): 1,
        (OTHER, False): 1,
    }
    assert [unit.depth for unit in seen(book).units] == [0, 1, 1, 2, 2, 1]


def test_units_without_learners_are_left_out(book: Book) -> None:
    book.add("1", COUNTY)
    book.add("9", OTHER, role="教师")
    assert [unit.path for unit in seen(book).units] == [TOP, CITY, COUNTY]


def test_a_branch_begins_its_own_tree(book: Book) -> None:
    for number, unit in enumerate((TOP, CITY, COUNTY, OTHER)):
        book.add(str(number), unit)
    found = seen(book, CITY)
    assert [(u.path, u.depth) for u in found.units] == [(CITY, 0), (CITY, 1), (COUNTY, 1)]
    assert found.total.learners == 2


def test_what_is_asked_for_narrows(book: Book) -> None:
    book.add("1", CITY)
    book.add("2", COUNTY)
    assert seen(book, below=COUNTY).total.learners == 1
    assert seen(book, CITY, below=OTHER).total == Counts()


def test_one_module_counts_those_who_take_it(book: Book) -> None:
    passed, failed = book.add("1", CITY), book.add("2", CITY)
    book.add("3", CITY)
    book.add("4", CITY, track="教师")
    book.grade(passed, GIFTS, 60, 10)
    book.grade(failed, GIFTS, 20, 0)
    book.grade(passed, START, 60, 10)
    found = seen(book, module="02-gifts")
    assert (found.total.learners, found.total.idle, found.total.under_way, found.total.finished) == (3, 1, 1, 1)
    (module,) = found.modules
    assert (module.counts.asked, module.counts.given, module.counts.idle) == (3, 2, 1)


def test_who_left_is_not_counted(book: Book) -> None:
    gone = book.add("1", CITY, gone=True)
    book.grade(gone, START, 80, 20)
    assert seen(book).total == Counts()


def test_rows_that_only_hold_an_extension_are_no_submission(book: Book) -> None:
    book.grade(book.add("1", CITY), START, None, None, at=None)
    assert seen(book).total.given == 0


def test_a_submission_that_waits_is_counted_once(book: Book) -> None:
    """Several folders of one learner wait; of another one waits after an earlier one was graded."""
    one, two = book.add("1", CITY), book.add("2", CITY)
    for state in ("已收", "停放", "拒收", "已评分"):
        book.arrive(one, START, state)
    book.grade(two, START, 60, 10)
    book.arrive(two, START)
    total = seen(book).total
    assert (total.given, total.ungraded, total.graded) == (2, 1, 1)


def test_a_refused_submission_is_none(book: Book) -> None:
    book.arrive(book.add("1", CITY), START, "拒收")
    assert seen(book).total.given == 0


def test_a_score_that_reaches_the_mark_once_it_is_rounded_passes(book: Book) -> None:
    # 0.1 + 0.2 and its like: 59.999999 is written 60, and counts as 60.
    book.grade(book.add("1", CITY), START, 59.996, None)
    book.grade(book.add("2", CITY), START, 59.994, None)
    book.grade(book.add("3", CITY), START, 70, None, penalty=10.0)
    book.grade(book.add("4", CITY), START, 70, None, penalty=10.01)
    book.grade(book.add("5", CITY), START, 50, 5, extra=5.0)
    assert seen(book).total.passed == 3


def test_an_office_sees_everything_and_a_teacher_without_a_unit_nothing(book: Book) -> None:
    book.add("1", CITY)
    book.add("2", "别的省/分校")
    assert seen(book, "别的", role="管理员").total.learners == 2
    assert seen(book, "").total == Counts()
    assert seen(book, TOP, role="学员").total == Counts()
