"""Items whose every part is as nasty as a course lets it be, for round trips through other systems' formats."""

from __future__ import annotations

import string
from dataclasses import replace

from hypothesis import strategies as st

from qinlian.authoring.shapes import as_prose, tidy
from qinlian.core.model import Course, Element, Item, Module, Track
from qinlian.items.base import item_type
from qinlian.items.matching import sides
from tests.drawn_items import LENGTHS, Words, item_of, mark_at

__all__ = ["KINDS", "NASTY", "course_of", "items"]

KINDS = ("单选", "多选", "判断", "填空", "配对", "排序", "心得")
NASTY = [
    *("~", "=", "#", "{", "}", ":", "\\", "\\n", "####", "->", "::", "%50%", "[html]", "[markdown]x", "//"),
    *("<", ">", "&", "&amp;", "&lt;b&gt;", "]]>", "<![CDATA[", "&#10;", '"', "'", "<!--", "&nbsp;"),
    *("**不**", "*斜*", "`码`", "| 甲 | 乙 |\n| --- | --- |\n| 1 | 2 |", "\n\n", "\n", "  \n    缩进", "1. 一"),
    *("ＡＢＣ（全角）：；", "\u3000", "\u00a0", "“引”", "解析：", "依据：《条例》第一条", "\\依据：", "答案：A"),
    *("A. 甲", "=1+1", "[链](https://example.cn/a?b=1&c=2)", "* 不能作通配", "|", "𠮷", "é", "T", "TRUE", ">", "> 引"),
    *("{1:x}", "- [x] A. 甲", "$CATEGORY:", "~~删~~"),
]  # fmt: skip
WORDS = Words.of(NASTY, "礼品宴请规矩 A1", 6)
# A blank of one's own would be one more blank to fill.
WORDS = replace(WORDS, texts=WORDS.texts.map(lambda t: t.replace("____", "").replace("＿＿＿＿", "")))
LINES = WORDS.lines
SPELLINGS = st.lists(
    LINES.map(lambda t: t.replace("|", "").replace("｜", "").strip()).filter(bool), unique=True, min_size=1, max_size=3
)
LETTERS = st.lists(st.sampled_from(string.ascii_uppercase), unique=True, min_size=3, max_size=6)


@st.composite
def items(draw: st.DrawFn, item_id: str = "LZ-02-001", kinds: tuple[str, ...] = KINDS) -> Item:
    """An item of one of ``kinds`` that a course would accept but for its citations and its HTML."""
    kind = draw(st.sampled_from(kinds))
    letters = ["对", "错"] if kind == "判断" else draw(LETTERS)
    texts = draw(st.lists(LINES.map(str.strip).filter(bool), min_size=len(letters), max_size=len(letters), unique=True))
    places = draw(st.permutations(range(1, len(letters) + 1)))
    elements = []
    for index, letter in enumerate(letters):
        text, mark = texts[index], mark_at(draw, kind, places[index])
        if kind == "填空":
            text = " | ".join(draw(SPELLINGS))
        elif kind == "配对":
            left = "" if places[index] > 2 else f"左{letter}{draw(LINES)}"
            text = item_type(kind).lettered(index, "", letter, f"{left} → {letter}{text}")[2]
            mark = "=" if (sides(text) or ("", ""))[0] else ""
        elements.append(
            Element(letter=letter, mark=mark, text=letter if kind == "判断" else text, feedback=tidy(draw(WORDS.texts)))
        )
    stem = draw(WORDS.prose)
    if kind == "填空":
        stem = as_prose("".join(f"{draw(st.sampled_from(['空', '在 ', '（']))}____，" for _ in letters))
    return item_of(draw, WORDS, kind, stem, elements, id=item_id, words=draw(LENGTHS) if kind == "心得" else None)


def course_of(*many: Item, rules: tuple[tuple[str, str], ...] = ()) -> Course:
    """A course of one module that holds these items."""
    module = Module(id="02-gifts", title="礼尚往来 / 边界", items=many)
    return Course(id="c", title="勤廉//学堂", modules=(module,), rules=rules, tracks=(Track(name="青年", modules=()),))
