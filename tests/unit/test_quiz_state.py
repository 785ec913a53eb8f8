"""What a block shows, from the lesson, the answers and what the grader said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from qinlian.core.drawing import draw
from qinlian.core.files import Answer, AnswerFile, QuizResult, ReflectionResult, ResultFile
from qinlian.notebooks.publish import publish
from qinlian.quiz.state import Standing, attempt_of, block_state, can_retake, digest, quiz_phase, started_quizzes
from tests.sample import COURSE, IDS, MODULE, REFLECTION

LESSON = publish(COURSE, MODULE, IDS)
QUIZ = LESSON.block("90-exam")
ESSAY = LESSON.block(REFLECTION.id)
ESSAY_ITEM = ESSAY.items[0]
POOL = sorted((item, LESSON.items[item]["difficulty"]) for item in QUIZ.items)
FIRST, SECOND = datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)


def answers(
    values: dict[str, Any] | None = None, attempt: int = 0, at: str = "2026-03-01T07:00:00+00:00"
) -> AnswerFile:
    return AnswerFile(
        course=LESSON.course,
        module=LESSON.module,
        edition=LESSON.edition,
        attempts={"90-exam": attempt} if attempt else {},
        answers={item: Answer(value=value, at=at) for item, value in (values or {}).items()},
    )


def drawn(attempt: int, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    return draw(
        edition=LESSON.edition, quiz="90-exam", learner="amy", attempt=attempt, pool=POOL, count=QUIZ.count, seen=seen
    )


def result(attempt: int = 1, reflection: ReflectionResult | None = None, **more: Any) -> ResultFile:
    quiz = QuizResult.model_validate(
        {
            "attempt": attempt,
            "attempts": 3,
            "score": 40,
            "counted": 40,
            "points": 80,
            "keep": "最高",
            "passed": False,
            "final": False,
            "revealed": False,
            "seen": drawn(1),
            "drawn": drawn(attempt),
        }
        | more
    )
    return ResultFile(
        course=LESSON.course,
        module=LESSON.module,
        edition=LESSON.edition,
        submitted_at=FIRST.isoformat(),
        graded_at=FIRST.isoformat(),
        score=40,
        max_score=100,
        state="已评分",
        notes=("提醒一句",),
        quizzes={"90-exam": quiz},
        reflections={ESSAY_ITEM: reflection} if reflection else {},
    )


NEW = Standing(learner="amy", classroom=True)
SENT = {ESSAY_ITEM: digest("一件小事")}
"""What was handed in, where a reflection was."""
WAITING = Standing(learner="amy", submitted=FIRST, classroom=True)


def graded(**more: Any) -> Standing:
    return Standing(learner="amy", submitted=FIRST, graded=FIRST, result=result(**more), classroom=True)


def test_a_learner_gets_the_draw_the_grader_will_repeat():
    state = block_state(LESSON, answers(), QUIZ, NEW)
    assert tuple(state.block["items"]) == tuple(state.items) == drawn(1)
    assert (state.phase, state.attempt, state.result) == ("open", 1, {})


def test_nothing_of_the_rest_of_the_pool_reaches_the_page():
    state = block_state(LESSON, answers(dict.fromkeys(QUIZ.items, "x")), QUIZ, NEW)
    assert len(state.items) == len(state.answers) == QUIZ.count < len(QUIZ.items)
    assert not any("practice" in item for item in state.items.values())


def test_a_submission_is_awaited_and_then_graded():
    assert quiz_phase("90-exam", answers(), WAITING) == "submitted"
    state = block_state(LESSON, answers(), QUIZ, graded())
    assert state.phase == "graded"
    assert state.result["score"] == 40
    assert (state.result["state"], state.result["notes"], state.result["late"]) == ("已评分", ["提醒一句"], False)


def test_a_quiz_handed_in_blank_has_no_result_and_can_be_answered_again():
    standing = graded()
    without = standing.result.model_copy(update={"quizzes": {}})  # type: ignore[union-attr]
    blank = Standing(learner="amy", submitted=FIRST, graded=FIRST, result=without, classroom=True)
    assert quiz_phase("90-exam", answers(), blank) == "open"


def test_the_next_attempt_avoids_what_was_drawn_before_and_keeps_the_last_score_in_view():
    state = block_state(LESSON, answers(attempt=2), QUIZ, graded())
    assert (state.phase, state.attempt) == ("open", 2)
    assert tuple(state.block["items"]) == drawn(2, seen=drawn(1))
    assert state.result["attempt"] == 1


def test_while_an_older_submission_waits_the_attempt_begun_after_it_stays_open():
    standing = Standing(learner="amy", submitted=SECOND, graded=FIRST, result=result(), attempts={"90-exam": 1})
    assert quiz_phase("90-exam", answers(attempt=2), standing) == "open"


@pytest.mark.parametrize(("named", "shown"), [(0, 1), (1, 1), (2, 2), (9, 2)])
def test_a_lost_or_edited_number_is_brought_back_to_the_graders(named: int, shown: int):
    assert attempt_of("90-exam", answers(attempt=named), graded()) == shown


def refused(**known: Any) -> Standing:
    said = result().model_copy(update={"state": "拒收", "score": 0.0, "quizzes": {}, "notes": ("请重新提交",)})
    return Standing(learner="amy", submitted=SECOND, refusal=said, classroom=True, **known)


def test_after_a_refusal_the_first_attempt_can_be_handed_in_again():
    state = block_state(LESSON, answers({drawn(1)[0]: "a"}), QUIZ, refused())
    assert (state.phase, state.attempt, state.result) == ("open", 1, {})
    assert (state.context["refused"], state.context["submitted_at"]) == (["请重新提交"], "")
    assert not state.context["waiting"]


def test_a_refusal_leaves_the_results_before_it_as_they_were():
    before = {"graded": FIRST, "result": result(reflection=ReflectionResult(state="已评阅", score=17, points=20))}
    before["handed_in"] = SENT
    state = block_state(LESSON, answers(), QUIZ, refused(**before))
    assert (state.phase, state.result["score"], state.result["notes"]) == ("graded", 40, ["提醒一句"])
    assert state.context["can_retake"]
    assert state.context["submitted_at"] == FIRST.isoformat()
    again = block_state(LESSON, answers(attempt=2), QUIZ, refused(**before))
    assert (again.phase, again.attempt) == ("open", 2)
    assert set(again.items).isdisjoint(drawn(1))
    unread = answers({ESSAY_ITEM: "改过的心得"})
    assert block_state(LESSON, unread, ESSAY, refused(**before)).phase == "open"
    assert block_state(LESSON, unread, ESSAY, refused()).phase == "open"


def test_another_attempt_may_begin_only_after_grading_and_while_some_remain():
    assert can_retake(QUIZ, answers(), graded())
    assert not can_retake(QUIZ, answers(), NEW)
    assert not can_retake(QUIZ, answers(), WAITING)
    assert not can_retake(QUIZ, answers(attempt=2), graded())
    assert not can_retake(QUIZ, answers(attempt=3), graded(attempt=3))
    assert not can_retake(QUIZ, answers(), graded(final=True))


def test_an_untouched_quiz_is_not_used_up_by_a_submission():
    assert started_quizzes(LESSON, answers(), NEW) == ()
    assert started_quizzes(LESSON, answers({drawn(1)[0]: "a"}), NEW) == (QUIZ,)
    assert started_quizzes(LESSON, answers({drawn(1)[0]: None}), NEW) == ()


def test_submitting_tells_what_else_goes_in_unfinished():
    (other,) = block_state(LESSON, answers(), QUIZ, NEW).context["others"]
    assert (other["kind"], other["blank"], other["total"]) == ("reflection", 1, 1)
    (other,) = block_state(LESSON, answers({drawn(1)[0]: "a"}), ESSAY, NEW).context["others"]
    assert (other["kind"], other["blank"], other["total"]) == ("quiz", QUIZ.count - 1, QUIZ.count)


def test_a_reflection_waits_for_its_reader_and_shows_the_comment():
    essay = answers({ESSAY_ITEM: "一件小事"})
    waits = ReflectionResult(state="待评阅", points=20)
    assert block_state(LESSON, essay, ESSAY, NEW).phase == "open"
    assert block_state(LESSON, essay, ESSAY, replace(WAITING, handed_in=SENT)).phase == "submitted"
    assert block_state(LESSON, essay, ESSAY, replace(graded(reflection=waits), handed_in=SENT)).phase == "submitted"
    read = ReflectionResult(state="已评阅", score=17, points=20, comment="写得实")
    state = block_state(LESSON, essay, ESSAY, replace(graded(reflection=read), handed_in=SENT))
    assert state.phase == "graded"
    assert (state.result["state"], state.result["score"], state.result["comment"]) == ("已评阅", 17, "写得实")


def test_a_reflection_changed_after_submitting_can_be_submitted_again():
    read = replace(graded(reflection=ReflectionResult(state="已评阅", score=17, points=20)), handed_in=SENT)
    assert block_state(LESSON, answers({ESSAY_ITEM: "改过了"}), ESSAY, read).phase == "open"
    assert block_state(LESSON, answers({ESSAY_ITEM: None}), ESSAY, read).phase == "open"


@pytest.mark.parametrize("at", ["2026-03-01T07:00:00+00:00", "2026-03-01T09:00:00+00:00", ""])
def test_whether_it_changed_is_told_by_its_text_whenever_that_was_saved(at: str):
    """A telephone may bring after a submission what was typed before it; and the same text again is no change."""
    standing = replace(WAITING, handed_in=SENT)
    assert block_state(LESSON, answers({ESSAY_ITEM: "在手机上写的"}, at=at), ESSAY, standing).phase == "open"
    assert block_state(LESSON, answers({ESSAY_ITEM: "一件小事"}, at=at), ESSAY, standing).phase == "submitted"


def test_where_the_copy_of_a_submission_is_lost_nothing_is_called_changed():
    assert block_state(LESSON, answers({ESSAY_ITEM: "改过了"}), ESSAY, WAITING).phase == "submitted"


def test_a_reflection_counts_as_changed_only_after_a_text_was_handed_in():
    def changed(text: str, standing: Standing) -> bool:
        essay = answers({ESSAY_ITEM: text})
        return bool(block_state(LESSON, essay, ESSAY, standing).context["changed"])

    read = replace(graded(reflection=ReflectionResult(state="已评阅", score=17, points=20)), handed_in=SENT)
    assert changed("改过了", read)
    assert not changed("", read)
    unread = graded(reflection=ReflectionResult(state="未作答", points=20))
    assert not changed("才写的", replace(unread, handed_in={}))
    assert not changed("才写的", replace(WAITING, handed_in={}))
    assert changed("改过了", replace(WAITING, handed_in=SENT))
    assert not changed("才写的", NEW)


def test_graded_questions_that_the_lesson_lost_are_counted():
    lost = drawn(1)[0]
    items = {item: public for item, public in LESSON.items.items() if item != lost}
    quiz = QUIZ.model_copy(update={"items": tuple(item for item in QUIZ.items if item != lost)})
    lesson = LESSON.model_copy(update={"items": items})
    state = block_state(lesson, answers(), quiz, graded())
    assert (state.context["gone"], len(state.items)) == (1, QUIZ.count - 1)
    assert block_state(LESSON, answers(), QUIZ, graded()).context["gone"] == 0
    assert block_state(lesson, answers(attempt=2), quiz, graded()).context["gone"] == 0
