"""单选: one option is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, published_options

__all__ = ["TYPE", "SingleChoice"]


class SingleChoice(ItemType):
    name = "single"
    label = "单选"

    def findings(self, item: Item) -> Iterator[Finding]:
        keys = sum(e.mark == "x" for e in item.elements)
        if keys != 1:
            yield Finding(
                "E302", f"单选题应恰有一个 [x]，这里有 {keys} 个", "只给正确的选项打 [x]；有几个正确就改成[多选]"
            )
        if not 3 <= len(item.elements) <= 6:
            yield Finding("E303", f"单选题应有 3 至 6 个选项，这里有 {len(item.elements)} 个", "增减选项")

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        return {"options": published_options(item, ids)}

    def key(self, item: Item, ids: Identity) -> str:
        return next(ids.of(item.id, e.letter) for e in item.elements if e.mark == "x")

    def clean(self, item: Item, ids: Identity, value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or value not in {ids.of(item.id, e.letter) for e in item.elements}:
            raise InvalidAnswer("选项不属于这道题")
        return value

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        return 1.0 if value == self.key(item, ids) else 0.0

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        return next(e.letter for e in item.elements if ids.of(item.id, e.letter) == value)


TYPE = SingleChoice()
