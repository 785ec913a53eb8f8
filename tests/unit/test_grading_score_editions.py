"""What a submission comes to when it is graded again or the course has changed since."""

from __future__ import annotations

from qinlian.core.model import Module, QuizBlock
from qinlian.errors import AnswersError
from qinlian.grading.editions import edition_of
from qinlian.grading.score import grade
from tests.sample import COURSE, IDS, MODULE
from tests.unit.grading_learner import START, Learner, edition, quiz_of

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


def test_a_quiz_that_an_old_edition_lacks_is_graded_by_the_newest() -> None:
    without = tuple(b for b in MODULE.blocks if not isinstance(b, QuizBlock))
    module: Module = MODULE.model_copy(update={"blocks": without})
    old = edition_of(COURSE, module, IDS)
    learner = Learner()
    done = learner.hand_in(learner.right(learner.drawn(1)), named=old, names=old.edition)
    assert quiz_of(done).score == 80.0
