"""What was asked elsewhere → an item, and an item → what is asked elsewhere: all that maps is decided here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

from qinlian.authoring.interchange.asked import Asked, Choice, Kind, Losses
from qinlian.authoring.interchange.credit import PERCENT, fractions, rule_of
from qinlian.authoring.interchange.labels import Known, labels_of, read_labels
from qinlian.authoring.interchange.letters import line_letters
from qinlian.authoring.interchange.markup import one_line
from qinlian.authoring.questions import split_citations
from qinlian.authoring.shapes import as_prose, escaped, tidy, unescaped
from qinlian.authoring.structure import ID, parse_points
from qinlian.authoring.writer import number_text
from qinlian.core.model import Element, Item
from qinlian.items.base import item_type
from qinlian.items.blank import BLANK
from qinlian.items.matching import sides

__all__ = ["EXPORTED", "as_asked", "as_item"]

EXPORTED: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_CITED = re.compile(r"(?:\A|\n)[ \t]*依据[ \t]*[:：][ \t]*(.+)\Z")
_DEFAULT_CATEGORY = re.compile(r"default for|^top$|默认|缺省|^\$", re.I)


# --- out ------------------------------------------------------------------------------------


def as_asked(item: Item, default_rule: str, *, points_label: bool = False) -> Asked:
    """The item as other systems ask it; its kind is one of ``EXPORTED``.

    ``default_rule`` is the course's for this kind, or empty. With ``points_label`` the points travel as a label.
    """
    kind = EXPORTED[item.kind]
    elements = item.elements
    order = ""
    if kind == "排序":
        elements = tuple(sorted(elements, key=lambda e: int(e.mark)))
        written = "".join(e.letter for e in item.elements)
        order = written if written != "".join(sorted(written)) else ""
    letters = "" if kind == "判断" else "".join(e.letter for e in elements)
    rule = item.rule or default_rule or item_type(item.kind).rules[0]
    shares = fractions(rule, [bool(e.mark) for e in elements]) if kind == "多选" else ()
    choices = []
    for index, element in enumerate(elements):
        choice = Choice(element.text, element.feedback, letter="" if kind == "判断" else element.letter)
        if kind in ("单选", "判断"):
            choice = replace(choice, fraction=PERCENT if element.mark else 0.0)
        elif kind == "多选":
            choice = replace(choice, fraction=shares[index])
        elif kind == "心得":
            choice = replace(choice, fraction=float(element.mark))
        elif kind == "配对":
            left, right = sides(element.text) or ("", element.text)
            choice = replace(choice, text=left, right=right)
        choices.append(choice)
    return Asked(
        kind=kind,
        stem=item.stem,
        choices=tuple(choices),
        id=item.id,
        name=_name(item),
        explanation=_explained(item),
        labels=labels_of(item, letters, order, points=points_label and item.points != 1 and kind != "心得"),
        points=item.points,
        whole=rule == "全对得分",
        prompts=item.prompts,
    )


def _name(item: Item) -> str:
    """What the other system lists it by: the id and how it begins."""
    return f"{item.id} {' '.join(re.sub(r'[*`#|>]', '', item.stem).split())[:30]}"


def _explained(item: Item) -> str:
    """The explanation as it stands in questions.md, the citations in its last line."""
    first, *rest = item.explanation.split("\n")
    lines = [escaped(first), *(escaped(line) for line in rest)] if item.explanation else []
    return "\n".join(
        [*lines, *([""] if lines else []), f"依据：{'；'.join(item.citations)}"] if item.citations else lines
    )


# --- in -------------------------------------------------------------------------------------


def as_item(asked: Asked, default_rule: str, losses: Losses) -> Item:
    """The item that was asked, its id empty where it has none that fits; ``losses`` takes what had to change.

    ``default_rule`` is the course's for this kind, or empty. The item may lack what a course needs.
    """
    known = read_labels(asked.labels)
    if known.odd:
        losses.say("W654", f"标签读不出来，没有用上：{'、'.join(known.odd)[:60]}", "改成 难度:2、用途:测验 这样的写法")
    kind, elements, rule = _lines(asked, known, default_rule, losses)
    topics = known.topics
    if not topics and not known.ours and asked.category and not _DEFAULT_CATEGORY.search(asked.category):
        topics = read_labels([f"知识点:{re.sub('[{}=＝]', '', asked.category)}"]).topics
    explanation, citations = _apart(asked.explanation)
    by_hand = kind == "心得"
    use = "心得" if by_hand else known.values.get("用途", "测验")
    stem = asked.stem
    if kind == "填空" and not BLANK.search(stem):
        losses.say("W656", "题干里没有留空，在末尾加了一个", "把 ____ 移到合适的地方")
        stem = f"{stem.rstrip()} ____"
    points = sum(float(e.mark) for e in elements) if by_hand else _points(asked, known, losses)
    if asked.id and not ID.fullmatch(asked.id):
        losses.say("W656", f"编号“{asked.id[:30]}”不能作题号", "导入时另编了题号；题号只用英文字母、数字、- 和 _")
    return Item(
        id=asked.id if ID.fullmatch(asked.id) else "",
        kind=kind,
        stem=as_prose(stem),
        elements=elements,
        use="练习" if use == "练习" else "心得" if by_hand else "测验",
        difficulty=known.difficulty or 1,
        topics=topics,
        points=points or 1.0,
        rule=rule,
        words=known.words if by_hand else None,
        prompts=asked.prompts if by_hand else (),
        explanation=explanation,
        citations=citations,
        audience=known.audience,
    )


def _apart(text: str) -> tuple[str, tuple[str, ...]]:
    """(explanation, citations) of a general feedback."""
    text = tidy(text)
    found = _CITED.search(text)
    citations = split_citations(found[1]) if found else ()
    rest = tidy(text[: found.start()]) if found else text
    return as_prose("\n".join(unescaped(line) for line in rest.split("\n")), first=False), citations


def _points(asked: Asked, known: Known, losses: Losses) -> float:
    points = known.points if asked.points is None else asked.points
    if points is None:
        return 1.0
    usable = parse_points(number_text(points))
    if usable is None:
        losses.say("W653", f"分值 {points:g} 用不了", "已改成 1；分值是大于 0、至多两位小数的数")
        return 1.0
    if abs(usable - points) > 1e-6:
        losses.say("W653", f"分值 {points:g} 写成了 {usable:g}", "分值至多两位小数")
    return usable


def _lines(asked: Asked, known: Known, default: str, losses: Losses) -> tuple[Kind, tuple[Element, ...], str]:
    """(kind, elements, rule) of a question."""
    kind, choices = asked.kind, asked.choices
    if len(choices) > 26:
        losses.say("W656", f"有 {len(choices)} 个选项，只留了前 26 个", "选项用字母编号，最多 26 个")
        choices = choices[:26]
    letters = (
        ("对", "错") if kind == "判断" else line_letters([c.letter for c in choices], known.values.get("选项", ""))
    )
    marks = [""] * len(choices)
    rule = ""
    if kind in ("单选", "多选"):
        kind, marks, derived = _credit(replace(asked, choices=choices), losses)
        rule = _rule(kind, derived, known, default)
    elif kind == "判断":
        rule = _rule(kind, "", known, default)
        marks = ["x" if c.fraction > 0 else "" for c in choices]
    elif kind == "心得":
        rule = _rule(kind, "", known, default)
        marks = [f"{c.fraction:g}" for c in choices]
    elif kind == "配对":
        marks = ["=" if c.text else "" for c in choices]
    elif kind == "排序":
        marks = [str(place) for place in range(1, len(choices) + 1)]
    if kind in ("填空", "配对", "排序"):
        rule = _rule(kind, "全对得分" if asked.whole else item_type(kind).rules[0], known, default)
    elements = tuple(
        Element(letter=letter, mark=mark, text=_text(kind, choice, letter, losses), feedback=tidy(choice.feedback))
        for letter, mark, choice in zip(letters, marks, choices, strict=False)
    )
    if kind == "排序":
        order = known.values.get("次序", "")
        places = order if sorted(order) == sorted(letters) else "".join(sorted(letters))
        elements = tuple(sorted(elements, key=lambda e: places.index(e.letter)))
    return kind, elements, rule


def _text(kind: Kind, choice: Choice, letter: str, losses: Losses) -> str:
    if kind == "判断":
        return letter
    text = one_line(choice.text)
    if text != choice.text.strip():
        losses.say("W656", f"选项“{text[:12]}”原来有几行，合成了一行", "看看读起来是否通顺")
    return f"{text} → {one_line(choice.right)}".strip() if kind == "配对" else text


def _credit(asked: Asked, losses: Losses) -> tuple[Kind, list[str], str]:
    """(kind, marks, rule) of a choice question by its percentages."""
    given = [c.fraction for c in asked.choices]
    if asked.kind == "单选":
        if any(0 < f < PERCENT - 1 for f in given):
            losses.say("W653", "有的选项只得一部分分，没有带过来", "单选题选对得满分，选错得 0；可以改成多选")
        if any(f < 0 for f in given):
            losses.say("W653", "选错倒扣分，没有带过来", "选错得 0")
        marks = ["x" if f >= PERCENT - 1 else "" for f in given]
        return "单选", marks, ""
    marks = ["x" if f > 0 else "" for f in given]
    rule = "全对得分" if asked.whole else rule_of(given)
    if marks.count("x") == 1 and not asked.whole:
        losses.say("W656", "多选题只有一个正确项，改成了单选", "确有几个正确的，就改题型并补上 [x]")
        return "单选", marks, ""
    if rule is None:
        shown = "、".join(f"{f:g}%" for f in given)
        losses.say(
            "W653",
            f"各选项的得分比例（{shown}）和哪一种计分规则都不同",
            "按 漏选按比例 导入；可改成 对错相抵 或 全对得分",
        )
        rule = "漏选按比例"
    return "多选", marks, rule


def _rule(kind: Kind, derived: str, known: Known, default: str) -> str:
    """The rule to write: the author's own word where it agrees with the percentages, nothing where it goes
    without saying."""
    said = known.values.get("计分", "")
    if said in item_type(kind).rules and (derived in ("", said) or _alike(kind, said, derived)):
        return said
    usual = default or item_type(kind).rules[0]
    # Where the format cannot tell 全对得分 apart and no label says so, the course's own default is as near.
    if not derived or derived == usual or (known.ours and not said and _alike(kind, usual, derived)):
        return ""
    return derived


def _alike(kind: Kind, said: str, derived: str) -> bool:
    """True when a format may have been unable to tell the two rules apart."""
    return said == "全对得分" and derived == item_type(kind).rules[0]
