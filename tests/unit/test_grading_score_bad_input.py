"""What a submission comes to when something in it is wrong: a defined score, a note, and nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qinlian.core.files import Answer, AnswerFile
from qinlian.errors import AnswersError
from qinlian.grading.score import grade
from tests.sample import IDS, MODULE
from tests.unit.grading_learner import QUIZ, START, Learner, quiz_of


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
    assert quiz_of(refused).items[0].problem.endswith("不属于这道题")
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
