"""A score is one plain Python float in [0, points], whatever comes in."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.core.scoring import passes, plain_score, quiz_score

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=0.01, max_value=1000)


@pytest.mark.parametrize(
    "value", [None, "", "满分", float("nan"), float("inf"), -1, -0.0, True, [], {}, object(), numpy.float64("nan")]
)
def test_what_is_no_number_in_range_is_zero(value: Any) -> None:
    score = plain_score(value, 10)
    assert type(score) is float
    assert score == 0.0


@pytest.mark.parametrize("value", [numpy.float64(3.5), numpy.float32(3.5), 3.5, "3.5"])
def test_numbers_of_any_make_become_plain_floats(value: Any) -> None:
    score = plain_score(value, 10)
    assert type(score) is float
    assert repr(score) == "3.5"


def test_more_than_the_maximum_is_the_maximum() -> None:
    assert plain_score(11, 10) == 10.0


@given(st.one_of(st.floats(), st.integers(), st.text(max_size=5), st.none(), st.booleans()), finite)
def test_any_value_gives_a_plain_float_in_range(value: Any, points: float) -> None:
    score = plain_score(value, points)
    assert type(score) is float
    assert math.isfinite(score)
    assert 0.0 <= score <= points


@given(finite, st.lists(st.tuples(st.floats(), st.floats(0.1, 100)), max_size=20))
def test_any_draw_scores_between_zero_and_the_quizs_points(points: float, parts: list[tuple[float, float]]) -> None:
    score = quiz_score(points, parts)
    assert type(score) is float
    assert 0.0 <= score <= points


def test_a_quiz_score_is_its_points_times_earned_by_possible() -> None:
    assert quiz_score(80, [(1.0, 4), (0.5, 2), (0.0, 4)]) == 40.0


def test_a_quiz_score_has_two_decimals() -> None:
    assert quiz_score(100, [(1.0, 1), (0.0, 2)]) == 33.33


def test_an_empty_draw_scores_zero() -> None:
    assert quiz_score(80, []) == 0.0


def test_everything_right_is_exactly_full_marks() -> None:
    assert quiz_score(70, [(1.0, 0.1)] * 7) == 70.0


@pytest.mark.parametrize("points", [1, 7, 20, 33, 80, 100])
def test_just_the_pass_mark_passes_and_a_cent_less_does_not(points: int) -> None:
    for percent in range(1, 101):
        needed = round(points * percent / 100, 2)
        assert passes(needed, points, percent), (points, percent)
        assert not passes(round(needed - 0.01, 2), points, percent), (points, percent)
