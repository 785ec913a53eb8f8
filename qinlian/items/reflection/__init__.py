"""心得: a text, read and graded by a person with the criteria in view."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import Finding, InvalidAnswer, ItemType, Options

__all__ = ["LONGEST", "LONGEST_PROMPT", "MOST_PROMPTS", "TYPE", "Reflection"]

LONGEST = 20_000
"""Characters of one reflection."""
MOST_PROMPTS, LONGEST_PROMPT = 8, 60
"""Lines of 提示, and characters of one: a hint is read at a glance."""


class Reflection(ItemType):
    name = "reflection"
    label = "心得"
    rules = ("人工评分",)
    by_hand = True
    line_sample = "- [10] A. 评分细则"

    def canonical_mark(self, raw: str) -> str | None:
        mark = unicodedata.normalize("NFKC", raw).strip().removesuffix("分").strip()
        return f"{float(mark):g}" if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", mark) and float(mark) > 0 else None

    def findings(self, item: Item) -> Iterator[Finding]:
        if not item.elements:
            yield Finding("E303", "心得没有评分细则", "至少写一行，如 - [10] A. 联系本人岗位")

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        # The criteria are meant to be read, so they keep their order.
        criteria = [{"id": ids.of(item.id, e.letter), "text": e.text, "points": float(e.mark)} for e in item.elements]
        public: dict[str, Any] = {"criteria": criteria, "words": list(item.words) if item.words else None}
        if item.prompts:
            public["prompts"] = [{"text": prompt} for prompt in item.prompts]
        return public

    def key(self, item: Item, ids: Identity) -> None:
        return None

    def clean(self, item: Item, ids: Identity, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise InvalidAnswer("心得应当是文字")
        if len(value) > LONGEST:
            raise InvalidAnswer(f"心得超过了 {LONGEST} 字")
        return value if value.strip() else None

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        return 0.0

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        return str(value)

    def to_cells(self, item: Item) -> tuple[tuple[str, ...], str]:
        return tuple(e.text for e in item.elements), "；".join(e.mark for e in item.elements)

    def from_cells(self, options: Options, answer: str) -> tuple[tuple[str, str, str], ...]:
        marks = [self.canonical_mark(m) for m in re.split(r"[；;、,，\s]+", answer.strip()) if m]
        if len(marks) != len(options) or None in marks:
            raise ValueError("答案写评分细则各项的分数，用；隔开，与细则一一对应")
        return tuple((letter, marks[i] or "", text) for i, (letter, text) in enumerate(options))


TYPE = Reflection()
