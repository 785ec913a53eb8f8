"""The learner's side of the exchange finds the result that counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.quiz.exchange import Exchange
from tests.unit.exchange_home import MODULE, fetched_home, grade, released_exchange


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return released_exchange(tmp_path)


@pytest.fixture
def home(tmp_path: Path, exchange: Exchange) -> Path:
    return fetched_home(tmp_path, exchange)


class TestResults:
    def test_none_before_the_grader_has_written_one(self, exchange: Exchange, home: Path) -> None:
        exchange.submit(home, MODULE)
        assert exchange.result(MODULE) is None

    def test_the_newest_submission_that_has_one_counts(self, exchange: Exchange, home: Path) -> None:
        first, second, third = (exchange.submit(home, MODULE) for _ in range(3))
        grade(exchange, first.result, score=10)
        grade(exchange, second.result, score=90)
        found = exchange.result(MODULE)
        assert found is not None
        assert (found[0], found[1].score) == (second, 90)
        assert exchange.under_way(home, MODULE)
        grade(exchange, third.result, score=20)
        assert not exchange.under_way(home, MODULE)

    def test_a_refusal_ends_the_waiting_and_hides_nothing_graded_before(self, exchange: Exchange, home: Path) -> None:
        first = exchange.submit(home, MODULE)
        grade(exchange, first.result, score=90)
        second = exchange.submit(home, MODULE)
        assert exchange.standing(MODULE).waiting
        grade(exchange, second.result, score=0, state="拒收", notes=("请重新提交",), quizzes={})
        standing = exchange.standing(MODULE)
        assert not standing.waiting
        assert (standing.graded, standing.taken) == (first.submitted_at, first.submitted_at)
        assert standing.result is not None
        assert (standing.result.score, standing.result.notes) == (90, ())
        assert standing.refusal is not None
        assert standing.refusal.notes == ("请重新提交",)
        assert exchange.result(MODULE) == (first, standing.result)
        third = exchange.submit(home, MODULE)
        assert (exchange.standing(MODULE).waiting, exchange.standing(MODULE).refusal) == (True, None)
        grade(exchange, third.result, score=20)
        assert exchange.standing(MODULE).taken == third.submitted_at

    def test_a_refusal_alone_is_no_result(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        grade(exchange, sent.result, score=0, state="拒收", notes=("请重新提交",), quizzes={})
        assert exchange.result(MODULE) is None
        standing = exchange.standing(MODULE)
        assert (standing.waiting, standing.taken, standing.submitted) == (False, None, sent.submitted_at)

    def test_a_damaged_result_is_as_good_as_none(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        grade(exchange, sent.result)
        (exchange.root / "qinlian" / "feedback" / sent.result).write_text('{"score": 1')
        assert exchange.result(MODULE) is None

    def test_a_result_of_another_module_is_not_taken(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        grade(exchange, sent.result, module="91-other")
        assert exchange.result(MODULE) is None
