"""What state a module is in, from what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qinlian.core.files import LessonBlock, LessonFile, QuizResult, ReflectionResult, ResultFile
from qinlian.portal.port import ModuleStanding, Overview, standing_of

THEN = datetime(2026, 5, 1, tzinfo=UTC)
LESSON = LessonFile(
    course="qinlian", course_title="勤廉学堂", module="90-sample", title="样例模块", hours=1.5, edition="e",
    blocks=(LessonBlock(kind="quiz", id="90-exam", items=(), count=6, attempts=3, points=80),), items={},
)  # fmt: skip


def result(score: float = 86, state: str = "已评分", **quiz: object) -> ResultFile:
    fields: dict[str, object] = {"attempt": 1, "attempts": 3, "score": score, "counted": score, "points": 100}
    fields |= {"keep": "最高", "passed": score >= 60, "final": False, "revealed": False, "seen": ()}
    return ResultFile.model_validate(
        {
            "course": "qinlian", "module": "90-sample", "edition": "e", "submitted_at": "", "graded_at": "",
            "score": score, "max_score": 100, "state": state, "notes": ("一句说明",),
            "quizzes": {"90-exam": QuizResult.model_validate(fields | quiz)},
        }
    )  # fmt: skip


def standing(**known: object) -> ModuleStanding:
    facts: dict[str, object] = {"opened": True, "submitted_at": THEN, "result": None, "current": False, "again": False}
    return standing_of(LESSON, **(facts | known))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"opened": False, "submitted_at": None}, "未开始"),
        ({"submitted_at": None}, "进行中"),
        ({}, "已提交"),
        ({"result": result(), "current": True}, "已评分"),
        ({"result": result(state="待评阅"), "current": True}, "待评阅"),
        ({"result": result(), "current": False}, "已提交"),
    ],
)
def test_state_follows_from_the_newest_submission(known: dict[str, object], state: str) -> None:
    assert standing(**known).state == state


def test_hours_are_earned_at_the_courses_mark_of_the_whole_module() -> None:
    assert standing(result=result(60), current=True).earned == 1.5
    assert standing(result=result(59.99), current=True).earned == 0
    assert standing().earned == 0


def test_a_new_submission_does_not_take_earned_hours_away_while_it_waits() -> None:
    waiting = standing(result=result(86), current=False)
    assert (waiting.state, waiting.earned, waiting.score) == ("已提交", 1.5, 86)


def test_attempts_left_are_those_of_a_quiz_not_passed_yet() -> None:
    assert standing(result=result(20), current=True).attempts_left == 2
    assert standing(result=result(20, final=True), current=True).attempts_left == 0
    assert standing(result=result(86), current=True).attempts_left == 0
    blank = result(0).model_copy(update={"quizzes": {}})
    assert standing(result=blank, current=True).attempts_left == 3


def test_notes_of_an_older_result_are_not_shown_beside_a_newer_submission() -> None:
    assert standing(result=result(), current=True).notes == ("一句说明",)
    assert standing(result=result(), current=False).notes == ()


def test_a_refused_submission_counts_as_never_sent_but_for_its_note() -> None:
    why = ("请重新提交",)
    first = standing(submitted_at=None, refused=why)
    assert (first.state, first.refused, first.score) == ("进行中", why, None)
    later = standing(result=result(), current=True, refused=why)
    assert (later.state, later.score, later.earned, later.refused, later.notes) == ("已评分", 86, 1.5, why, ())


def test_a_reflection_graded_as_empty_is_told_until_the_next_submission() -> None:
    empty = result().model_copy(update={"reflections": {"r": ReflectionResult(state="未作答", points=20)}})
    assert standing(result=empty, current=True).unwritten
    assert not standing(result=empty, current=False).unwritten
    assert not standing(result=result(), current=True).unwritten


def test_hours_add_up() -> None:
    passed, open_ = standing(result=result(), current=True), standing()
    overview = Overview("勤廉学堂", "xiaozhou", (passed, open_))
    assert (overview.earned, overview.hours) == (1.5, 3.0)
