"""Coefficient alpha and the standard error of measurement, by hand and counted another way."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qinlian.reports.analysis import reliability
from tests.answers import as_responses, responses


def scores(seed: int, people: int = 40, items: int = 10) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chance = rng.normal(size=(people, 1)) + rng.normal(size=items)
    return (rng.random((people, items)) < 1 / (1 + np.exp(-chance))).astype(float)


def pooled(seed: int, people: int = 60, items: int = 20, draw: int = 8) -> np.ndarray:
    kept = scores(seed, people, items)
    order = np.random.default_rng(seed).random(kept.shape).argsort(axis=1).argsort(axis=1)
    kept[order >= draw] = np.nan
    return kept


def test_alpha_by_hand():
    # Variances 1/4, 1/3, 1/3 · covariances of the three pairs 1/6, 1/6, 0 … of four people.
    frame = responses(
        {
            "甲": {"Q1": 1, "Q2": 1, "Q3": 1},
            "乙": {"Q1": 1, "Q2": 1, "Q3": 0},
            "丙": {"Q1": 1, "Q2": 0, "Q3": 1},
            "丁": {"Q1": 0, "Q2": 0, "Q3": 0},
        }
    )
    found = reliability(frame)
    v = (1 / 4 + 1 / 3 + 1 / 3) / 3
    c = (1 / 6 + 1 / 6 + 0) / 3
    assert found.alpha == pytest.approx(3 * c / (v + 2 * c))
    assert (found.n, found.k, found.items, found.complete, found.method) == (4, 3, 3, True, "Feldt")


@pytest.mark.parametrize("seed", range(5))
def test_for_right_and_wrong_alpha_is_kr20(seed: int):
    x = scores(seed)
    k, p, total = x.shape[1], x.mean(axis=0), x.sum(axis=1)
    kr20 = k / (k - 1) * (1 - (p * (1 - p)).sum() / total.var())
    assert reliability(as_responses(x)).alpha == pytest.approx(kr20, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_error_of_measurement_is_sd_times_root_of_one_less_alpha(seed: int):
    x = scores(seed)
    found = reliability(as_responses(x))
    sd = x.mean(axis=1).std(ddof=1)
    assert found.sd == pytest.approx(sd, abs=1e-9)
    assert found.sem == pytest.approx(sd * math.sqrt(1 - found.alpha), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_in_a_pool_it_is_made_of_pandas_pairwise_covariances(seed: int):
    x = pooled(seed)
    cov, there = pd.DataFrame(x).cov().to_numpy(), (~np.isnan(x)).astype(float)
    freedom = there.T @ there - 1
    apart = ~np.eye(len(cov), dtype=bool) & (freedom > 0)
    v = (np.diag(cov) * np.diag(freedom)).sum() / np.diag(freedom).sum()
    c = (cov[apart] * freedom[apart]).sum() / freedom[apart].sum()
    found = reliability(as_responses(x))
    assert found.k == 8
    assert found.alpha == pytest.approx(8 * c / (v + 7 * c), abs=1e-9)
    assert (found.complete, found.method) == (False, "ADF")
    assert found.alpha_low < found.alpha < found.alpha_high


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_of_complete_data_is_feldts(seed: int):
    x = scores(seed)
    found = reliability(as_responses(x))
    # (1 − α̂)/(1 − α) is F distributed with n − 1 and (n − 1)(k − 1) degrees of freedom.
    for limit, p in ((found.alpha_low, 0.975), (found.alpha_high, 0.025)):
        ratio = (1 - found.alpha) / (1 - limit)
        assert stats.f.cdf(1 / ratio, 39, 39 * 9) == pytest.approx(p, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_a_pool_is_as_wide_as_leaving_out_one_person_after_the_other_says(seed: int):
    frame = as_responses(pooled(seed, people=120))
    found = reliability(frame)
    without = [math.log(1 - reliability(frame[frame["account"] != who], 8).alpha) for who in frame["account"].unique()]
    jackknife = math.sqrt(119 * np.var(without))
    width = math.log((1 - found.alpha_low) / (1 - found.alpha_high))
    assert width == pytest.approx(2 * stats.norm.isf(0.025) * jackknife, rel=0.1)


def test_an_attempt_of_more_items_of_the_same_pool_is_more_reliable_by_spearman_brown():
    frame = as_responses(pooled(3))
    short, long = reliability(frame, 8), reliability(frame, 16)
    assert long.alpha == pytest.approx(2 * short.alpha / (1 + short.alpha))
    assert short.items_for(long.alpha) == pytest.approx(16)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=3, max_size=30).filter(lambda row: len(set(row)) > 1))
def test_items_that_are_copies_of_each_other_have_an_alpha_of_one(column: list[float]):
    found = reliability(as_responses(np.array([column] * 4).T))
    assert found.alpha == pytest.approx(1)
    assert found.sem == pytest.approx(0, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([f"u{n}" for n in range(9)]),
        st.dictionaries(st.sampled_from(["Q1", "Q2", "Q3", "Q4", "Q5"]), st.sampled_from([None, 0.0, 0.5, 1.0])),
    ),
    st.randoms(use_true_random=False),
)
def test_whatever_was_drawn_it_is_at_most_one_and_follows_no_name(given_answers: dict, random):
    frame = responses(given_answers)
    found = reliability(frame)
    assert math.isnan(found.alpha) or found.alpha_low <= found.alpha <= found.alpha_high <= 1
    assert math.isnan(found.sem) or found.sem >= 0
    names = list(given_answers)
    random.shuffle(names)
    renamed = frame.assign(account=frame["account"].map({n: f"x{i}" for i, n in enumerate(names)}))
    other = reliability(renamed.sample(frac=1, random_state=random.randrange(100)))
    assert dataclasses.astuple(other)[:5] == pytest.approx(dataclasses.astuple(found)[:5], nan_ok=True)


def test_who_drew_other_items_only_changes_nothing():
    frame = as_responses(scores(1))
    with_one = pd.concat([frame, responses({"外": {"Q99": 1}})])
    assert reliability(with_one, 10).alpha == pytest.approx(reliability(frame).alpha)


@pytest.mark.parametrize(
    "frame",
    [
        responses({}),
        responses({"甲": {"Q1": 1, "Q2": 0}}),
        responses({"甲": {"Q1": 1}, "乙": {"Q1": 0}}),
        responses({"甲": {"Q1": 1, "Q2": 1}, "乙": {"Q1": 1, "Q2": 1}}),
    ],
    ids=["nobody", "one person", "one item", "all alike"],
)
def test_what_cannot_be_told_is_not_told(frame: pd.DataFrame):
    found = reliability(frame)
    assert math.isnan(found.alpha)
    assert math.isnan(found.sem)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_alpha_and_its_interval_are_pingouins(seed: int):
    import pingouin

    x = scores(seed)
    found = reliability(as_responses(x))
    alpha, interval = pingouin.cronbach_alpha(pd.DataFrame(x))
    assert found.alpha == pytest.approx(alpha, abs=1e-9)
    # pingouin rounds the interval to three places.
    assert [round(found.alpha_low, 3), round(found.alpha_high, 3)] == interval.tolist()


@pytest.mark.slow
def test_the_interval_of_a_pool_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    easy = rng.normal(-0.8, 1, 40)

    def answers(people: int) -> np.ndarray:
        return (rng.random((people, 40)) < 1 / (1 + np.exp(-(1.2 * rng.normal(size=(people, 1)) - easy)))).astype(float)

    cov = np.cov(answers(200_000).T)
    v, c = np.diag(cov).mean(), cov[~np.eye(40, dtype=bool)].mean()
    truth = 10 * c / (v + 9 * c)
    held = 0
    for _ in range(200):
        x = answers(150)
        x[rng.random(x.shape).argsort(axis=1).argsort(axis=1) >= 10] = np.nan
        found = reliability(as_responses(x))
        held += found.alpha_low <= truth <= found.alpha_high
    assert 0.90 <= held / 200 <= 0.99
