"""填空: short texts compared after folding width, case and spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Element, Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, Options

__all__ = ["BLANK", "TYPE", "FillBlank", "folded"]

BLANK = re.compile(r"[_＿]{4,}")
_LONGEST = 200


def folded(text: str) -> str:
    """``text`` as it is compared: NFKC, lower case, no white space, no closing full stop."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold().rstrip("。.")


class FillBlank(ItemType):
    name = "blank"
    label = "填空"
    rules = ("每空计分", "全对得分")
    has_letters = False
    shows_letters = False
    has_answer_cell = False
    line_sample = "- [A] 答案 | 另一种写法"

    def canonical_mark(self, raw: str) -> str | None:
        mark = raw.strip().upper()
        return mark if re.fullmatch("[A-Z]", mark) else None

    def lettered(self, index: int, mark: str, letter: str, text: str) -> tuple[str, str, str]:
        # One spelling of the bar, so that a full-width one parts the alternatives as well.
        return mark, "", " | ".join(a.strip() for a in re.split(r"[|｜]", text)).strip()

    def line(self, element: Element) -> str:
        return f"- [{element.letter}] {element.text}"

    def findings(self, item: Item) -> Iterator[Finding]:
        blanks = len(BLANK.findall(item.stem))
        if not blanks:
            yield Finding("E304", "填空题的题干里没有留空", "用四个以上下划线 ____ 留空")
        elif blanks != len(item.elements):
            yield Finding("E304", f"题干留了 {blanks} 个空，答案有 {len(item.elements)} 行", "每个空写一行答案")
        for index, element in enumerate(item.elements):
            if not all(folded(a) for a in element.text.split("|")):
                yield Finding("E305", f"空 {element.letter} 的答案是空的", "写出答案；几种写法用 | 隔开", index)

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        # The order is that of the blanks in the stem, which says nothing of the answers.
        return {"blanks": [ids.of(item.id, e.letter) for e in item.elements]}

    def key(self, item: Item, ids: Identity) -> dict[str, str]:
        return {ids.of(item.id, e.letter): e.text.split("|")[0].strip() for e in item.elements}

    def clean(self, item: Item, ids: Identity, value: Any) -> dict[str, str] | None:
        if value is None:
            return None
        known = {ids.of(item.id, e.letter) for e in item.elements}
        if not isinstance(value, dict) or not all(
            isinstance(k, str) and k in known and isinstance(v, str) for k, v in value.items()
        ):
            raise InvalidAnswer("填空的答案不属于这道题")
        if any(len(v) > _LONGEST for v in value.values()):
            raise InvalidAnswer(f"一个空里超过了 {_LONGEST} 字")
        filled = {k: v for k, v in sorted(value.items()) if v.strip()}
        return filled or None

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        right = sum(
            folded(value.get(ids.of(item.id, e.letter), "")) in {folded(a) for a in e.text.split("|")}
            for e in item.elements
        )
        if rule == "全对得分":
            return 1.0 if right == len(item.elements) else 0.0
        return right / len(item.elements)

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        return "；".join(f"{e.letter}={value.get(ids.of(item.id, e.letter), '')}" for e in item.elements)

    def practice(self, item: Item, ids: Identity) -> dict[str, Any]:
        accepted = {ids.of(item.id, e.letter): [folded(a) for a in e.text.split("|")] for e in item.elements}
        return {"accepted": accepted}

    def to_cells(self, item: Item) -> tuple[tuple[str, ...], str]:
        return tuple(e.text for e in item.elements), ""

    def from_cells(self, options: Options, answer: str) -> tuple[tuple[str, str, str], ...]:
        return tuple(self.lettered(i, letter, "", text) for i, (letter, text) in enumerate(options))


TYPE = FillBlank()
