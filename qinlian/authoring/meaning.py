"""Whether an item makes sense, wherever it was written: E3xx."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qinlian.authoring.placed import Placed
from qinlian.authoring.rulebook import Rulebook
from qinlian.authoring.textfile import Place, nearest
from qinlian.core.diagnostics import Diagnostic
from qinlian.items.base import Finding, item_type
from qinlian.items.reflection import LONGEST_PROMPT, MOST_PROMPTS

__all__ = ["check_citations", "check_item", "check_unique"]

# Types whose answer lines must all read differently; blanks may share an answer.
_DISTINCT = ("单选", "多选", "排序", "配对")


def check_item(placed: Placed) -> Iterator[Diagnostic]:
    """E302–E306 from the item's type, and E305, E307–E312, which hold for every type."""
    item, kind = placed.item, item_type(placed.item.kind)
    for index, element in enumerate(item.elements):
        if not element.text.strip() and item.kind not in ("填空", "配对"):
            yield placed.at("element", index).says("E305", f"{element.letter} 没有内容", "写出内容，或删掉这一行")
    if "elements" not in placed.unread:
        for finding in kind.findings(item):
            yield _place(placed, finding).says(finding.code, finding.message, finding.hint)
        yield from _repeats(placed)
    if item.rule and item.rule not in kind.rules:
        yield placed.at("计分").says("E311", f"{item.kind}题没有计分规则“{item.rule}”", nearest(item.rule, kind.rules))
    if item.prompts or "提示" in placed.places:
        yield from _prompts(placed, by_hand=kind.by_hand)
    if kind.by_hand:
        if "分值" in placed.places:
            yield placed.at("分值").says("E312", "心得不写分值", "分值是评分细则各项之和，删掉这一项")
        return
    if "字数" in placed.places:
        yield placed.at("字数").says("E312", "只有心得写字数", "删掉这一项")
    if not placed.used:
        yield placed.at().says("E309", f"{item.id} 没有写用途", "在题上或节标题上写 {用途=练习} 或 {用途=测验}")
    if not kind.explains:
        return
    if not item.explanation and "解析" not in placed.unread:
        yield placed.at("解析").says("E307", f"{item.id} 没有解析", "补上 解析：……")
    if not item.citations and "依据" not in placed.unread:
        yield placed.at("依据").says("E308", f"{item.id} 没有依据", "补上 依据：《文件名》第几条第几款")


def _prompts(placed: Placed, *, by_hand: bool) -> Iterator[Diagnostic]:
    """E351–E352: 提示 belongs to a reflection, and is a few short lines."""
    place, prompts = placed.at("提示"), placed.item.prompts
    if not by_hand:
        yield place.says("E351", "只有心得写提示", "删掉它；若是正文，在行首加 \\")
    elif not prompts:
        yield place.says("E352", "提示下面没有内容", f"每行写一条，不超过 {MOST_PROMPTS} 条；不用就删掉“提示：”")
    elif len(prompts) > MOST_PROMPTS:
        yield place.says("E352", f"提示有 {len(prompts)} 条，太多了", f"最多写 {MOST_PROMPTS} 条，留下最能打开思路的")
    for number, prompt in enumerate(prompts if by_hand else (), 1):
        if len(prompt) > LONGEST_PROMPT:
            message = f"第 {number} 条提示有 {len(prompt)} 字，太长了"
            yield place.says("E352", message, f"改到 {LONGEST_PROMPT} 字以内，一条只问一件事")


def _place(placed: Placed, finding: Finding) -> Place:
    if finding.line is not None:
        return placed.at_body(finding.line, finding.column)
    return placed.at() if finding.element is None else placed.at("element", finding.element)


def _repeats(placed: Placed) -> Iterator[Diagnostic]:
    if placed.item.kind not in _DISTINCT:
        return
    seen: dict[str, str] = {}
    for index, element in enumerate(placed.item.elements):
        text = re.sub(r"\s+", "", element.text)
        first = seen.setdefault(text, element.letter)
        if text and first != element.letter:
            message = f"{element.letter} 和 {first} 的内容一样"
            yield placed.at("element", index).says("E310", message, "改写或删掉一个")


def check_unique(ids: Iterable[tuple[str, Place]]) -> Iterator[Diagnostic]:
    """E301 for every id used before; ``ids`` are all that carry one, in order."""
    first: dict[str, Place] = {}
    for some_id, place in ids:
        earlier = first.setdefault(some_id, place)
        if earlier is not place:
            where = f"{earlier.sheet}!{earlier.cell}" if earlier.sheet else f"{earlier.file} 第 {earlier.line} 行"
            yield place.says("E301", f"编号 {some_id} 已经用过，在 {where}", "换一个没有用过的编号")


def check_citations(placed: Placed, rules: Rulebook) -> Iterator[Diagnostic]:
    """E501–E505 for an item's 依据 and for the citations in its texts."""
    item = placed.item
    for index, citation in enumerate(item.citations):
        yield from rules.cited(citation, placed.at("依据", index))
    cited = list(item_type(item.kind).body_citations(item))
    for part in cited:
        yield from rules.cited(part.text, placed.at_body(part.line, part.column))
    for number, line in enumerate(item.body.split("\n")):
        if number not in {part.line for part in cited}:
            yield from rules.mentioned(line, placed.at_body(number), old_allowed=False)
    texts = [("stem", item.stem), ("解析", item.explanation), ("提示", "\n".join(item.prompts))]
    texts += [(f"feedback:{i}", e.feedback) for i, e in enumerate(item.elements)]
    texts += [(f"element:{i}", e.text) for i, e in enumerate(item.elements)]
    for name, text in texts:
        for line in text.split("\n"):
            for problem in rules.mentioned(line, placed.at(name), old_allowed=False):
                # The columns of a joined text are not those of the file.
                yield problem.model_copy(update={"col": placed.at(name).col})
