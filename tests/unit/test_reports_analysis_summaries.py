"""What is said of a quiz, a topic and a course as a whole."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from qinlian.reports.analysis import (
    distribution_sentence,
    gain,
    gain_sentence,
    mastery_sentences,
    reliability,
    reliability_sentence,
    score_distribution,
)
from tests.answers import crowd

QUIZ = reliability(crowd(1, 100).responses)
NOBODY = reliability(crowd(1, 100).responses.iloc[:0])


@pytest.mark.parametrize(
    ("alpha", "said"),
    [
        (0.85, "：成绩靠得住。"),
        (0.74, "：平时测验够用。"),
        (0.5, "先改区分度低的题；题目质量不变，每次 94 题才到 0.70。"),
        (0.05, "光靠加题补不上来"),
        (-0.1, "：题目之间看不出联系。先看有没有答案标错的题"),
    ],
)
def test_reliability_in_words(alpha: float, said: str):
    found = replace(QUIZ, alpha=alpha, alpha_low=alpha - 0.1, alpha_high=alpha + 0.05, sem=0.07)
    assert said in reliability_sentence(found)
    assert ("上下 7 分的误差" in reliability_sentence(found)) == (alpha > 0)


def test_reliability_of_few_people_and_of_none():
    assert reliability_sentence(replace(QUIZ, n=12)).startswith("人数不足，先别下结论：作答的只有 12 人")
    assert reliability_sentence(NOBODY).startswith("信度还算不出来")


def test_scores_in_words():
    assert distribution_sentence(score_distribution([])) == "还没有成绩。"
    assert distribution_sentence(score_distribution([50, 70, 90])) == (
        "3 人，平均 70.0 分，一半的人在 60 到 80 分之间。及格（60 分）2 人，占 67%。"
        "人数不多，一个人就能改变比例，先别下结论。"
    )
    many = distribution_sentence(score_distribution([50, 70, 90] * 20))
    assert many.endswith("及格（60 分）40 人，占 67%（区间 54% 到 77%）。")


def quizzes(changes: list[float]) -> pd.DataFrame:
    rows = []
    for n, change in enumerate(changes):
        rows += [(f"u{n}", "摸底", "计入", 1, 30 + n % 7, 100), (f"u{n}", "结业", "计入", 1, 30 + n % 7 + change, 100)]
    return pd.DataFrame(rows, columns=["account", "quiz", "state", "number", "score", "points"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], "还没有人两次都考过，看不出提高。"),
        ([10.0], "提高 10 分。人数不足，先别下结论。"),
        ([30.0, 40.0] * 20, "提高 35 分（区间 33.4 到 36.6），合"),
        ([1.0, -1.0] * 20, "看不出确实的提高"),
        ([-9.0, -11.0] * 20, "下降 10 分（区间 −10.3 到 −9.7）。先核对结业题的答案"),
    ],
)
def test_a_gain_in_words(changes: list[float], said: str):
    assert said in gain_sentence(gain(quizzes(changes), "摸底", "结业"))


def test_a_gain_says_how_large_it_is_and_what_it_does_not_prove():
    said = gain_sentence(gain(quizzes([30.0, 40.0] * 20), "摸底", "结业"))
    assert "幅度大" in said
    assert "原来不会的，学会了 52%" in said
    assert said.endswith("没有对照班，不能都算成课程的功劳。")


def test_topics_in_words():
    table = pd.DataFrame(
        {"n": [8, 50, 50, 50, 50], "mean_low": [0, 0.4, 0.6, 0.85, 0.7], "mean_high": [1, 0.55, 0.75, 1, 0.9]}
    )
    assert mastery_sentences(table).to_list() == [
        "人数不足，先别下结论：只有 8 人答过。",
        "多数人没有掌握：安排一次补讲，再看课文有没有讲清楚。",
        "还不牢：补一两个例子，下次测验再看。",
        "掌握得好。",
        "",
    ]
