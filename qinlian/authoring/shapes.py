"""Which lines of an item look structural, and how prose that only looks so is written.

Fail closed: whatever looks like a heading, an option, a field or an embed is one, or is an error.
A backslash at the beginning of the line makes it prose. Before ``# - * [ {`` Markdown itself
understands the backslash, so it stays in the text; before anything else (``解析：``, ``A. …``)
it is ours, and is taken away when read and put back when written.
"""

from __future__ import annotations

import re
import string
from functools import cache
from typing import Literal

from qinlian.core.width import narrow
from qinlian.items.base import item_types

__all__ = ["FIELDS", "Shape", "as_prose", "escaped", "shape", "tidy", "unescaped"]

Shape = Literal["heading", "element", "field", "embed"]

FIELDS = ("解析", "依据", "提示")
"""The fields of an item; 提示 is a reflection's own."""

# Labels of other things, and slips of the pen, that an author may write as if they were fields.
_LABELS = (
    *("解析", "依据", "答案", "正确答案", "参考答案", "难度", "知识点", "分值", "用途", "计分", "字数", "反馈"),
    *("题型", "题干", "选项", "题号", "编号", "评分细则", "解释", "解答", "分析", "答案解析", "出处", "来源"),
    *("根据", "依椐", "依剧", "解折", "解晰", "提示"),
)
_FIELD = re.compile(
    rf"\s*(?:[\[【〔(*_]+\s*)?(?:{'|'.join(sorted(_LABELS, key=len, reverse=True))})\s*"
    r"(?:[\]】〕)*_]+|:)|\s*(?:解析|依据|答案)\s*(?:$|\s\S)"
)
_BULLET = r"(?:[-*+•·●○◦—–−―‐‑]+)"
_ELEMENT = re.compile(
    rf"\s*(?:{_BULLET}\s*[\[【〔][^\[\]【】〔〕]{{0,6}}(?:[\]】〕](?!\()|$)"  # - [x]   - 【x】   - [x
    rf"|{_BULLET}\s*[\[【〔]\s*[A-Za-z0-9=√✓✔]?\s+[A-Z]\s*[.、．:]"  # - [x A. …
    rf"|{_BULLET}\s*(?:[xX√✓✔]\s*[\]】〕]?\s*)?[A-Z]\s*[.、．:](?!\d)"  # - A. …   - x] A. …
    rf"|{_BULLET}\s*\(\s*[xX√✓✔ ]?\s*\)"  # - (x) …
    r"|[\[【]\s*[xX√✓✔=]?\s*[\]】](?!\()"  # [x] …
    r"|[A-Z]\s*[.、．](?![A-Za-z0-9]))"  # A. …
)
_EMBED = re.compile(r"\s*\{\{|[^\\]*\{\{\s*(?:题|案例|练习|测验|心得)")


@cache
def _titled() -> re.Pattern[str]:
    kinds = "|".join([*item_types(), "案例"])
    return re.compile(rf"\s*#|\s*[A-Za-z0-9_-]+\s*[\[【〔]\s*(?:{kinds})\s*[\]】〕]")


def shape(text: str) -> Shape | None:
    """What a line of an item looks like, or None for prose."""
    line = narrow(text)
    if _titled().match(line):
        return "heading"
    if _ELEMENT.match(line):
        return "element"
    if _FIELD.match(line):
        return "field"
    return "embed" if _EMBED.match(line) else None


def _our_backslash(text: str) -> re.Match[str] | None:
    """Match when ``text`` is backslashes and then a structural look that Markdown cannot escape."""
    found = re.match(r"(\s*)(\\*)(.*)", text, re.DOTALL)
    if found and found[3] and found[3][0] not in string.punctuation and shape(found[3]):
        return found
    return None


def unescaped(text: str) -> str:
    """A line of prose as the model holds it."""
    found = _our_backslash(text)
    return found[1] + found[2][1:] + found[3] if found and found[2] else text


def escaped(text: str) -> str:
    """The inverse of ``unescaped``: a line of the model as a file holds it."""
    found = _our_backslash(text)
    return f"{found[1]}\\{found[2]}{found[3]}" if found else text


def tidy(text: str) -> str:
    """The form in which the model keeps a text: no white space at line ends, none around it."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()


def as_prose(text: str, *, first: bool = True) -> str:
    """Text from elsewhere (Excel) as Markdown prose that can be written to a file and read back.

    Lines that look structural and begin with ASCII punctuation get Markdown's backslash; with
    ``first`` false the first line is left alone because it stands behind its field's label.
    """
    lines = tidy(text).split("\n")
    for index, line in enumerate(lines):
        if (index or first) and shape(line) and not _our_backslash(line):
            lines[index] = re.sub(r"^(\s*)", r"\1\\", line)
    return "\n".join(lines)
