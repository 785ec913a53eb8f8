"""What a grade cell says: no more than the quiz's rule lets the learner see at that moment."""

from __future__ import annotations

from typing import Any

import pytest

from qinlian.grading.explain import explain, summary, topics_to_review
from qinlian.grading.grades import QuizGrade, SubmissionGrade
from qinlian.items.base import item_type
from tests.sample import IDS
from tests.unit.grading_learner import Learner, edition, quiz_of


def html_of(done: SubmissionGrade) -> str:
    return explain(done, quiz_of(done))


def secrets_of(learner: Learner, quiz: QuizGrade) -> list[str]:
    """Every explanation, citation and public id of a key that belongs to the drawn items."""
    found: list[str] = []
    for grade in quiz.items:
        item = learner.edition.items[grade.public_id]
        found += [item.explanation.split("，")[0], *item.citations, str(item_type(item.kind).key(item, IDS))]
        found += [e.feedback for e in item.elements] + [e.text for e in item.elements]
    return found


def test_before_the_last_attempt_it_tells_the_score_and_what_to_review_and_nothing_of_the_key() -> None:
    learner = Learner()
    done = learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    html = html_of(done)
    assert "40 / 80 分" in html
    assert "建议回看" in html
    assert "次数用完、及格或测验截止后公布" in html
    for secret in secrets_of(learner, quiz_of(done)):
        assert secret not in html


def test_a_quiz_that_never_opens_its_key_does_not_do_so_after_full_marks_either() -> None:
    learner = Learner(edition(reveal="不公布", attempts=1))
    done = learner.hand_in(learner.right(learner.drawn(1)), closed=True)
    for secret in secrets_of(learner, quiz_of(done)):
        assert secret not in html_of(done)


@pytest.mark.parametrize("policy", [{"reveal": "每次"}, {"attempts": 1}])
def test_when_the_rule_allows_it_shows_each_item_with_answer_key_explanation_and_citation(
    policy: dict[str, Any],
) -> None:
    learner = Learner(edition(**policy))
    done = learner.hand_in(learner.right(learner.drawn(1), wrong=3))
    html = html_of(done)
    for grade in quiz_of(done).items:
        item = learner.edition.items[grade.public_id]
        assert item.citations[0] in html
        assert f"第 {item.id[-3:].lstrip('0')} 题的解析" in html
    assert html.count("（未作答）") == 3
    assert html.count("正确（100%）") == 3


def test_options_are_named_by_the_letters_that_the_learner_saw() -> None:
    learner = Learner(edition(reveal="每次", count=12))
    drawn = learner.drawn(1)
    done = learner.hand_in(learner.right(drawn))
    single = next(g for g in quiz_of(done).items if learner.edition.items[g.public_id].kind == "单选")
    item = learner.edition.items[single.public_id]
    key = next(e for e in item.elements if e.mark)
    assert f"{IDS.display_letters(item)[key.letter]}. {key.text}" in html_of(done)
    explained = f"最容易选错的是 {IDS.display_letters(item)['B']}。"
    assert explained in html_of(done)


def test_a_quiz_nobody_answered_says_so() -> None:
    done = Learner().hand_in({})
    assert "没有作答" in html_of(done)
    assert "未作答" in summary(quiz_of(done))


def test_after_a_submission_without_a_new_attempt_the_last_attempt_is_shown_again() -> None:
    learner = Learner(edition(reveal="每次"))
    answers = learner.right(learner.drawn(1), wrong=3)
    first = html_of(learner.hand_in(answers))
    assert html_of(learner.hand_in(answers)) == first


def test_topics_to_review_are_those_of_items_without_full_marks() -> None:
    learner = Learner()
    everything_right = quiz_of(learner.hand_in(learner.right(learner.drawn(1))))
    assert topics_to_review(learner.edition, everything_right.items) == ()
    wrong = quiz_of(Learner().hand_in(learner.right(learner.drawn(1), wrong=6) | {"f" * 16: 1}))
    assert set(topics_to_review(learner.edition, wrong.items)) == {"礼品礼金", "宴请"}


def test_notes_are_shown_to_both_sides() -> None:
    done = Learner().hand_in({"f" * 16: "x"})
    assert done.notes[0] in html_of(done)
