"""What leaves for another system: the course's items by module, and what must be told of each."""

from __future__ import annotations

import re
from collections.abc import Collection

from qinlian.authoring.interchange.asked import Asked, Losses, Outgoing
from qinlian.authoring.interchange.assemble import EXPORTED, as_asked
from qinlian.core.model import Course

__all__ = ["letters_seen", "names_letters", "outgoing"]

_LETTER = re.compile(r"(?<![A-Za-z0-9])[A-Z](?![A-Za-z0-9])")


def outgoing(
    course: Course, modules: Collection[str], losses: Losses, *, points_label: bool = False
) -> tuple[Outgoing, ...]:
    """The questions of ``modules`` (ids), one bank a module; W661 for every item that no other system has."""
    banks = []
    for module in course.modules:
        if module.id not in modules:
            continue
        questions = []
        for item in module.own_items:
            losses.of(item.id)
            if item.kind not in EXPORTED:
                losses.say("W661", f"{item.kind}没有导出", "别的系统没有这种活动，只能在本课程里用")
                continue
            if any("![" in text for text in (item.stem, item.explanation, *(e.text for e in item.elements))):
                losses.say("W662", "题目里的图片没有导出", "在那边重新放进去")
            questions.append(as_asked(item, course.default_rule(item.kind), points_label=points_label))
        path = [course.title, f"{module.id} {module.title}"]
        banks.append(Outgoing("/".join(part.replace("/", "//") for part in path), tuple(questions)))
    return tuple(banks)


def names_letters(asked: Asked) -> bool:
    """True when the explanation or a feedback speaks of an option by its letter."""
    letters = {choice.letter for choice in asked.choices}
    texts = [asked.explanation, *(choice.feedback for choice in asked.choices)]
    return any(letters & set(_LETTER.findall(text)) for text in texts)


def letters_seen(asked: Asked) -> bool:
    """True when a system that letters options by their place shows the author's letters."""
    return [choice.letter for choice in asked.choices] == [chr(ord("A") + i) for i in range(len(asked.choices))]
