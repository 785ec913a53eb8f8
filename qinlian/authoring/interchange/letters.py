"""What an item keeps when it comes back from a system that cannot hold it: the letters of its lines, their feedback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qinlian.core.model import Element, Item
from qinlian.items.base import letter_at

__all__ = ["WITHOUT_FEEDBACK", "kept", "line_letters"]

WITHOUT_FEEDBACK = {"moodle": frozenset({"配对"}), "gift": frozenset({"配对", "排序"}), "qti": frozenset[str]()}
"""The kinds whose lines have no feedback of their own in a format."""


def line_letters(given: Sequence[str], said: str) -> tuple[str, ...]:
    """The letters of lines: ``given`` by the format, else ``said`` by a label, else A, B, C….

    A label that counts otherwise says nothing: lines were added or taken away elsewhere.
    """
    if all(given) and len(set(given)) == len(given):
        return tuple(given)
    return tuple(said) if len(said) == len(given) else tuple(letter_at(i) for i in range(len(given)))


def kept(old: Item, new: Item, without_feedback: frozenset[str]) -> Item:
    """``new``, which takes the place of ``old``, with its letters and with what the format had no room for."""
    new = _kept_letters(old, new)
    if new.kind not in without_feedback or old.kind != new.kind:
        return new
    said = {(e.letter, e.text): e.feedback for e in old.elements}
    elements = [e.model_copy(update={"feedback": said.get((e.letter, e.text), "")}) for e in new.elements]
    return new.model_copy(update={"elements": tuple(elements)})


def _kept_letters(old: Item, new: Item) -> Item:
    """``new``, which takes the place of ``old``, with the letters that its lines have always had.

    A line that reads as an old one did has its letter, wherever it was moved to; of the others each keeps its own
    if that is an old one's that is gone, and what is added gets letters that were never used.
    """
    if old.kind != new.kind or not all(len(e.letter) == 1 and e.letter.isascii() for e in new.elements):
        return new
    by_text = {element.text: element.letter for element in old.elements}
    letters = [by_text.get(element.text, "") for element in new.elements]
    if len(set(filter(None, letters))) != len(list(filter(None, letters))):
        return new
    gone = {e.letter for e in old.elements} - set(letters)
    fresh = _fresh({e.letter for e in old.elements} | {e.letter for e in new.elements})
    same_count = len(old.elements) == len(new.elements)
    for index, element in enumerate(new.elements):
        if not letters[index]:
            if same_count and element.letter in gone:
                letters[index] = element.letter
                gone.discard(element.letter)
            else:
                letters[index] = next(fresh, element.letter)
    return new.model_copy(update={"elements": _relettered(new.elements, letters)})


def _fresh(used: Iterable[str]) -> Iterator[str]:
    last = max((ord(letter) - ord("A") for letter in used), default=-1)
    return map(letter_at, range(last + 1, 26))


def _relettered(elements: Sequence[Element], letters: Sequence[str]) -> tuple[Element, ...]:
    return tuple(e.model_copy(update={"letter": a}) for e, a in zip(elements, letters, strict=True))
