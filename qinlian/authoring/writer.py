"""Items → canonical Markdown, which ``questions.parse_questions`` reads back unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from qinlian.authoring.shapes import escaped
from qinlian.core.model import Item
from qinlian.items.base import item_type

__all__ = ["number_text", "write_item", "write_questions"]


def number_text(value: float) -> str:
    """A number without a needless ``.0``."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def write_item(item: Item, *, with_use: bool = True) -> str:
    """One item without errors as Markdown, ending in a line break; 用途 stands on it if ``with_use``."""
    kind = item_type(item.kind)
    attrs: list[tuple[str, str]] = []
    if with_use and not kind.by_hand:
        attrs.append(("用途", item.use))
    if item.difficulty != 1 or not kind.by_hand:
        attrs.append(("难度", str(item.difficulty)))
    if item.topics:
        attrs.append(("知识点", "、".join(item.topics)))
    if item.points != 1 and not kind.by_hand:
        attrs.append(("分值", number_text(item.points)))
    if item.rule:
        attrs.append(("计分", item.rule))
    if item.words:
        attrs.append(("字数", f"{item.words[0]}-{item.words[1]}"))
    if item.audience:
        attrs.append(("对象", "、".join(item.audience)))
    braces = " ".join(f"{key}={_quoted(value)}" for key, value in attrs)
    lines = [f"### {item.id} [{item.kind}]" + (f" {{{braces}}}" if braces else "")]
    lines += [escaped(line) for line in item.stem.split("\n")]
    for element in item.elements:
        lines.append(kind.line(element))
        if element.feedback:
            lines += [f"  > {line}".rstrip() for line in element.feedback.split("\n")]
    if item.explanation:
        first, *rest = item.explanation.split("\n")
        lines += [f"解析：{first}", *(escaped(line) for line in rest)]
    if item.prompts:
        lines += ["提示：", *(escaped(line) for line in item.prompts)]
    if item.citations:
        lines.append(f"依据：{'；'.join(item.citations)}")
    if item.body:
        lines += ["", item.body]
    return "\n".join(lines) + "\n"


def write_questions(items: Iterable[Item]) -> str:
    """A whole questions.md: a section for each run of items of one use."""
    parts = ["# 题目\n"]
    for use, run in groupby(items, key=lambda item: item.use):
        parts.append(f"## {use}\n" if use == "心得" else f"## {use} {{用途={use}}}\n")
        parts += [write_item(item, with_use=False) for item in run]
    return "\n".join(parts)


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"[\s=＝]", value) else value
