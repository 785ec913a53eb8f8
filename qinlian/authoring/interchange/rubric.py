"""The criteria and prompts of a 心得 as text, in the very form that questions.md has them."""

from __future__ import annotations

from qinlian.authoring.interchange.asked import Asked, Choice, Losses
from qinlian.authoring.questions import parse_questions
from qinlian.authoring.textfile import parse_text
from qinlian.authoring.writer import number_text, write_item
from qinlian.core.model import Element, Item

__all__ = ["read_rubric", "take_rubric", "write_rubric"]

_HEADING = "### X [心得]\n题干\n"


def write_rubric(asked: Asked) -> str:
    """``- [8] A. 细则`` a line, each with its feedback, then the prompts below 提示：; empty without criteria."""
    elements = tuple(
        Element(letter=c.letter, mark=number_text(c.fraction), text=c.text, feedback=c.feedback) for c in asked.choices
    )
    item = Item(id="X", kind="心得", stem="题干", elements=elements, prompts=asked.prompts, use="心得")
    return write_item(item).removeprefix(_HEADING).strip("\n")


def read_rubric(text: str) -> tuple[tuple[Choice, ...], tuple[str, ...], str]:
    """(criteria, prompts, what is neither): all or nothing, so that no half of a text gets lost."""
    if not text.strip():
        return (), (), ""
    found = parse_questions(parse_text(f"{_HEADING}{text}\n", ""))
    # HTML in it is the author's to mend, as in any other text; it is no reason to take the criteria apart.
    if len(found.items) != 1 or any(d.code != "E110" for d in found.diagnostics):
        return (), (), text
    item = found.items[0].item
    if item.stem != "题干" or item.explanation or item.citations or not item.elements:
        return (), (), text
    criteria = tuple(Choice(e.text, e.feedback, float(e.mark or 0), e.letter) for e in item.elements)
    return criteria, item.prompts, ""


def take_rubric(text: str, points: float, losses: Losses) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    """(criteria, prompts) of what another system keeps for its graders; ``points`` is what the question gave there."""
    criteria, prompts, rest = read_rubric(text)
    if rest:
        losses.say("W654", f"给评分人看的说明没有带过来：{rest[:60]}", "把评分细则写成 - [10] A. 细则")
    if not criteria:
        losses.say("W653", f"没有评分细则，原来满分 {points:g} 分", "写上评分细则，各项分数加起来就是满分")
    return criteria, prompts
