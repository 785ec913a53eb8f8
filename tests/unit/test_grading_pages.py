"""The queue of feedback pages: what fails is tried again, later and not for ever; what others have is left to them."""

from __future__ import annotations

from typing import Any

import pytest

from qinlian.grading import pages as pages_module
from qinlian.grading.pages import Pages


class Feedback:
    """In the place of Rounds: says what becomes of each page, and remembers which were asked for."""

    def __init__(self, *outcomes: bool | None) -> None:
        self.outcomes, self.asked = list(outcomes), []  # type: ignore[var-annotated]

    def feedback(self, module: str, learner: str) -> bool | None:
        self.asked.append(learner)
        return self.outcomes.pop(0) if self.outcomes else True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(pages_module.time, "monotonic", lambda: now[0])
    return now


def queue(*outcomes: bool | None, learners: tuple[str, ...] = ("an",)) -> tuple[Pages, Any]:
    rounds: Any = Feedback(*outcomes)
    pages = Pages(rounds)
    for learner in learners:
        pages.add("01-start", learner, anyway=True)
    return pages, rounds


def test_a_page_that_fails_is_tried_again_after_a_while(clock: list[float]) -> None:
    pages, rounds = queue(False)
    assert not pages.step(), "nothing is to be done at once"
    assert not pages.step()
    assert rounds.asked == ["an"]
    clock[0] += 5.1
    pages.step()
    assert (rounds.asked, len(pages)) == (["an", "an"], 0)


def test_a_page_that_fails_does_not_keep_the_others_waiting(clock: list[float]) -> None:
    pages, rounds = queue(False, learners=("an", "bo"))
    while pages.step():
        pass
    assert rounds.asked == ["an", "bo"]
    assert len(pages) == 1


def test_a_page_that_always_fails_is_given_up_until_something_changes(clock: list[float]) -> None:
    pages, rounds = queue(False, False, False)
    for _ in range(10):
        clock[0] += 100
        pages.step()
    assert (len(rounds.asked), len(pages)) == (3, 0)
    pages.add("01-start", "an", anyway=True)
    pages.step()
    assert len(rounds.asked) == 4


def test_what_another_grader_is_at_stays_in_the_queue(clock: list[float]) -> None:
    pages, rounds = queue(None)
    assert not pages.step()
    assert len(pages) == 1
    pages.step()
    assert (rounds.asked, len(pages)) == (["an", "an"], 0)
