"""What the strategies for items have in common: words as nasty as a course lets them be, and all fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from qinlian.authoring.shapes import as_prose, tidy
from qinlian.core.model import Element, Item
from qinlian.items.base import item_type

__all__ = ["CHARS", "LENGTHS", "Words", "item_of", "mark_at"]

# Neither the substitute characters, which E103 refuses though Unicode counts them among the signs.
CHARS = st.characters(
    exclude_categories=("Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"),
    exclude_characters="\ufffc\ufffd",
    max_codepoint=0x2FFFF,
)
LENGTHS = st.sampled_from([None, (50, 800), (1, 1)])


@dataclass(frozen=True)
class Words:
    """Strategies for the texts of an item; ``labels`` are topics, and whom the item is for."""

    texts: st.SearchStrategy[str]
    labels: st.SearchStrategy[list[str]]

    @classmethod
    def of(cls, nasty: Sequence[str], letters: str, most: int) -> Words:
        """Texts of at most ``most`` pieces, of which some are ``nasty``; labels out of ``letters``."""
        pieces = st.one_of(
            st.sampled_from(nasty), st.text(CHARS, min_size=1, max_size=6), st.just("\n"), st.just("文字")
        )
        label = st.text(letters, min_size=1, max_size=6).map(str.strip).filter(bool)
        return cls(st.lists(pieces, max_size=most).map("".join), st.lists(label, unique=True, max_size=3))

    @property
    def lines(self) -> st.SearchStrategy[str]:
        """One line, not empty."""
        return self.texts.map(lambda t: tidy(t.replace("\n", " "))).filter(bool)

    @property
    def prose(self) -> st.SearchStrategy[str]:
        """Any text that a stem can be."""
        return self.texts.map(as_prose).filter(bool)

    @property
    def prompts(self) -> st.SearchStrategy[list[str]]:
        """What a reflection is helped along with."""
        return st.lists(self.lines.map(as_prose).map(str.strip).filter(bool), max_size=3)

    @property
    def citations(self) -> st.SearchStrategy[list[str]]:
        """Rules that nobody looks up."""
        one = self.lines.map(lambda t: t.replace("；", "").replace(";", "").strip()).filter(bool)
        return st.lists(one, max_size=2)


def mark_at(draw: st.DrawFn, kind: str, place: int) -> str:
    """The mark of the element that stands at ``place``, from 1, in an order that was drawn."""
    match kind:
        case "单选" | "判断":
            return "x" if place == 1 else ""
        case "多选":
            return "x" if 1 < place <= 3 else ""
        case "排序":
            return str(place)
        case "心得":
            return draw(st.sampled_from(["1", "12", "0.5", "7.25"]))
    return ""


def item_of(draw: st.DrawFn, words: Words, kind: str, stem: str, elements: Sequence[Element], /, **more: Any) -> Item:
    """An item with those elements and ``more``, and everything else drawn."""
    by_hand = item_type(kind).by_hand
    return Item(
        kind=kind,
        stem=stem,
        elements=tuple(elements),
        use="心得" if by_hand else draw(st.sampled_from(["练习", "测验"])),
        difficulty=draw(st.integers(1, 3)),
        topics=tuple(draw(words.labels)),
        points=sum(float(e.mark) for e in elements)
        if by_hand
        else draw(st.sampled_from([1.0, 2.0, 0.5, 4.25, 9999.0])),
        rule=draw(st.sampled_from(["", *item_type(kind).rules])),
        prompts=tuple(draw(words.prompts)) if by_hand else (),
        explanation=draw(words.texts.map(lambda t: as_prose(t, first=False))),
        citations=tuple(draw(words.citations)),
        audience=tuple(draw(words.labels)),
        **more,
    )
