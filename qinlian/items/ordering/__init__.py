"""排序: put steps in order. Steps are published in the order of their public ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, Options, answer_letters, published_options

__all__ = ["TYPE", "Ordering"]


class Ordering(ItemType):
    name = "ordering"
    label = "排序"
    rules = ("按位计分", "全对得分")
    line_sample = "- [1] A. 步骤"

    def canonical_mark(self, raw: str) -> str | None:
        mark = raw.strip()
        return str(int(mark)) if mark.isdecimal() and int(mark) > 0 else None

    def findings(self, item: Item) -> Iterator[Finding]:
        places = sorted(int(e.mark) for e in item.elements if e.mark)
        if places != list(range(1, len(item.elements) + 1)):
            yield Finding("E302", "排序题方括号里的次序应是从 1 开始、不重不漏的数", "按正确次序写 [1] [2] [3]…")
        if not 3 <= len(item.elements) <= 8:
            yield Finding("E303", f"排序题应有 3 至 8 步，这里有 {len(item.elements)} 步", "增减步骤")

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        return {"options": published_options(item, ids)}

    def key(self, item: Item, ids: Identity) -> list[str]:
        return [ids.of(item.id, e.letter) for e in sorted(item.elements, key=lambda e: int(e.mark))]

    def clean(self, item: Item, ids: Identity, value: Any) -> list[str] | None:
        if value is None or value == []:
            return None
        known = sorted(ids.of(item.id, e.letter) for e in item.elements)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value) or sorted(value) != known:
            raise InvalidAnswer("排序的步骤多了、少了或不属于这道题")
        return list(value)

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        key = self.key(item, ids)
        if rule == "全对得分":
            return 1.0 if value == key else 0.0
        return sum(bool(a == b) for a, b in zip(value, key, strict=True)) / len(key)

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        letters = {ids.of(item.id, e.letter): e.letter for e in item.elements}
        return "".join(letters[v] for v in value)

    def to_cells(self, item: Item) -> tuple[tuple[str, ...], str]:
        order = "".join(e.letter for e in sorted(item.elements, key=lambda e: int(e.mark)))
        return tuple(e.text for e in item.elements), order

    def from_cells(self, options: Options, answer: str) -> tuple[tuple[str, str, str], ...]:
        order = answer_letters(answer)
        if sorted(order) != sorted(letter for letter, _ in options):
            raise ValueError("答案应把每个选项的字母各写一次，按正确次序，如 BAC")
        return tuple((letter, str(order.index(letter) + 1), text) for letter, text in options)


TYPE = Ordering()
