"""多选: two or more options are right; partial credit by a named rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, published_options

__all__ = ["TYPE", "MultipleChoice", "partial"]


def partial(rule: str, keys: frozenset[str], chosen: frozenset[str]) -> float:
    """The fraction ``chosen`` earns against ``keys``.

    漏选按比例 is the custom of Chinese examinations: all right full marks, some missing the share
    of those found, any wrong one nothing. 全对得分 is all or nothing. 对错相抵 is
    (right - wrong) / keys, not below 0.
    """
    right, wrong = len(keys & chosen), len(chosen - keys)
    if rule == "全对得分":
        return 1.0 if chosen == keys else 0.0
    if rule == "对错相抵":
        return max(0.0, (right - wrong) / len(keys))
    return 0.0 if wrong else right / len(keys)


class MultipleChoice(ItemType):
    name = "multiple"
    label = "多选"
    rules = ("漏选按比例", "全对得分", "对错相抵")

    def findings(self, item: Item) -> Iterator[Finding]:
        keys = sum(e.mark == "x" for e in item.elements)
        if keys < 2:
            yield Finding("E302", f"多选题至少要有两个 [x]，这里有 {keys} 个", "补上 [x]；只有一个正确就改成[单选]")
        elif keys == len(item.elements):
            yield Finding("E302", "多选题的选项全打了 [x]", "至少留一个不选的选项")
        if not 4 <= len(item.elements) <= 8:
            yield Finding("E303", f"多选题应有 4 至 8 个选项，这里有 {len(item.elements)} 个", "增减选项")

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        return {"options": published_options(item, ids)}

    def key(self, item: Item, ids: Identity) -> list[str]:
        return sorted(ids.of(item.id, e.letter) for e in item.elements if e.mark == "x")

    def clean(self, item: Item, ids: Identity, value: Any) -> list[str] | None:
        if value is None or value == []:
            return None
        known = {ids.of(item.id, e.letter) for e in item.elements}
        if not isinstance(value, list) or not all(isinstance(v, str) and v in known for v in value):
            raise InvalidAnswer("选项不属于这道题")
        if len(set(value)) != len(value):
            raise InvalidAnswer("同一个选项出现了两次")
        return sorted(value)

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        return partial(rule, frozenset(self.key(item, ids)), frozenset(value))

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        return "".join(sorted(e.letter for e in item.elements if ids.of(item.id, e.letter) in value))


TYPE = MultipleChoice()
