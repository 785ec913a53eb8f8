"""What a submission comes to: attempts, draws, best and last, late ones, and everything that can be wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qinlian.core.drawing import draw
from qinlian.core.files import Answer, AnswerFile
from qinlian.core.model import Module, QuizBlock
from qinlian.errors import AnswersError
from qinlian.grading.editions import Edition, edition_of
from qinlian.grading.grades import PastAttempt, PastQuiz, QuizGrade, SubmissionGrade
from qinlian.grading.score import grade
from qinlian.items.base import item_type
from tests.sample import COURSE, IDS, MODULE

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
QUIZ = "90-exam"


def edition(**policy: Any) -> Edition:
    """The sample module with another policy for its quiz."""
    blocks = tuple(b.model_copy(update=policy) if isinstance(b, QuizBlock) else b for b in MODULE.blocks)
    module = MODULE.model_copy(update={"blocks": blocks})
    return edition_of(COURSE.model_copy(update={"modules": (module,)}), module, IDS)


@dataclass
class Learner:
    """One learner handing in again and again, as the lesson page would let them."""

    edition: Edition = field(default_factory=edition)
    name: str = "zhang"
    history: list[PastAttempt] = field(default_factory=list)
    now: datetime = START

    def drawn(self, attempt: int, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
        quiz = self.edition.quizzes[QUIZ]
        return draw(
            edition=self.edition.edition,
            quiz=QUIZ,
            learner=self.name,
            attempt=attempt,
            pool=self.edition.pools[QUIZ],
            count=quiz.count,
            seen=seen,
        )

    def right(self, items: tuple[str, ...], wrong: int = 0) -> dict[str, Any]:
        """Full-mark answers, but none to the first ``wrong`` items."""
        found = {}
        for pid in items[wrong:]:
            item = self.edition.items[pid]
            found[pid] = item_type(item.kind).key(item, self.edition.ids)
        return found

    def hand_in(
        self,
        values: dict[str, Any] | AnswersError,
        attempt: int = 1,
        *,
        late: bool = False,
        released: bool = True,
        **more: Any,
    ) -> SubmissionGrade:
        """Grade, and remember it; ``released`` says that the result went out a minute later."""
        given = values
        if isinstance(values, dict):
            given = AnswerFile(
                course="qinlian",
                module=self.edition.module.id,
                edition=more.pop("names", self.edition.edition),
                attempts=more.pop("attempts", {QUIZ: attempt}),
                answers={pid: Answer(value=v) for pid, v in values.items()},
            )
        number = len(self.history) + 1
        done = grade(
            current=self.edition,
            named=more.pop("named", self.edition),
            learner=self.name,
            answers=given,  # type: ignore[arg-type]
            history=self.history,
            number=number,
            seen_at=self.now,
            late=late,
            **more,
        )
        self.history.append(past(done, self.now + timedelta(minutes=1) if released else None))
        self.now += timedelta(hours=1)
        return done


def past(done: SubmissionGrade, released_at: datetime | None) -> PastAttempt:
    quizzes = tuple(
        PastQuiz(q.quiz.id, q.state, q.number, q.draw, q.score, q.quiz.points, q.items) for q in done.quizzes
    )
    return PastAttempt(done.number, done.late, released_at, quizzes)


def quiz_of(done: SubmissionGrade) -> QuizGrade:
    return done.quiz(QUIZ)


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


# Grading again


def test_grading_an_older_submission_again_keeps_what_the_later_ones_earned() -> None:
    learner = Learner()
    first = quiz_of(learner.hand_in(learner.right(learner.drawn(1), wrong=4)))
    learner.hand_in(learner.right(learner.drawn(2, first.seen)), attempt=2)
    again = grade(
        current=learner.edition,
        named=learner.edition,
        learner=learner.name,
        answers=AnswersError("missing", "没有"),
        history=learner.history[1:],
        number=1,
        seen_at=START,
    )
    assert quiz_of(again).counted == 80.0


def test_a_past_score_is_scaled_to_the_points_of_today() -> None:
    learner = Learner()
    learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    learner.edition = edition(points=100)
    assert quiz_of(learner.hand_in({})).counted == 50.0


# Editions


def test_a_submission_is_graded_against_the_edition_it_names_with_the_rules_of_today() -> None:
    learner = Learner()
    newer = edition(points=100, attempts=1)
    answers = learner.right(learner.drawn(1), wrong=3)
    old = learner.edition
    learner.edition = newer
    done = learner.hand_in(answers, named=old, names=old.edition)
    assert done.edition is old
    assert quiz_of(done).score == 50.0
    assert quiz_of(done).final


def test_an_unknown_edition_is_graded_by_the_newest_with_a_note() -> None:
    learner = Learner()
    done = learner.hand_in(learner.right(learner.drawn(1)), named=None, names="f" * 20)
    assert quiz_of(done).score == 80.0
    assert any("没有存档" in note for note in done.notes)


# Bad input


@pytest.mark.parametrize("code", ["missing", "too-large", "not-utf8", "not-json", "wrong-schema", "not-regular"])
def test_unusable_answers_score_zero_with_the_reason(code: str) -> None:
    done = Learner().hand_in(AnswersError(code, "说明"))
    assert (done.code, done.notes) == (code, ("说明",))
    assert quiz_of(done).counted == 0.0
    assert done.reflections[0].text is None


def test_unusable_answers_do_not_lose_an_earlier_score() -> None:
    learner = Learner()
    learner.hand_in(learner.right(learner.drawn(1)))
    assert quiz_of(learner.hand_in(AnswersError("missing", "没有"))).counted == 80.0


@pytest.mark.parametrize(("name", "code"), [("module", "wrong-module"), ("course", "wrong-course")])
def test_answers_of_another_module_or_course_are_not_used(name: str, code: str) -> None:
    learner = Learner()
    fields = {"course": "qinlian", "module": MODULE.id, "edition": learner.edition.edition} | {name: "other"}
    answers = {pid: Answer(value=v) for pid, v in learner.right(learner.drawn(1)).items()}
    done = grade(
        current=learner.edition,
        named=learner.edition,
        learner=learner.name,
        answers=AnswerFile(**fields, answers=answers),
        seen_at=START,
    )
    assert (done.code, quiz_of(done).counted) == (code, 0.0)


def test_unknown_items_are_counted_in_a_note_and_nowhere_else() -> None:
    learner = Learner()
    done = learner.hand_in(learner.right(learner.drawn(1)) | {"f" * 16: "x", "../../etc": "y"})
    assert quiz_of(done).score == 80.0
    assert any("有 2 条作答不属于这个模块" in note for note in done.notes)
    assert not any("etc" in note for note in done.notes)


JUNK = [
    "f" * 16,
    ["f" * 16],
    {"f" * 16: "f" * 16},
    3,
    True,
    1.5,
    [[[]]],
    {"a": {"b": {}}},
    "<script>alert(1)</script>",
    ["x"] * 4000,
    "\ud800",
]


@pytest.mark.parametrize("junk", JUNK, ids=lambda j: repr(j)[:25])
def test_a_value_no_page_could_have_made_scores_zero_for_that_item_alone(junk: Any) -> None:
    learner = Learner()
    drawn = learner.drawn(1)
    refused = Learner().hand_in(learner.right(drawn, wrong=1) | {drawn[0]: junk})
    assert quiz_of(refused).score == 66.67
    assert (quiz_of(refused).items[0].value, quiz_of(refused).items[0].fraction) == (None, 0.0)
    assert quiz_of(refused).items[0].problem == "选项不属于这道题"
    assert any("有 1 道题的答案不能用" in note for note in refused.notes)


def test_a_reflection_of_the_wrong_kind_or_size_is_not_taken() -> None:
    reflection = IDS.of("LZ-90-R1")
    for bad in (["list"], {"a": 1}, "字" * 20_001):
        done = Learner().hand_in({reflection: bad})
        assert done.reflections[0].text is None
        assert any("心得没有收下" in note for note in done.notes)


def test_what_cannot_be_stored_is_taken_out_of_free_text() -> None:
    done = Learner().hand_in({IDS.of("LZ-90-R1"): "一\x00二\r\n三\ud800四\x1b[31m"})
    assert done.reflections[0].text == "一二\n三\ufffd四[31m"


def test_a_text_of_nothing_but_control_characters_is_no_text() -> None:
    assert Learner().hand_in({IDS.of("LZ-90-R1"): "\x00\x01 \x02"}).reflections[0].text is None


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
PUBLIC = st.sampled_from(
    [IDS.of(i.id) for i in MODULE.items] + [IDS.of(i.id, e.letter) for i in MODULE.items for e in i.elements]
)
VALUES = st.recursive(
    SCALARS | PUBLIC,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3) | PUBLIC, inner, max_size=5),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(PUBLIC | st.text(max_size=20), VALUES, max_size=12),
    st.dictionaries(st.just(QUIZ) | st.text(max_size=5), st.integers(), max_size=2),
    st.booleans(),
)
def test_whatever_was_answered_every_score_is_in_range(
    values: dict[str, Any], attempts: dict[str, int], late: bool
) -> None:
    learner = Learner()
    for _ in range(2):
        quiz = quiz_of(learner.hand_in(values, attempts=attempts, late=late))
        for score in (quiz.score, quiz.counted):
            assert type(score) is float
            assert 0.0 <= score <= 80.0


def test_a_quiz_that_an_old_edition_lacks_is_graded_by_the_newest() -> None:
    without = tuple(b for b in MODULE.blocks if not isinstance(b, QuizBlock))
    module: Module = MODULE.model_copy(update={"blocks": without})
    old = edition_of(COURSE, module, IDS)
    learner = Learner()
    done = learner.hand_in(learner.right(learner.drawn(1)), named=old, names=old.edition)
    assert quiz_of(done).score == 80.0
