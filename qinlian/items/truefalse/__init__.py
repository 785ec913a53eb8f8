"""判断: one statement, true or false. The two options always stand in the same order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Element, Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, Options

__all__ = ["TYPE", "TrueFalse"]

_SIDES = ("对", "错")
# TRUE and FALSE are what a spreadsheet makes of a typed true or false.
_SAID = dict.fromkeys(("对", "正确", "√", "✓", "T", "TRUE"), "对") | dict.fromkeys(
    ("错", "错误", "×", "✗", "F", "FALSE"), "错"
)


class TrueFalse(ItemType):
    name = "truefalse"
    label = "判断"
    has_letters = False
    shows_letters = False
    line_sample = "- [x] 对"

    def lettered(self, index: int, mark: str, letter: str, text: str) -> tuple[str, str, str]:
        return text.strip(), mark, text.strip()

    def line(self, element: Element) -> str:
        return f"- [{element.mark or ' '}] {element.text}"

    def findings(self, item: Item) -> Iterator[Finding]:
        if tuple(e.letter for e in item.elements) != _SIDES:
            yield Finding("E303", "判断题只写两行，先“对”后“错”", "写成 - [x] 对 和 - [ ] 错")
        elif sum(e.mark == "x" for e in item.elements) != 1:
            yield Finding("E302", "判断题应恰有一个 [x]", "在“对”或“错”前打 [x]")

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        return {"options": [{"id": ids.of(item.id, e.letter), "text": e.text} for e in item.elements]}

    def key(self, item: Item, ids: Identity) -> str:
        return next(ids.of(item.id, e.letter) for e in item.elements if e.mark == "x")

    def clean(self, item: Item, ids: Identity, value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or value not in {ids.of(item.id, side) for side in _SIDES}:
            raise InvalidAnswer("选项不属于这道题")
        return value

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        return 1.0 if value == self.key(item, ids) else 0.0

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        return next(side for side in _SIDES if ids.of(item.id, side) == value)

    def to_cells(self, item: Item) -> tuple[tuple[str, ...], str]:
        return (), next((e.letter for e in item.elements if e.mark), "")

    def from_cells(self, options: Options, answer: str) -> tuple[tuple[str, str, str], ...]:
        side = _SAID.get(unicodedata.normalize("NFKC", answer).strip().upper())
        if side is None:
            raise ValueError("判断题的答案写“对”或“错”")
        return tuple((s, "x" if s == side else "", s) for s in _SIDES)


TYPE = TrueFalse()
