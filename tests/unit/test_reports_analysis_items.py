"""Facility, discrimination and the distractor table, by hand and against SciPy."""

from __future__ import annotations

import json
import math
import tracemalloc
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qinlian.reports.analysis import distractors, flags, item_table, reliability
from qinlian.reports.analysis.drawn import drawn
from tests.answers import as_responses, option_frame, responses

SMALL = responses(
    {
        "甲": {"Q1": 1, "Q2": 1, "Q3": 1},
        "乙": {"Q1": 1, "Q2": 1, "Q3": 0},
        "丙": {"Q1": 0, "Q2": 1, "Q3": None},
        "丁": {"Q1": 0, "Q2": 0, "Q3": 0},
    }
)


def random_scores(seed: int, people: int = 30, items: int = 8, *, partial: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chance = rng.normal(size=(people, 1)) + rng.uniform(-1, 1, size=items)
    if partial:
        return rng.binomial(3, 1 / (1 + np.exp(-chance))) / 3
    return (rng.random((people, items)) < 1 / (1 + np.exp(-chance))).astype(float)


def test_facility_is_the_share_of_those_who_drew_the_item():
    table = item_table(SMALL)
    assert table["facility"].to_dict() == {"Q1": 0.5, "Q2": 0.75, "Q3": 0.25}
    assert table["n"].to_list() == [4, 4, 4]


def test_an_item_left_empty_is_wrong_and_omitted_besides():
    assert item_table(SMALL).loc["Q3", ["facility", "omitted"]].to_list() == [0.25, 0.25]


def test_an_item_left_empty_is_wrong_even_where_nobody_wrote_down_that_it_is():
    frame = SMALL.assign(fraction=SMALL["fraction"].where(SMALL["answered"]))
    pd.testing.assert_frame_equal(item_table(frame), item_table(SMALL))


def test_an_item_that_was_not_drawn_counts_nowhere():
    frame = responses({"甲": {"Q1": 1, "Q2": 0}, "乙": {"Q2": 1}})
    assert item_table(frame).loc["Q1", ["n", "facility", "omitted"]].to_list() == [1, 1.0, 0.0]


def test_an_answer_that_nobody_scored_is_left_out():
    frame = pd.concat([SMALL, pd.DataFrame([("甲", "Q9", True, float("nan"))], columns=SMALL.columns)])
    pd.testing.assert_frame_equal(item_table(frame), item_table(SMALL))


def test_only_the_first_meeting_with_an_item_counts():
    first = SMALL.assign(submitted_at=pd.Timestamp("2026-03-01", tz="UTC"))
    again = SMALL.assign(fraction=1.0, answered=True, submitted_at=pd.Timestamp("2026-03-02", tz="UTC"))
    pd.testing.assert_frame_equal(item_table(pd.concat([again, first])), item_table(SMALL))


def test_discrimination_by_hand():
    # Q1 is 1 1 0 0; the mean of the other two is 1, 1/2, 1/2, 0: covariance 1/4 · 4, spreads 1 and 1/2.
    assert item_table(SMALL).loc["Q1", "discrimination"] == pytest.approx(1 / math.sqrt(2))


def test_the_tails_by_hand():
    # By the rest of Q1, 27 % of four come nearest to one person at each end: 甲 above, 丁 below.
    row = item_table(SMALL).loc["Q1"]
    assert (row["n_upper"], row["n_lower"], row["upper_lower"]) == (1, 1, 1.0)


def test_people_with_equal_scores_stand_in_the_same_group():
    given = {f"p{i}": {"Q1": i % 2, "Q2": int(i >= 5), "Q3": int(i >= 5)} for i in range(10)}
    row = item_table(responses(given)).loc["Q1"]
    assert (row["n_upper"], row["n_lower"]) == (5, 5)


def test_where_all_have_the_same_score_nobody_is_high_or_low():
    given = {f"p{i}": {"Q1": i % 2, "Q2": 1} for i in range(6)}
    row = item_table(responses(given)).loc["Q1"]
    assert (row["n_upper"], row["n_lower"]) == (0, 0)
    assert row[["discrimination", "upper_lower", "upper_lower_low"]].isna().all()


def test_an_only_item_has_no_discrimination():
    row = item_table(responses({"甲": {"Q1": 1}, "乙": {"Q1": 0}})).loc["Q1"]
    assert (row["n"], row["n_rest"]) == (2, 0)
    assert row[["discrimination", "upper_lower"]].isna().all()


def test_without_responses_there_are_no_rows():
    assert len(item_table(SMALL.iloc[:0])) == 0


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_discrimination_is_scipys_correlation_with_the_rest(seed: int, partial: bool):
    scores = random_scores(seed, partial=partial)
    table = item_table(as_responses(scores))
    for column, (_, row) in enumerate(table.iterrows()):
        rest = np.delete(scores, column, axis=1).mean(axis=1)
        expected = stats.pearsonr(scores[:, column], rest)
        interval = expected.confidence_interval(0.95)
        assert row["discrimination"] == pytest.approx(expected.statistic, abs=1e-9)
        assert row["discrimination_low"] == pytest.approx(interval.low, abs=1e-9)
        assert row["discrimination_high"] == pytest.approx(interval.high, abs=1e-9)
        if not partial:
            assert row["discrimination"] == pytest.approx(
                stats.pointbiserialr(scores[:, column], rest).statistic, abs=1e-9
            )


def test_in_a_pool_the_rest_is_what_the_same_person_drew():
    scores = random_scores(7, people=80, items=12)
    scores[np.random.default_rng(7).random(scores.shape) < 0.3] = np.nan
    table = item_table(as_responses(scores))
    for column, name in enumerate(table.index):
        own = ~np.isnan(scores[:, column])
        rest = np.nanmean(np.delete(scores, column, axis=1)[own], axis=1)
        expected = stats.pearsonr(scores[own, column], rest).statistic
        assert table.loc[name, "discrimination"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_of_facility_are_scipys(seed: int):
    table = item_table(as_responses(random_scores(seed)))
    for _, row in table.iterrows():
        expected = stats.binomtest(round(row["facility"] * row["n"]), row["n"]).proportion_ci(0.95, "wilson")
        assert row["facility_low"] == pytest.approx(expected.low, abs=1e-9)
        assert row["facility_high"] == pytest.approx(expected.high, abs=1e-9)
    scores = random_scores(seed, partial=True)
    table = item_table(as_responses(scores))
    for column, (_, row) in enumerate(table.iterrows()):
        x = scores[:, column]
        low, high = stats.t.interval(0.95, len(x) - 1, loc=x.mean(), scale=stats.sem(x))
        assert row["facility_low"] == pytest.approx(max(low, 0), abs=1e-9)
        assert row["facility_high"] == pytest.approx(min(high, 1), abs=1e-9)


def test_partial_credit_that_all_share_is_not_taken_for_certain():
    row = item_table(responses({"甲": {"Q1": 0.5}, "乙": {"Q1": 0.5}})).loc["Q1"]
    z = NormalDist().inv_cdf(0.975)
    half = z * math.sqrt(0.25 / 2 + z**2 / 16) / (1 + z**2 / 2)
    assert row["facility_high"] - row["facility_low"] == pytest.approx(2 * half)


def test_the_tails_counted_another_way():
    scores = random_scores(3, people=60)
    table = item_table(as_responses(scores))
    for column, name in enumerate(table.index):
        rest = np.delete(scores, column, axis=1).sum(axis=1).astype(int)
        values = sorted(set(rest.tolist()))
        tails = []
        for pick in ([rest <= v for v in values], [rest >= v for v in reversed(values)]):
            tails.append(min(pick, key=lambda tail: round(abs(tail.mean() - 0.27), 9)))
        low, high = tails
        expected = scores[high, column].mean() - scores[low, column].mean()
        assert table.loc[name, "upper_lower"] == pytest.approx(expected, abs=1e-9)
        assert not (low & high).any()


fractions = st.sampled_from([None, 0.0, 0.25, 0.5, 1.0])
people = st.dictionaries(
    st.sampled_from([f"u{n}" for n in range(25)]),
    st.dictionaries(st.sampled_from(["Q1", "Q2", "Q3", "Q4"]), fractions, min_size=1),
    min_size=1,
)


@settings(max_examples=15, deadline=None)
@given(people)
def test_every_number_stays_in_its_range(given_answers: dict):
    table = item_table(responses(given_answers))
    for name, least in (("facility", 0), ("omitted", 0), ("discrimination", -1), ("upper_lower", -1)):
        low, value, high = (table[c].dropna() for c in (f"{name}_low", name, f"{name}_high"))
        assert value.between(least - 1e-12, 1 + 1e-12).all()
        assert low.between(least - 1e-9, 1 + 1e-9).all()
        assert high.between(least - 1e-9, 1 + 1e-9).all()
        assert (low <= value[low.index] + 1e-9).all()
        assert (high >= value[high.index] - 1e-9).all()


@settings(max_examples=15, deadline=None)
@given(people, st.randoms(use_true_random=False))
def test_names_and_the_order_of_rows_change_nothing(given_answers: dict, random):
    names = list(given_answers)
    random.shuffle(names)
    renamed = {f"x{names.index(name)}": answers for name, answers in given_answers.items()}
    frame = responses(renamed).sample(frac=1, random_state=random.randrange(1000))
    pd.testing.assert_frame_equal(item_table(responses(given_answers)), item_table(frame))


@settings(max_examples=15, deadline=None)
@given(people, st.permutations(["Q1", "Q2", "Q3", "Q4"]))
def test_names_of_items_change_nothing(given_answers: dict, names: list[str]):
    renamed = dict(zip(["Q1", "Q2", "Q3", "Q4"], names, strict=True))
    frame = responses(given_answers)
    other = item_table(frame.assign(item=frame["item"].map(renamed)))
    expected = item_table(frame).rename(index=renamed).sort_index()
    pd.testing.assert_frame_equal(expected, other)


@settings(max_examples=15, deadline=None)
@given(people)
def test_people_who_did_not_draw_an_item_leave_its_numbers_alone(given_answers: dict):
    before = item_table(responses(given_answers))
    others = {f"z{n}": {"Q8": 1, "Q9": n % 2} for n in range(7)}
    after = item_table(responses(given_answers | others)).loc[before.index]
    pd.testing.assert_frame_equal(before, after)


def test_categories_that_nobody_has_make_no_rows():
    frame = SMALL.assign(item=SMALL["item"].astype(pd.CategoricalDtype(["Q1", "Q2", "Q3", "Q4"])))
    assert item_table(frame).index.to_list() == ["Q1", "Q2", "Q3"]


CHOICES = pd.DataFrame(
    [
        # The other item ranks them: 甲 and 乙 above, 丙 in between, 丁 and 戊 below.
        ("甲", "Q1", True, 1.0, '"Q1-A"'),
        ("乙", "Q1", True, 0.0, '"Q1-B"'),
        ("丙", "Q1", True, 0.0, '"Q1-B"'),
        ("丁", "Q1", True, 0.0, '"Q1-C"'),
        ("戊", "Q1", False, 0.0, "null"),
        ("甲", "Q2", True, 1.0, '["Q2-A", "Q2-C"]'),
        ("乙", "Q2", True, 1.0, '["Q2-A", "Q2-C"]'),
        ("丙", "Q2", True, 0.5, '["Q2-A"]'),
        ("丁", "Q2", True, 0.0, '["Q2-D", "gone"]'),
        ("戊", "Q2", False, 0.0, "null"),
    ],
    columns=["account", "item", "answered", "fraction", "value"],
)


def test_the_distractor_table_by_hand():
    table = distractors(CHOICES, option_frame(["Q1", "Q2", "Q7"], ["A", "AC", "A"]))
    assert list(table["item"].unique()) == ["Q1", "Q2"]
    wide = table[table["item"] == "Q1"].pivot(index="option", columns="group", values="n")
    assert wide.to_numpy().tolist() == [[0, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]]
    low = table[(table["item"] == "Q1") & (table["group"] == "低")]
    assert low["size"].to_list() == [2] * 4
    assert low["omitted"].to_list() == [1] * 4
    assert low["share"].to_list() == [0, 0, 0.5, 0]
    both = table[table["item"] == "Q2"].groupby("option", observed=True)["n"].sum()
    assert both.to_dict() == {"A": 3, "B": 0, "C": 2, "D": 1}


def test_choosers_scores_are_those_on_the_other_items():
    table = distractors(CHOICES, option_frame(["Q1"], ["A"])).set_index(["option", "group"])
    assert table.loc[("B", "中"), "rest"] == 0.5
    assert table.loc[("B", "高"), "rest"] == 1.0
    assert np.isnan(table.loc[("D", "高"), "rest"])


@settings(max_examples=15, deadline=None)
@given(people)
def test_group_sizes_add_up_to_those_who_drew_it(given_answers: dict):
    frame = responses(given_answers)
    frame["value"] = [
        json.dumps(f"{i}-A") if a else "null" for i, a in zip(frame["item"], frame["answered"], strict=True)
    ]
    table = distractors(frame, option_frame(["Q1", "Q2", "Q3", "Q4"], ["A"] * 4))
    counted = table[table["option"] == "A"].groupby("item")[["size", "n", "omitted"]].sum()
    drew = item_table(frame)["n"]
    assert counted["size"].to_dict() == drew.to_dict()
    assert (counted["n"] + counted["omitted"]).to_dict() == drew.to_dict()
    data = drawn(frame)
    assert set(np.unique(data.group)) <= {0, 1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_intervals_of_shares_and_of_their_difference_are_those_of_statsmodels(seed: int):
    from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

    scores = random_scores(seed, people=50)
    frame = as_responses(scores)
    data, table = drawn(frame), item_table(frame)
    for code, (_, row) in enumerate(table.iterrows()):
        own = data.item == code
        upper, lower = (data.x[own & (data.group == group)] for group in (2, 0))
        low, high = confint_proportions_2indep(
            upper.sum(), len(upper), lower.sum(), len(lower), method="newcomb", compare="diff"
        )
        assert (row["upper_lower_low"], row["upper_lower_high"]) == pytest.approx((low, high), abs=1e-9)
        share = proportion_confint(data.x[own].sum(), own.sum(), method="wilson")
        assert (row["facility_low"], row["facility_high"]) == pytest.approx(share, abs=1e-9)


@pytest.mark.slow
def test_a_million_answers_take_little_memory():
    rng = np.random.default_rng(1)
    people, items, draw = 20_000, 400, 50
    column = rng.random((people, items), np.float32).argpartition(draw, axis=1)[:, :draw].ravel()
    row = np.repeat(np.arange(people), draw)
    right = rng.random(len(row)) < 0.7
    names = [f"Q{c:03d}" for c in range(items)]
    options = option_frame(names, ["A"] * items)
    value = (
        options["public_id"].map(json.dumps).to_numpy()[column * 4 + np.where(right, 0, rng.integers(1, 4, len(row)))]
    )
    frame = pd.DataFrame(
        {
            "account": pd.Categorical.from_codes(row, [f"u{r:05d}" for r in range(people)]),
            "item": pd.Categorical.from_codes(column, names),
            "answered": True,
            "fraction": right.astype(float),
            "value": pd.Categorical(value),
        }
    )
    tracemalloc.start()
    table, choices, found = item_table(frame), distractors(frame, options), reliability(frame)
    flags(table, choices)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (table["n"].sum(), found.n, found.items) == (1_000_000, 20_000, 400)
    assert most < 300e6
