"""Items whose every part is as nasty as a course lets it be, for round trips through other systems' formats."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from qinlian.authoring.shapes import as_prose, tidy
from qinlian.core.model import Course, Element, Item, Module, Track
from qinlian.items.base import item_type
from qinlian.items.matching import sides

__all__ = ["course_of", "items"]

KINDS = ("单选", "多选", "判断", "填空", "配对", "排序", "心得")
NASTY = [
    *("~", "=", "#", "{", "}", ":", "\\", "\\n", "####", "->", "::", "%50%", "[html]", "[markdown]x", "//"),
    *("<", ">", "&", "&amp;", "&lt;b&gt;", "]]>", "<![CDATA[", "&#10;", '"', "'", "<!--", "&nbsp;"),
    *("**不**", "*斜*", "`码`", "| 甲 | 乙 |\n| --- | --- |\n| 1 | 2 |", "\n\n", "\n", "  \n    缩进", "1. 一"),
    *("ＡＢＣ（全角）：；", "\u3000", "\u00a0", "“引”", "解析：", "依据：《条例》第一条", "\\依据：", "答案：A"),
    *("A. 甲", "=1+1", "[链](https://example.cn/a?b=1&c=2)", "* 不能作通配", "|", "𠮷", "é", "T", "TRUE", ">", "> 引"),
    *("{1:x}", "- [x] A. 甲", "$CATEGORY:", "~~删~~"),
]  # fmt: skip
CHARS = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"), max_codepoint=0x2FFFF)
PIECES = st.one_of(st.sampled_from(NASTY), st.text(CHARS, min_size=1, max_size=5), st.just("文字"))
TEXTS = st.lists(PIECES, max_size=6).map("".join).map(lambda t: t.replace("____", "").replace("＿＿＿＿", ""))
LINES = TEXTS.map(lambda t: tidy(t.replace("\n", " "))).filter(bool)
PROSE = TEXTS.map(as_prose).filter(bool)
NOTES = TEXTS.map(lambda t: as_prose(t, first=False))
WORDS = st.lists(
    st.text("礼品宴请规矩 A1", min_size=1, max_size=6).map(str.strip).filter(bool), unique=True, max_size=3
)
SPELLINGS = st.lists(
    LINES.map(lambda t: t.replace("|", "").replace("｜", "").strip()).filter(bool), unique=True, min_size=1, max_size=3
)
CITATIONS = st.lists(LINES.map(lambda t: t.replace("；", "").replace(";", "").strip()).filter(bool), max_size=2)
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
        text, mark = texts[index], ""
        if kind in ("单选", "判断"):
            mark = "x" if places[index] == 1 else ""
        elif kind == "多选":
            mark = "x" if 1 < places[index] <= 3 else ""
        elif kind == "排序":
            mark = str(places[index])
        elif kind == "心得":
            mark = draw(st.sampled_from(["1", "12", "0.5", "7.25"]))
        elif kind == "填空":
            text = " | ".join(draw(SPELLINGS))
        elif kind == "配对":
            left = "" if places[index] > 2 else f"左{letter}{draw(LINES)}"
            text = item_type(kind).lettered(index, "", letter, f"{left} → {letter}{text}")[2]
            mark = "=" if (sides(text) or ("", ""))[0] else ""
        elements.append(
            Element(letter=letter, mark=mark, text=letter if kind == "判断" else text, feedback=tidy(draw(TEXTS)))
        )
    stem = draw(PROSE)
    if kind == "填空":
        stem = as_prose("".join(f"{draw(st.sampled_from(['空', '在 ', '（']))}____，" for _ in letters))
    by_hand = kind == "心得"
    return Item(
        id=item_id,
        kind=kind,
        stem=stem,
        elements=tuple(elements),
        use="心得" if by_hand else draw(st.sampled_from(["练习", "测验"])),
        difficulty=draw(st.integers(1, 3)),
        topics=tuple(draw(WORDS)),
        points=sum(float(e.mark) for e in elements)
        if by_hand
        else draw(st.sampled_from([1.0, 2.0, 0.5, 4.25, 9999.0])),
        rule=draw(st.sampled_from(["", *item_type(kind).rules])),
        words=draw(st.sampled_from([None, (50, 800), (1, 1)])) if by_hand else None,
        prompts=tuple(draw(st.lists(LINES.map(as_prose).map(str.strip).filter(bool), max_size=2))) if by_hand else (),
        explanation=draw(NOTES),
        citations=tuple(draw(CITATIONS)),
        audience=tuple(draw(WORDS)),
    )


def course_of(*many: Item, rules: tuple[tuple[str, str], ...] = ()) -> Course:
    """A course of one module that holds these items."""
    module = Module(id="02-gifts", title="礼尚往来 / 边界", items=many)
    return Course(id="c", title="勤廉//学堂", modules=(module,), rules=rules, tracks=(Track(name="青年", modules=()),))
