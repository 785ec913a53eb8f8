"""What a submission comes to: attempts, draws, best and last, late ones, and what may be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qinlian.grading.grades import QuizGrade
from tests.sample import IDS
from tests.unit.grading_learner import QUIZ, START, Learner, edition, quiz_of

# First attempts


def test_all_right_is_full_marks() -> None:
    learner = Learner()
    quiz = quiz_of(learner.hand_in(learner.right(learner.drawn(1))))
    assert (quiz.score, quiz.counted, quiz.state, quiz.number) == (80.0, 80.0, "计入", 1)
    assert quiz.passed


def test_each_item_counts_by_its_weight() -> None:
    learner = Learner()
    quiz = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=3)))
    assert quiz.score == 40.0
    assert [i.fraction for i in quiz.items] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def test_a_blank_quiz_scores_zero_and_uses_up_no_attempt() -> None:
    learner = Learner()
    quiz = quiz_of(learner.hand_in({}))
    assert (quiz.counted, quiz.state, quiz.taken, quiz.number) == (0.0, "未作答", 0, 0)
    assert quiz_of(learner.hand_in(learner.right(learner.drawn(1)))).counted == 80.0


def test_answers_outside_the_draw_earn_nothing_and_are_reported() -> None:
    learner = Learner()
    drawn = learner.drawn(1)
    others = tuple(pid for pid, _ in learner.edition.pools[QUIZ] if pid not in drawn)
    done = learner.hand_in(learner.right(others) | learner.right(drawn[:1]))
    assert quiz_of(done).score == 13.33
    assert any("不在抽到的题目里" in note for note in done.notes)


# Several attempts


def test_the_next_attempt_draws_anew_and_the_best_counts() -> None:
    learner = Learner()
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=4)))
    drawn = learner.drawn(2, first.seen)
    second = quiz_of(learner.hand_in(learner.right(drawn, wrong=5), attempt=2))
    assert (first.score, second.score, second.counted) == (26.67, 13.33, 26.67)
    assert (second.number, second.taken) == (2, 2)
    assert set(second.seen) == {*learner.drawn(1), *drawn}


def test_under_the_last_rule_the_last_attempt_counts() -> None:
    learner = Learner(edition(keep="末次"))
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=4)))
    second = quiz_of(learner.hand_in(learner.right(learner.drawn(2, first.seen), wrong=5), attempt=2))
    assert second.counted == 13.33


@pytest.mark.parametrize("keep", ["最高", "末次"])
def test_changing_only_the_reflection_burns_no_attempt_and_touches_no_score(keep: str) -> None:
    learner = Learner(edition(keep=keep))
    answers = learner.right(learner.drawn(1), wrong=3)
    reflection = IDS.of("LZ-90-R1")
    learner.hand_in(answers | {reflection: "第一稿"})
    done = learner.hand_in(answers | {reflection: "第二稿"})
    quiz = quiz_of(done)
    assert (quiz.state, quiz.counted, quiz.taken, quiz.score) == ("未改动", 40.0, 1, 0.0)
    assert done.reflections[0].text == "第二稿"
    assert quiz.shown is not None
    assert (quiz.shown.number, quiz.shown.score) == (1, 40.0)


@pytest.mark.parametrize("keep", ["最高", "末次"])
def test_a_new_attempt_begun_but_left_blank_replaces_nothing(keep: str) -> None:
    learner = Learner(edition(keep=keep))
    learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    quiz = quiz_of(learner.hand_in({IDS.of("LZ-90-R1"): "只写了心得"}, attempt=2))
    assert (quiz.state, quiz.counted, quiz.taken) == ("未作答", 40.0, 1)


def test_a_second_submission_before_any_result_is_a_second_attempt_at_the_same_draw() -> None:
    learner = Learner()
    learner.hand_in(learner.right(learner.drawn(1), wrong=3), released=False)
    quiz = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=1)))
    assert (quiz.state, quiz.number, quiz.draw, quiz.score) == ("计入", 2, 1, 66.67)


def test_changing_answers_to_a_draw_whose_result_is_out_counts_for_nothing() -> None:
    learner = Learner()
    learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    done = learner.hand_in(learner.right(learner.drawn(1)))
    quiz = quiz_of(done)
    assert (quiz.state, quiz.counted, quiz.taken) == ("旧题", 40.0, 1)
    assert any("结果已经发出" in note for note in done.notes)


def test_a_result_that_came_out_after_the_submission_arrived_was_not_known_to_it() -> None:
    learner = Learner()
    learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    learner.now = START + timedelta(seconds=30)
    assert quiz_of(learner.hand_in(learner.right(learner.drawn(1)))).state == "计入"


@pytest.mark.parametrize("declared", [2, 7, 0, -1, 10**9])
def test_a_declared_draw_that_nobody_was_shown_is_not_accepted(declared: int) -> None:
    learner = Learner()
    mine = learner.drawn(1)
    chosen = tuple(pid for pid in learner.drawn(7) if pid not in mine)
    done = learner.hand_in(learner.right(chosen) | learner.right(mine[:1]), attempt=declared)
    assert quiz_of(done).draw == 1
    assert quiz_of(done).score == 13.33
    assert any("次数不对" in note for note in done.notes)


def test_an_attempt_too_many_is_recorded_and_not_counted() -> None:
    learner = Learner(edition(attempts=1, pass_mark=90))
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=3)))
    done = learner.hand_in(learner.right(learner.drawn(2, first.seen)), attempt=2)
    quiz = quiz_of(done)
    assert (quiz.state, quiz.counted, quiz.taken) == ("超次", 40.0, 1)
    assert any("最多作答 1 次" in note for note in done.notes)
    assert len([i for i in quiz.items if i.answered]) == 6


def test_after_a_pass_that_opened_the_key_nothing_more_counts() -> None:
    learner = Learner(edition(keep="末次"))
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=1)))
    assert first.passed
    assert first.final
    second = quiz_of(learner.hand_in(learner.right(learner.drawn(2, first.seen)), attempt=2))
    assert (second.state, second.counted) == ("超次", 66.67)


def test_where_a_pass_opens_nothing_more_attempts_may_follow() -> None:
    learner = Learner(edition(reveal="不公布"))
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=1)))
    assert first.passed
    assert not first.final
    assert quiz_of(learner.hand_in(learner.right(learner.drawn(2, first.seen)), attempt=2)).counted == 80.0


# What may be shown


@pytest.mark.parametrize(
    ("policy", "wrong", "revealed", "final"),
    [
        ({"reveal": "末次"}, 4, False, False),
        ({"reveal": "末次"}, 0, True, True),
        ({"reveal": "末次", "attempts": 1}, 4, True, True),
        ({"reveal": "每次"}, 4, True, False),
        ({"reveal": "不公布", "attempts": 1}, 4, False, True),
    ],
)
def test_the_key_is_shown_when_the_quizs_rule_says_so(
    policy: dict[str, Any], wrong: int, revealed: bool, final: bool
) -> None:
    learner = Learner(edition(**policy))
    quiz = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=wrong)))
    assert (quiz.revealed, quiz.final) == (revealed, final)


def test_a_closed_quiz_shows_the_key_to_who_took_it_and_nothing_to_who_did_not() -> None:
    took, did_not = Learner(), Learner()
    assert quiz_of(took.hand_in(took.right(took.drawn(1), wrong=4), closed=True)).revealed
    assert not quiz_of(did_not.hand_in({}, closed=True)).revealed


# Late


def test_late_attempts_count_only_if_none_was_on_time() -> None:
    learner = Learner()
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=4)))
    late = quiz_of(learner.hand_in(learner.right(learner.drawn(2, first.seen)), attempt=2, late=True))
    assert (late.score, late.counted) == (80.0, 26.67)
    only_late = Learner()
    assert quiz_of(only_late.hand_in(only_late.right(only_late.drawn(1)), late=True)).counted == 80.0


def test_a_late_attempt_counts_for_nothing_after_any_submission_on_time() -> None:
    """nbgrader holds the submission that was on time, whatever it left unanswered."""
    learner = Learner()
    learner.hand_in({})
    late = quiz_of(learner.hand_in(learner.right(learner.drawn(1)), late=True))
    assert (late.state, late.score, late.counted) == ("计入", 80.0, 0.0)


class TestNobodyAnswersWithTheKeyInHand:
    """Past the learner's own due date a result shows the key, so what is answered after it does not count."""

    def late_twice(self, reveal: str) -> QuizGrade:
        learner = Learner(edition(reveal=reveal))
        first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=4), late=True, closed=True))
        assert first.revealed is (reveal != "不公布")
        second = learner.right(learner.drawn(2, first.seen))
        return quiz_of(learner.hand_in(second, attempt=2, late=True, closed=True))

    def test_a_second_late_attempt_is_recorded_and_not_counted(self) -> None:
        second = self.late_twice("末次")
        assert (second.state, second.counted) == ("超次", 26.67)

    @pytest.mark.parametrize("reveal", ["每次", "不公布"])
    def test_where_the_due_date_opens_nothing_it_counts(self, reveal: str) -> None:
        second = self.late_twice(reveal)
        assert (second.state, second.counted) == ("计入", 80.0)

    def test_what_counted_once_still_counts_when_the_due_date_is_moved_back(self) -> None:
        learner = Learner()
        first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=4)))
        second = learner.right(learner.drawn(2, first.seen))
        assert quiz_of(learner.hand_in(second, attempt=2)).counted == 80.0
        was = learner.history.pop()
        learner.history = [replace(attempt, late=True) for attempt in learner.history]
        again = quiz_of(learner.hand_in(second, attempt=2, late=True, closed=True, before=was))
        assert (again.state, again.counted) == ("计入", 80.0)

    def test_before_the_first_result_is_out_a_second_late_attempt_is_an_honest_one(self) -> None:
        learner = Learner()
        learner.hand_in(learner.right(learner.drawn(1), wrong=4), late=True, closed=True, released=False)
        assert quiz_of(learner.hand_in(learner.right(learner.drawn(1)), late=True, closed=True)).counted == 80.0
