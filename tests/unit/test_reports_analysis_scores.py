"""The spread of scores, mastery of topics and rules, and the gain from the pre-test."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qinlian.core.scoring import passes
from qinlian.reports.analysis import gain, mastery, score_distribution
from qinlian.reports.analysis.cited import cited
from tests.answers import responses


def test_a_distribution_by_hand():
    found = score_distribution([0, 59.5, 60, 80, 100])
    assert (found.n, found.mean, found.least, found.q1, found.median, found.q3, found.most) == (
        5, 59.9, 0, 59.5, 60, 80, 100,
    )  # fmt: skip
    assert (found.passed, found.pass_share) == (3, 0.6)
    assert found.bins["n"].to_list() == [1, 0, 0, 0, 0, 1, 1, 0, 1, 1]
    assert found.bins.loc[9, ["low", "high", "n", "share"]].to_list() == [90, 100, 1, 0.2]


@pytest.mark.parametrize("seed", range(5))
def test_its_numbers_are_scipys(seed: int):
    scores = np.random.default_rng(seed).uniform(0, 100, 37)
    found = score_distribution(scores, pass_mark=55)
    low, high = stats.t.interval(0.95, 36, loc=scores.mean(), scale=stats.sem(scores))
    share = stats.binomtest(int((scores >= 55).sum()), 37).proportion_ci(0.95, "wilson")
    assert found.sd == pytest.approx(stats.tstd(scores), abs=1e-9)
    assert (found.mean_low, found.mean_high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    assert (found.pass_low, found.pass_high) == (
        pytest.approx(share.low, abs=1e-9),
        pytest.approx(share.high, abs=1e-9),
    )


def test_who_is_not_graded_yet_is_in_no_bar():
    found = score_distribution([math.nan, 30, 10], [40, 40, 0])
    assert (found.n, found.mean) == (1, 75)
    assert math.isnan(found.sd)


def test_of_nobody_nothing_is_told():
    found = score_distribution([])
    assert found.n == found.passed == 0
    assert all(math.isnan(v) for v in (found.mean, found.median, found.pass_share, found.pass_low))
    assert found.bins["n"].sum() == 0


def test_bars_that_do_not_fill_the_scale_are_refused():
    with pytest.raises(ValueError, match="width"):
        score_distribution([1], width=30)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 400).map(lambda n: n / 4), max_size=30),
    st.sampled_from([1, 3, 40, 100]),
    st.sampled_from([57, 60, 80, 100 / 3]),
)
def test_bars_hold_everybody_and_passing_is_what_the_gradebook_says(scores: list[float], out_of: int, mark: float):
    earned = [out_of * s / 100 for s in scores]
    found = score_distribution(earned, out_of, pass_mark=mark, width=5)
    assert found.bins["n"].sum() == found.n == len(scores)
    assert found.passed == sum(passes(e, out_of, mark) for e in earned)
    for bar in found.bins.itertuples():
        assert bar.n == sum(bar.low <= s < bar.high or s == bar.high == 100 for s in scores)


ITEMS = pd.DataFrame(
    {
        "item": ["Q1", "Q2", "Q3", "Q4"],
        "topics": [("礼品",), ("礼品", "公车"), (), ("公车",)],
        "citations": [
            ("《条例》第九十七条第二款", "《处分条例》第97条"),
            ("《监察法》（2018年）",),
            ("《条例》第一百二十条之一",),
            (),
        ],
    }
)
ANSWERS = responses({"甲": {"Q1": 1, "Q2": 0.5}, "乙": {"Q1": 0}, "丙": {"Q3": 1, "Q1": 1}})


def test_everybody_counts_once_for_a_topic_with_their_own_mean():
    table = mastery(ANSWERS, ITEMS).set_index("topic")
    assert table.loc["礼品", ["items", "responses", "n"]].to_list() == [2, 4, 3]
    assert table.loc["礼品", "mean"] == pytest.approx((0.75 + 0 + 1) / 3)
    assert table.loc["礼品", "mastered"] == pytest.approx(1 / 3)
    assert table.loc["公车", ["n", "mean"]].to_list() == [1, 0.5]


def test_by_rule_the_articles_of_a_document_in_their_order():
    table = mastery(ANSWERS, ITEMS, "citations", names={"条例": "处分条例"})
    assert list(zip(table["document"], table["article"], table["n"], strict=True)) == [
        ("处分条例", "第97条", 3),
        ("处分条例", "第120条之1", 1),
        ("监察法（2018年）", "", 1),
    ]
    whole = mastery(ANSWERS, ITEMS, "documents", names={"条例": "处分条例"}).set_index("document")
    assert whole.loc["处分条例", ["items", "responses", "n"]].to_list() == [2, 4, 3]


def test_group_by_group_and_who_is_in_none_counts_nowhere():
    table = mastery(ANSWERS, ITEMS, groups={"甲": "一科", "丙": "二科", "外": "三科"})
    assert list(zip(table["group"], table["topic"], table["n"], table["mean"], strict=True)) == [
        ("一科", "公车", 1, 0.5),
        ("一科", "礼品", 1, 0.75),
        ("二科", "礼品", 1, 1.0),
    ]


@pytest.mark.parametrize("by", ["topics", "citations", "documents"])
@pytest.mark.parametrize("groups", [None, {}])
def test_without_answers_or_items_there_are_no_rows(by, groups):
    assert mastery(ANSWERS.iloc[:0], ITEMS, by, groups=groups).empty
    assert mastery(ANSWERS, ITEMS.iloc[:0], by, groups=groups).empty


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([f"u{n}" for n in range(12)]),
        st.dictionaries(st.sampled_from(["Q1", "Q2", "Q3", "Q4"]), st.sampled_from([None, 0.0, 0.4, 0.8, 1.0])),
        min_size=1,
    )
)
def test_mastery_is_what_pandas_merges_and_groups(given_answers: dict):
    frame = responses(given_answers)
    merged = frame.merge(ITEMS[["item", "topics"]], on="item").explode("topics").dropna(subset="topics")
    own = merged.groupby(["topics", "account"])["fraction"].mean().groupby("topics")
    table = mastery(frame, ITEMS).set_index("topic")
    assert table["mean"].to_dict() == pytest.approx(own.mean().to_dict(), abs=1e-9)
    assert table["mastered"].to_dict() == pytest.approx(own.agg(lambda m: (m >= 0.8 - 1e-9).mean()).to_dict())
    assert table["n"].to_dict() == own.size().to_dict()
    assert (table["mean_low"] <= table["mean"] + 1e-9).all()
    assert table["mean_high"].between(0, 1).all()


@pytest.mark.parametrize(
    ("citation", "document", "article"),
    [
        ("《中国共产党纪律处分条例》第九十七条第二款", "中国共产党纪律处分条例", "第97条"),
        ("《中国共产党纪律处分条例》第97条", "中国共产党纪律处分条例", "第97条"),
        ("《刑法》第一百二十条之一", "刑法", "第120条之1"),
        ("《刑法》（2020年修正）第三百八十五条第一款第（二）项", "刑法（2020年修正）", "第385条"),
        ("《办法》第三项", "办法", "第3项"),
        ("《十项准则》", "十项准则", ""),
        ("学校的规定", "学校的规定", ""),
    ],
)
def test_a_citation_is_a_document_and_an_article(citation: str, document: str, article: str):
    assert cited(citation) == (document, article)


def quiz_rows(pre: dict[str, float], post: dict[str, float]) -> pd.DataFrame:
    rows = [
        (who, quiz, "计入", 1, 0.4 * score, 40.0)
        for quiz, given in (("摸底", pre), ("结业", post))
        for who, score in given.items()
    ]
    return pd.DataFrame(rows, columns=["account", "quiz", "state", "number", "score", "points"])


def test_a_gain_by_hand():
    found = gain(
        quiz_rows({"甲": 40, "乙": 60, "丙": 50, "丁": 0}, {"甲": 70, "乙": 80, "丙": 90, "戊": 9}), "摸底", "结业"
    )
    assert (found.n, found.only_pre, found.only_post) == (3, 1, 1)
    assert (found.pre_mean, found.post_mean, found.change) == pytest.approx((50, 80, 30))
    # Changes 30, 20, 40: sd 10; both quizzes have sd 10.
    assert (found.d_z, found.d_av, found.hake) == pytest.approx((3, 3, 0.6))
    assert found.correlation == pytest.approx(0.5)


def test_the_first_attempt_that_counts_is_the_one():
    frame = quiz_rows({"甲": 40, "乙": 60, "丙": 50}, {"甲": 70, "乙": 80, "丙": 90})
    later = frame.assign(number=2, score=40.0)
    void = frame.assign(number=0, score=0.0, state="未作答")
    assert gain(pd.concat([void, later, frame]), "摸底", "结业") == gain(frame, "摸底", "结业")


def test_a_gain_that_nobody_or_one_person_made():
    nobody = gain(quiz_rows({"甲": 40}, {"乙": 50}), "摸底", "结业")
    assert (nobody.n, nobody.only_pre, nobody.only_post) == (0, 1, 1)
    assert math.isnan(nobody.change)
    one = gain(quiz_rows({"甲": 40}, {"甲": 50}), "摸底", "结业")
    assert (one.n, one.change) == (1, 10)
    assert all(math.isnan(v) for v in (one.change_low, one.d_z, one.d_z_low, one.d_av_low, one.g_z, one.correlation))


def test_where_all_gain_alike_there_is_no_spread_to_measure_by():
    found = gain(quiz_rows({"甲": 40, "乙": 60, "丙": 100}, {"甲": 40, "乙": 60, "丙": 100}), "摸底", "结业")
    assert math.isnan(found.d_z)
    assert (found.d_av, found.change, found.hake) == (0, 0, 0)
    full = gain(quiz_rows({"甲": 100, "乙": 100}, {"甲": 90, "乙": 80}), "摸底", "结业")
    assert math.isnan(full.hake)


def classes(seed: int, people: int = 35) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    pre = rng.uniform(10, 70, people)
    post = np.clip(pre + rng.normal(15, 12, people), 0, 100)
    names = [f"u{n}" for n in range(people)]
    return pre, post, quiz_rows(dict(zip(names, pre, strict=True)), dict(zip(names, post, strict=True)))


@pytest.mark.parametrize("seed", range(5))
def test_the_gain_is_scipys_paired_t(seed: int):
    pre, post, frame = classes(seed)
    found = gain(frame, "摸底", "结业")
    test = stats.ttest_rel(post, pre)
    interval = test.confidence_interval(0.95)
    assert found.d_z == pytest.approx(test.statistic / math.sqrt(35), abs=1e-9)
    assert (found.change_low, found.change_high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert found.correlation == pytest.approx(stats.pearsonr(pre, post).statistic, abs=1e-9)
    # At these noncentralities the t that was found stands at the upper and at the lower 2.5 %.
    for limit, p in ((found.d_z_low, 0.975), (found.d_z_high, 0.025)):
        assert stats.nct.cdf(test.statistic, 34, limit * math.sqrt(35)) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("people", [3, 11, 51])
def test_the_factor_of_hedges_is_that_of_gamma_functions(people: int):
    found = gain(classes(1, people)[2], "摸底", "结业")
    m = people - 1
    exact = math.gamma(m / 2) / (math.sqrt(m / 2) * math.gamma((m - 1) / 2))
    assert found.g_z / found.d_z == pytest.approx(exact, abs=1e-9)
    assert found.g_av / found.d_av == pytest.approx(exact, abs=1e-9)
    # His own short formula.
    assert exact == pytest.approx(1 - 3 / (4 * m - 1), abs=0.01)


@pytest.mark.parametrize("shift", [1, 40])
def test_intervals_of_effects_hold_for_thousands_and_for_two(shift: float):
    for people in (2, 20_000):
        rng = np.random.default_rng(people)
        pre = rng.normal(30, 5, people)
        frame = quiz_rows(dict(enumerate(pre)), dict(enumerate(pre + rng.normal(shift, 4, people))))
        found = gain(frame, "摸底", "结业")
        assert found.d_z_low < found.d_z < found.d_z_high
        assert found.d_av_low < found.d_av < found.d_av_high


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=12), st.randoms(use_true_random=False))
def test_names_and_order_change_no_gain(pairs: list[tuple[float, float]], random):
    pre, post = ({f"u{n}": pair[i] for n, pair in enumerate(pairs)} for i in (0, 1))
    names = list(pre)
    random.shuffle(names)
    renamed = [{f"x{names.index(k)}": v for k, v in given.items()} for given in (pre, post)]
    frame = quiz_rows(*renamed).sample(frac=1, random_state=random.randrange(100))
    left, right = gain(quiz_rows(pre, post), "摸底", "结业"), gain(frame, "摸底", "结业")
    # An sd of rounding errors alone tells nothing, whichever way it is added up.
    assert dataclasses.astuple(left)[:3] == dataclasses.astuple(right)[:3]
    assert left.change == pytest.approx(right.change, nan_ok=True, abs=1e-9)
    assert left.post_sd == pytest.approx(right.post_sd, nan_ok=True, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_effects_and_shares_are_pingouins_and_statsmodels(seed: int):
    import pingouin
    from statsmodels.stats.proportion import proportion_confint

    pre, post, frame = classes(seed)
    found = gain(frame, "摸底", "结业")
    assert found.d_av == pytest.approx(pingouin.compute_effsize(post, pre, paired=True, eftype="cohen"), abs=1e-9)
    assert found.d_z == pytest.approx(pingouin.compute_effsize(post, pre, paired=True, eftype="cohen_dz"), abs=1e-9)
    spread = score_distribution(post, pass_mark=50)
    low, high = proportion_confint(spread.passed, spread.n, method="wilson")
    assert (spread.pass_low, spread.pass_high) == pytest.approx((low, high), abs=1e-9)
