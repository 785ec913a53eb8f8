"""Craft of single items: W602–W603, W605, W608–W610, W612. Whole pools are in ``pools``.

Few rules, each one that a reader of the item would grant: a warning that cries wolf is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qinlian.authoring.placed import Placed
from qinlian.authoring.pools import lint_pools
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.identity import Identity
from qinlian.core.model import Element
from qinlian.items.base import item_type

__all__ = ["lint_items"]

_CHOICE = ("单选", "多选")
_MUCH_LONGER = 1.6
_LONG_KEY = 14
_CLANG = 6

_ALL_ABOVE = re.compile(
    r"(?:以上|上述|前面|以下|前述)(?:各项|选项|说法|做法|答案|[一二三四五两]项|几项|所有|全部)*\s*(?:都|均|全|皆)"
    r"|(?:都|全|均)(?:对|不对|正确|不正确|错|是|不是)$|[A-H](?:\s*[、和与]?\s*[A-H])+\s*(?:都|均|两项|三项)"
)
_ASKED_NOT = re.compile(
    r"(?P<not>不|错误|有误|没有|并非|除外)[^，。；：？“”]{0,12}(?:的是|的有|的(?:一|几)?项|的(?:做法|说法|表述|情形|行为)(?:是|有))"
    r"|哪(?:一|几|些)?(?:项|个|些|种|句)[^，。；：？“”]{0,12}(?P<not2>不|错误|有误|没有|并非)"
)
_BOLD = re.compile(r"\*\*[^*]*(?:不|错误|有误|没有|并非|除外)[^*]*\*\*")
_OWNER = re.compile(r"(?<![A-Za-z0-9])[A-Z]\s?(?:公司|某|单位|企业|学校|部门|先生|女士|老师|科长|处长|同志|市|县|省)")
_NAMED_OPTION = re.compile(
    r"(?<![A-Za-z0-9])([A-Z])\s*(?:项|选项)|(?:选项|误选|错选|漏选|多选|应选|选)\s*([A-Z])(?![A-Za-z0-9])"
)


def lint_items(items: Sequence[Placed], identity: Identity | None) -> Iterator[Diagnostic]:
    """All warnings about a module's items. Without ``identity`` the published order is not looked at."""
    for placed in items:
        if not placed.unread:
            for rule in (_undescribed, _no_feedback, _long_key, _all_above, _unstressed, _letters, _clang):
                yield from rule(placed)
    yield from lint_pools([p for p in items if not p.unread], identity)


def _undescribed(placed: Placed) -> Iterator[Diagnostic]:
    missing = [name for name in ("难度", "知识点") if name not in placed.places]
    if missing and placed.item.use != "心得":
        hint = "难度用来均衡抽题，知识点告诉学员该回看什么"
        yield placed.at().says("W602", f"{placed.item.id} 没有写{'和'.join(missing)}", hint)


def _no_feedback(placed: Placed) -> Iterator[Diagnostic]:
    item = placed.item
    if item.use == "练习" and item.kind in (*_CHOICE, "判断"):
        bare = [e.letter for e in item.elements if not e.feedback]
        if bare:
            index = [e.letter for e in item.elements].index(bare[0])
            message = f"练习题的选项 {'、'.join(bare)} 没有反馈"
            yield placed.at("element", index).says("W603", message, "在选项下面一行写“  > 选了它时的反馈”")


def _key(placed: Placed) -> tuple[int, Element, list[Element]] | None:
    """(index, key, the others) of a single-choice item."""
    if placed.item.kind != "单选":
        return None
    keys = [(i, e) for i, e in enumerate(placed.item.elements) if e.mark]
    if len(keys) != 1 or len(placed.item.elements) < 2:
        return None
    index, key = keys[0]
    return index, key, [e for e in placed.item.elements if e is not key]


