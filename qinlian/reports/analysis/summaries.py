"""What an instructor reads about a quiz, a topic or a course as a whole: the numbers in words, and what to do."""

from __future__ import annotations

import math

import pandas as pd

from qinlian.reports.analysis.bars import EFFECTS, ENOUGH, GOOD, LEARNT, MASTERED, SMALLEST
from qinlian.reports.analysis.distribution import ScoreDistribution
from qinlian.reports.analysis.gain import Gain
from qinlian.reports.analysis.reliability import Reliability
from qinlian.reports.analysis.sentences import percent, signed

__all__ = ["distribution_sentence", "gain_sentence", "mastery_sentences", "reliability_sentence"]


def reliability_sentence(found: Reliability) -> str:
    """How far the scores carry, how large the error of one score is, and how many items would be enough."""
    if math.isnan(found.alpha):
        return "信度还算不出来：至少要两个人作答、每次两道题，而且得分有高有低。"
    interval = f"区间 {signed(found.alpha_low)} 到 {signed(found.alpha_high)}"
    said = f"信度 {signed(found.alpha)}（{interval}），每次 {found.k:.0f} 题"
    if found.n < SMALLEST:
        return f"人数不足，先别下结论：作答的只有 {found.n} 人，满 {SMALLEST} 人再看。{said}。"
    if found.alpha <= 0:
        return f"{said}：题目之间看不出联系。先看有没有答案标错的题，再看是不是把不相干的内容放进了一个测验。"
    error = (
        f"一个人的得分大约有上下 {100 * found.sem:.0f} 分的误差（百分制），离及格线不到这么多的，不要只凭这一次下结论。"
    )
    if found.alpha >= GOOD:
        return f"{said}：成绩靠得住。{error}"
    if found.alpha >= ENOUGH:
        return f"{said}：平时测验够用。{error}"
    more = math.ceil(found.items_for(ENOUGH))
    advice = f"题目质量不变，每次 {more} 题才到 {ENOUGH:.2f}" if more <= 10 * found.k else "光靠加题补不上来"
    return f"{said}：偏低，成绩只作参考。{error}先改区分度低的题；{advice}。"


def distribution_sentence(found: ScoreDistribution) -> str:
    """How many, how well, how many pass."""
    if not found.n:
        return "还没有成绩。"
    said = f"{found.n} 人，平均 {found.mean:.1f} 分，一半的人在 {found.q1:.0f} 到 {found.q3:.0f} 分之间。"
    passed = f"及格（{found.pass_mark:g} 分）{found.passed} 人，占 {percent(found.pass_share)}"
    if found.n < SMALLEST:
        return f"{said}{passed}。人数不多，一个人就能改变比例，先别下结论。"
    return f"{said}{passed}（区间 {percent(found.pass_low)} 到 {percent(found.pass_high)}）。"


def gain_sentence(found: Gain) -> str:
    """What the people who took both have gained, and what may be said of it."""
    if not found.n:
        return "还没有人两次都考过，看不出提高。"
    said = (
        f"两次都考的 {found.n} 人，摸底平均 {found.pre_mean:.0f} 分，结业平均 {found.post_mean:.0f} 分，"
        f"{'提高' if found.change >= 0 else '下降'} {abs(found.change):.0f} 分"
    )
    if found.n < SMALLEST or math.isnan(found.change_low):
        return f"{said}。人数不足，先别下结论。"
    said += f"（区间 {signed(found.change_low, 1)} 到 {signed(found.change_high, 1)}）"
    if found.change_high < 0:
        return f"{said}。先核对结业题的答案，再看两次的题目是不是一样难。"
    if found.change_low <= 0:
        return f"{said}。看不出确实的提高：比一比两次的题目难度，再看哪些知识点没有长进。"
    words = next((word for least, word in EFFECTS if found.d_av >= least), "很小")
    if not math.isnan(found.d_av):
        said += f"，合 {found.d_av:.2f} 个标准差，幅度{words}"
    if not math.isnan(found.hake):
        said += f"；原来不会的，学会了 {percent(found.hake)}"
    return f"{said}。没有对照班，不能都算成课程的功劳。"


def mastery_sentences(table: pd.DataFrame, mastered: float = MASTERED) -> pd.Series:
    """For each row of ``mastery`` what to do; empty where there is nothing to be done."""
    rows = zip(table["n"].tolist(), table["mean_low"].tolist(), table["mean_high"].tolist(), strict=True)
    said = []
    for n, low, high in rows:
        if n < SMALLEST:
            said.append(f"人数不足，先别下结论：只有 {n} 人答过。")
        elif high < LEARNT:
            said.append("多数人没有掌握：安排一次补讲，再看课文有没有讲清楚。")
        elif high < mastered:
            said.append("还不牢：补一两个例子，下次测验再看。")
        elif low >= mastered:
            said.append("掌握得好。")
        else:
            said.append("")
    return pd.Series(said, index=table.index, name="sentence", dtype="str")
