"""What an instructor reads about an item: what stands out, and what to do."""

from __future__ import annotations

import math
import re
from typing import Any

from qinlian.reports.analysis.bars import UNSURE

__all__ = [
    "doubted",
    "easy",
    "few",
    "hard",
    "low_discrimination",
    "omitted",
    "percent",
    "reversed_",
    "signed",
    "unused",
]


_ALIKE = 0.05
"""Two means on the other items that are nearer than this are told as alike."""


def percent(share: float) -> str:
    """0.256 → 26%."""
    return f"{share * 100:.0f}%"


def signed(value: float, places: int = 2) -> str:
    """−0.25, with a real minus, and none before a zero."""
    return f"{value:z.{places}f}".replace("-", "−")


def _range(low: float, high: float) -> str:
    return f"{signed(low)} 到 {signed(high)}"


def doubted(code: str, row: Any, doubt: Any, *, enough: bool) -> str:
    """The marked answer may be wrong; ``doubt`` is a row of ``key_evidence``."""
    option, key = _named(doubt.option), _named(doubt.key)
    if doubt.key:
        with_key = f"选标准答案{key}的有 {doubt.for_key} 人" if doubt.for_key else f"没有人选标准答案{key}"
        facts = f"{doubt.against} 人选{option}，{with_key}"
        who = f"选{option}的人"
    elif doubt.correct:
        facts = f"选项{option}标为正确，作答的人里却有 {doubt.against} 人没选，{doubt.for_key} 人选了"
        who = "没选的人"
    else:
        facts = f"选项{option}标为错误，却有 {doubt.against} 人选了，{doubt.for_key} 人没选"
        who = "选它的人"
    facts += _better(who, doubt.rest_against, doubt.rest_for)
    few = "" if enough else f"作答的只有 {row.n} 人，以核对的结果为准。"
    if code == "miskeyed":
        said = f"很可能答案标错：{facts}。请先核对标准答案；确实标错，改好以后重新评分。{few}"
    else:
        said = f"请核对答案：{facts}。答案没有标错，就看题干有没有歧义、选项{option}是不是也说得通。{few}"
    # No space between a letter and the mark that follows it.
    return re.sub(" (?=[，。；：])", "", said)


def _named(option: str) -> str:
    """A letter with space around it, a word (对, 错) in quotation marks."""
    return f" {option} " if option.isascii() else f"“{option}”"


def _better(who: str, against: float, with_key: float) -> str:
    """How the two sides did on the other items, where both sides have people."""
    if math.isnan(against) or math.isnan(with_key):
        return ""
    numbers = f"（平均得 {percent(against)}，另一边 {percent(with_key)}）"
    if abs(against - with_key) < _ALIKE:
        return f"，两边的人其他题答得差不多{numbers}"
    return f"，{who}其他题答得{'更好' if against > with_key else '差一些'}{numbers}"


def reversed_(row: Any) -> str:
    """The good ones get it wrong."""
    return (
        f"高分组反而答错：其他题答得越好的人，这道题得分越低（区分度 {signed(row.discrimination)}，"
        f"区间 {_range(row.discrimination_low, row.discrimination_high)}）。"
        "请先检查答案；答案没有标错，就看题干有没有歧义，是不是懂得多的人反而会多想。"
    )


def low_discrimination(row: Any) -> str:
    """Good and weak ones do equally well."""
    said = (
        f"区分度低：其他题答得好的人和答得差的人，这道题得分差不多（区分度 {signed(row.discrimination)}，"
        f"区间 {_range(row.discrimination_low, row.discrimination_high)}）。"
    )
    if row.discrimination_high >= UNSURE:
        return said + f"{row.n} 人还看不准，先读一遍题干和选项，等人多了再决定改不改。"
    return said + "看题干有没有歧义，错误选项是不是不懂也能排除。"


def hard(row: Any) -> str:
    """Few get it right."""
    return (
        f"题目偏难：平均只得 {percent(row.facility)}。先核对答案，再看课文有没有讲到；"
        "都没有问题，就把这一点补讲一遍，或者把题干写得更直接。"
    )


def easy(row: Any) -> str:
    """Nearly all get it right."""
    return (
        f"题目偏易：平均得 {percent(row.facility)}。这一点要求人人都会，就留着；"
        "想用它看出谁还没有掌握，就把错误选项改成学员真会有的想法。"
    )


def omitted(row: Any) -> str:
    """Many leave it empty."""
    return (
        f"多人没作答：{row.n} 人里有 {round(row.omitted * row.n)} 人空着（{percent(row.omitted)}）。"
        "看题目是不是太长、要做的事说得清不清楚，或者排在最后没有时间做。"
    )


def unused(row: Any, options: list[tuple[str, int]]) -> str:
    """Distractors that nobody, or hardly anybody, takes."""
    idle = [option for option, people in options if not people]
    rare = [f"选 {option} 的只有 {people} 人" for option, people in options if people]
    told = "；".join(([f"没有人选 {'、'.join(idle)}"] if idle else []) + rare)
    return f"干扰项无人选：{row.n} 人里{told}。换成学员真会有的想法；想不出来就删掉，选项少一个不要紧。"


def few(row: Any, smallest: int) -> str:
    """Too few people."""
    return f"人数不足，先别下结论：抽到这道题的只有 {row.n} 人，满 {smallest} 人再看难度和区分度。"