def _long_key(placed: Placed) -> Iterator[Diagnostic]:
    found = _key(placed)
    if not found:
        return
    index, key, others = found
    longest = max(len(e.text) for e in others)
    if len(key.text) >= _LONG_KEY and len(key.text) >= _MUCH_LONGER * longest:
        message = f"正确项 {len(key.text)} 字，别的选项最长 {longest} 字，一眼看得出来"
        yield placed.at("element", index).says("W605", message, "把正确项写短，或把别的选项写得一样具体")


def _all_above(placed: Placed) -> Iterator[Diagnostic]:
    if placed.item.kind not in _CHOICE:
        return
    for index, element in enumerate(placed.item.elements):
        if _ALL_ABOVE.match(element.text.strip(" 。")):
            message = f"选项 {element.letter} 是“以上都对（不对）”一类的选项"
            yield placed.at("element", index).says("W608", message, "选项次序会打乱，也测不出掌握；改成一个具体的选项")


def _unstressed(placed: Placed) -> Iterator[Diagnostic]:
    if placed.item.kind not in _CHOICE or _BOLD.search(placed.item.stem):
        return
    # Only what is asked counts; a case may well tell what was not done.
    asked = re.split(r"[。！？\n]", placed.item.stem.rstrip("。？?！：: （）()"))[-1]
    found = _ASKED_NOT.search(asked)
    if found:
        word = found["not"] or found["not2"]
        message = f"题干问的是否定的一面，“{word}”没有加粗"
        yield placed.at("stem").says("W609", message, f"写成 **{word}**，或改成正面提问")


def _letters(placed: Placed) -> Iterator[Diagnostic]:
    item = placed.item
    names = "".join(e.letter for e in item.elements if re.fullmatch("[A-Z]", e.letter))
    alone = re.compile(rf"(?<![A-Za-z0-9])[{names}]+(?![A-Za-z0-9])") if names else None
    shown = item_type(item.kind).shows_letters
    for part, text in [("stem", item.stem), *((f"element:{i}", e.text) for i, e in enumerate(item.elements))]:
        if shown and item.use != "心得" and alone and (found := alone.search(text)):
            message = f"单独的大写字母 {found.group()} 会和选项字母混淆"
            yield placed.at(part).says("W610", message, "换成甲、乙，或写全称")
    for part, text in [
        ("解析", item.explanation),
        *((f"feedback:{i}", e.feedback) for i, e in enumerate(item.elements)),
    ]:
        if found := _OWNER.search(text):
            message = f"“{found.group()}”里的字母显示时会被当成选项字母"
            yield placed.at(part).says("W610", message, "换成甲、乙，或写全称")
        elif not shown and alone and (found := alone.search(text)):
            message = f"提到了 {found.group()}，可是{item.kind}题不显示字母"
            yield placed.at(part).says("W610", message, "改成写出那一项的文字，填空写“第一空”")
        elif shown and item.use != "心得":
            for found in _NAMED_OPTION.finditer(text):
                if (letter := found[1] or found[2]) not in names:
                    message = f"提到了选项 {letter}，这道题没有这个选项"
                    yield placed.at(part).says("W610", message, "改成有的选项字母，用书写时的字母")


def _clang(placed: Placed) -> Iterator[Diagnostic]:
    found = _key(placed)
    if not found:
        return
    index, key, others = found
    echo = _shared(placed.item.stem, key.text)
    if len(echo) >= _CLANG and all(len(_shared(placed.item.stem, e.text)) < _CLANG - 2 for e in others):
        message = f"只有正确项重复了题干里的“{echo}”，等于提示"
        yield placed.at("element", index).says("W612", message, "换个说法，或让别的选项也用上")


def _shared(left: str, right: str) -> str:
    """The longest run of Chinese characters that stands in both."""
    best = ""
    for start in range(len(right)):
        end = start + len(best) + 1
        while end <= len(right) and re.fullmatch(r"[\u4e00-\u9fff]+", right[start:end]) and right[start:end] in left:
            best = right[start:end]
            end += 1
    return best
