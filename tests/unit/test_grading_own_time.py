"""Every learner's own due date decides: what is late, what it costs, and when the answers are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from qinlian.core.files import LetterboxFile
from qinlian.grading.late import deadline
from qinlian.grading.letters import own_dues
from qinlian.grading.responses import open_engine
from qinlian.grading.worker import Worker
from qinlian.quiz.due import Letterbox
from tests.classroom import QUIZ, Classroom, fresh_classroom
from tests.sample import COURSE, MODULE
from tests.unit.grading_told import all_done, told

pytestmark = pytest.mark.slow

STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


def extend(room: Classroom, learner: str, **more: int) -> None:
    with room.gradebook() as gradebook:
        gradebook.update_or_create_student(learner)
        gradebook.update_or_create_submission(MODULE.id, learner)
        gradebook.grant_extension(MODULE.id, learner, **more)


class TestTheKey:
    def test_whoever_has_an_extension_sees_it_only_after_their_own_time(self, room: Classroom) -> None:
        worker = Worker(room.setting)
        room.due(datetime.now(UTC) + timedelta(days=1))
        extend(room, "wang", hours=1)
        sent = {learner: room.send(learner, room.answers(learner, right=2)) for learner in ("li", "wang")}
        all_done(worker)
        assert [told(room, s).quizzes[QUIZ].revealed for s in sent.values()] == [False, False]
        # Both were on time, and the time of one of them is over.
        room.due(datetime.now(UTC))
        all_done(worker)
        others, own = (told(room, s).quizzes[QUIZ] for s in sent.values())
        assert (others.final, others.revealed) == (True, True)
        assert any(item.key is not None for item in others.items)
        assert (own.final, own.revealed, own.items) == (False, False, ())
        # And what they hand in now is on time and counts.
        again = room.send("wang", room.answers("wang", attempt=2, seen=own.seen))
        all_done(worker)
        result = told(room, again)
        assert (result.late, result.quizzes[QUIZ].counted) == (False, 80.0)

    def test_it_is_shown_when_the_extended_time_is_over(self, room: Classroom) -> None:
        worker = Worker(room.setting)
        room.due(datetime.now(UTC) - timedelta(hours=1))
        extend(room, "wang", hours=2)
        sent = room.send("wang", room.answers("wang", right=2))
        all_done(worker)
        assert not told(room, sent).quizzes[QUIZ].revealed
        extend(room, "wang", minutes=59)
        all_done(worker)
        assert told(room, sent).quizzes[QUIZ].revealed

    def test_a_feedback_page_keeps_it_as_long(self, room: Classroom) -> None:
        worker = Worker(room.setting)
        room.due(datetime.now(UTC) - timedelta(hours=1))
        extend(room, "wang", hours=2)
        for learner in ("li", "wang"):
            room.send(learner, room.answers(learner, right=2))
        all_done(worker)
        assert "依据" in page(room, "li")
        assert "依据" not in page(room, "wang")


def page(room: Classroom, learner: str) -> str:
    return (room.root / ".classroom" / "feedback" / learner / MODULE.id / f"{MODULE.id}.html").read_text("utf-8")


class TestWhatLateMeans:
    def test_by_default_nothing_is_taken_off_and_it_is_said_so(self, room: Classroom) -> None:
        room.due(datetime.now(UTC) - timedelta(hours=1))
        sent = room.send("li", room.answers("li", right=3))
        all_done(Worker(room.setting))
        assert (told(room, sent).late, told(room, sent).score) == (True, 40.0)
        assert told(room, sent).notes == ("逾期提交：没有扣分",)
        assert "逾期提交：没有扣分" in page(room, "li")

    def test_a_penalty_is_said_with_its_points(self, room: Classroom) -> None:
        with (room.root / "nbgrader_config.py").open("a") as file:
            file.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
        room.due(datetime.now(UTC) - timedelta(hours=1))
        sent = room.send("li", room.answers("li", right=3))
        all_done(Worker(room.setting))
        assert told(room, sent).score == 0.0
        assert told(room, sent).notes == ("逾期提交：扣 40 分",)
        assert "逾期提交：扣 40 分" in page(room, "li")

    def test_after_one_on_time_it_is_said_that_the_first_counts(self, room: Classroom) -> None:
        worker = Worker(room.setting)
        room.send("li", room.answers("li", right=3))
        all_done(worker)
        room.due(datetime.now(UTC))
        sent = room.send("li", room.answers("li", right=6))
        all_done(worker)
        assert told(room, sent).notes[0] == "逾期提交：截止前已经交过，成绩以截止前的为准"
        assert told(room, sent).score == 40.0
        assert "逾期" not in page(room, "li")

    def test_on_time_nothing_is_said(self, room: Classroom) -> None:
        room.due(datetime.now(UTC) + timedelta(hours=1))
        sent = room.send("li", room.answers("li"))
        all_done(Worker(room.setting))
        assert told(room, sent).notes == ()


class TestAWrongClock:
    @pytest.mark.parametrize(("off", "said"), [(5, "时钟快了"), (-5, "时钟慢了")])
    def test_the_time_it_came_counts_and_the_learner_hears_why(self, room: Classroom, off: int, said: str) -> None:
        now = datetime.now(UTC)
        room.due(now + timedelta(hours=1))
        claimed = (now + timedelta(hours=off)).strftime(STAMP)
        sent = room.send("li", room.answers("li"), claimed=claimed)
        all_done(Worker(room.setting))
        result = told(room, sent)
        assert abs(datetime.fromisoformat(result.submitted_at) - now) < timedelta(minutes=1)
        assert not result.late
        assert said in result.notes[0]

    def test_a_slow_clock_is_no_way_past_the_due_date(self, room: Classroom) -> None:
        now = datetime.now(UTC)
        room.due(now - timedelta(hours=1))
        sent = room.send("li", room.answers("li"), claimed=(now - timedelta(hours=2)).strftime(STAMP))
        all_done(Worker(room.setting))
        assert told(room, sent).late


def test_the_feedback_page_names_the_zone_of_its_time(room: Classroom) -> None:
    room.send("li", room.answers("li"))
    all_done(Worker(room.setting))
    with room.gradebook() as gradebook:
        there = gradebook.find_submission(MODULE.id, "li").timestamp + timedelta(hours=8)
    assert f"{there.month}月{there.day}日 {there:%H:%M}（北京时间）" in page(room, "li")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gradebook]:
    """A gradebook in which one learner has one submission."""
    room = fresh_classroom(tmp_path_factory.mktemp("book"))
    with room.gradebook() as gradebook:
        gradebook.update_or_create_student("li")
        gradebook.update_or_create_submission(MODULE.id, "li")
        yield gradebook


MOMENTS = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31))  # noqa: DTZ001 - as nbgrader
NEAR = st.one_of(
    st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1)]),
    st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(due=st.none() | MOMENTS, released=st.none() | NEAR, extension=st.none() | NEAR, after=NEAR)
def test_the_learners_page_the_grader_and_nbgrader_agree_on_what_is_late(
    book: Gradebook,
    tmp_path: Path,
    due: datetime | None,
    released: timedelta | None,
    extension: timedelta | None,
    after: timedelta,
) -> None:
    """Whatever was released, moved in formgrader and extended: of any submission all three say the same."""
    # Of an extension without a due date nbgrader makes an error instead of nothing.
    assume(due is not None or extension is None)
    own = None if due is None else due + (extension or timedelta())
    came = (own or datetime(2026, 6, 1)) + after  # noqa: DTZ001 - as nbgrader
    assume(came.year < 2030)
    submission = book.find_submission(MODULE.id, "li")
    book.find_assignment(MODULE.id).duedate = due
    submission.extension, submission.timestamp = extension, came
    book.db.commit()
    # The lesson may have been released with another due date than the gradebook has now, or with none.
    named = None if released is None else ((due or came) + released).replace(tzinfo=UTC)
    with open_engine(str(book.engine.url)).connect() as connection:
        dues = own_dues(connection, {MODULE.id: named}).get("li", {})
        grader = deadline(connection, MODULE.id, ["li"]).seconds_late("li", came.replace(tzinfo=UTC)) > 0
    letter = tmp_path / "letter.json"
    letter.unlink(missing_ok=True)
    if dues:
        letter.write_text(LetterboxFile(course=COURSE.id, dues=dues).model_dump_json(by_alias=True))
    page_says = Letterbox(letter, COURSE.id).due(MODULE.id, named)
    assert page_says.passed(came.replace(tzinfo=UTC)) is grader is (submission.total_seconds_late > 0)
    assert page_says.at == (own.replace(tzinfo=UTC) if own else None)
