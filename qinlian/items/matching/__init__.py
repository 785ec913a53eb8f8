"""配对: give each left entry its right one. Equal right texts are one right entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, Options

__all__ = ["TYPE", "Matching", "sides"]

_ARROW = re.compile(r"\s*(?:→|->|－>|＝>|=>)\s*")


def sides(text: str) -> tuple[str, str] | None:
    """(left, right) of ``左 → 右``; left is empty for a spare right entry; None without an arrow."""
    parts = _ARROW.split(text.strip(), maxsplit=1)
    return (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else None


class Matching(ItemType):
    name = "matching"
    label = "配对"
    rules = ("每对计分", "全对得分")
    shows_letters = False
    has_answer_cell = False
    line_sample = "- [=] A. 左 → 右"

    def canonical_mark(self, raw: str) -> str | None:
        return {"": "", "=": "=", "＝": "="}.get(raw.strip())

    def lettered(self, index: int, mark: str, letter: str, text: str) -> tuple[str, str, str]:
        pair = sides(text)
        # One spelling of the arrow, so that the text form and the workbook agree.
        return (letter, mark, f"{pair[0]} → {pair[1]}".strip()) if pair else (letter, mark, text)

    def findings(self, item: Item) -> Iterator[Finding]:
        pairs = 0
        for index, element in enumerate(item.elements):
            pair = sides(element.text)
            if pair is None or not pair[1]:
                yield Finding("E306", f"配对 {element.letter} 没有写成“左 → 右”", "左右之间写 →", index)
            elif bool(pair[0]) != (element.mark == "="):
                yield Finding(
                    "E306",
                    f"配对 {element.letter} 的方括号与左项不一致",
                    "成对的写 [=]，多余的右项写 [ ] 且左边空着",
                    index,
                )
            pairs += element.mark == "="
        if not 2 <= pairs <= 8:
            yield Finding("E303", f"配对题应有 2 至 8 对，这里有 {pairs} 对", "增减配对")

    def _left(self, item: Item, ids: Identity) -> list[tuple[str, str, str]]:
        """(left id, left text, right text) of every pair, in published order."""
        found = []
        for element in item.elements:
            pair = sides(element.text)
            if pair and element.mark == "=":
                found.append((ids.of(item.id, element.letter), pair[0], pair[1]))
        return sorted(found)

    def _right(self, item: Item, ids: Identity) -> dict[str, str]:
        """Right text → public id: that of the first letter with this text."""
        found: dict[str, str] = {}
        for element in sorted(item.elements, key=lambda e: e.letter):
            pair = sides(element.text)
            if pair:
                found.setdefault(pair[1], ids.of(item.id, element.letter + "→"))
        return found

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        right = sorted((pid, text) for text, pid in self._right(item, ids).items())
        return {
            "left": [{"id": pid, "text": text} for pid, text, _ in self._left(item, ids)],
            "right": [{"id": pid, "text": text} for pid, text in right],
        }

    def key(self, item: Item, ids: Identity) -> dict[str, str]:
        right = self._right(item, ids)
        return {pid: right[text] for pid, _, text in self._left(item, ids)}

    def clean(self, item: Item, ids: Identity, value: Any) -> dict[str, str] | None:
        if value is None:
            return None
        left = {pid for pid, _, _ in self._left(item, ids)}
        right = set(self._right(item, ids).values())
        if not isinstance(value, dict) or not all(
            isinstance(k, str) and k in left and isinstance(v, str) and (v in right or v == "")
            for k, v in value.items()
        ):
            raise InvalidAnswer("配对的内容不属于这道题")
        return {k: v for k, v in sorted(value.items()) if v} or None

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        key = self.key(item, ids)
        right = sum(bool(value.get(k) == v) for k, v in key.items())
        if rule == "全对得分":
            return 1.0 if right == len(key) else 0.0
        return right / len(key)

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        text_of = {pid: text for text, pid in self._right(item, ids).items()}
        letters = {ids.of(item.id, e.letter): e.letter for e in item.elements}
        return "；".join(f"{letters[k]}→{text_of[v]}" for k, v in sorted(value.items(), key=lambda p: letters[p[0]]))

    def to_cells(self, item: Item) -> tuple[tuple[str, ...], str]:
        return tuple(e.text for e in item.elements), ""

    def from_cells(self, options: Options, answer: str) -> tuple[tuple[str, str, str], ...]:
        cells = []
        for index, (letter, text) in enumerate(options):
            pair = sides(text)
            cells.append(self.lettered(index, "=" if pair and pair[0] else "", letter, text))
        return tuple(cells)


TYPE = Matching()
