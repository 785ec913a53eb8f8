"""What every item type provides, and the registry that finds them.

A type is a folder beside this file: its ``__init__.py`` defines ``TYPE``, an ``ItemType``; its
``view.js`` and ``view.css`` are bundled into the quiz. Adding a folder adds a type.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from qinlian.core.identity import Identity
from qinlian.core.model import Element, Item

__all__ = [
    "BodyText",
    "Finding",
    "InvalidAnswer",
    "ItemType",
    "Options",
    "answer_letters",
    "item_type",
    "item_types",
    "letter_at",
    "published_options",
]

Options = tuple[tuple[str, str], ...]
"""(letter, text) of the option cells of one row that hold something, in the order of the item."""


class InvalidAnswer(ValueError):  # noqa: N818 - it is an answer, no fault of the program
    """An answer that this type cannot hold; ``str()`` is a short Chinese reason."""


@dataclass(frozen=True)
class Finding:
    """A problem a type found in one of its items.

    ``element`` is the index of the element it concerns; ``line`` and ``column`` (from 0) stand in the
    item's body. Without either it concerns the item as a whole.
    """

    code: str
    message: str
    hint: str = ""
    element: int | None = None
    line: int | None = None
    column: int = 0


@dataclass(frozen=True)
class BodyText:
    """A piece of an activity's body that is checked like any other: where it begins, from 0."""

    text: str
    line: int
    column: int = 0


class ItemType(ABC):
    """One kind of item: what it accepts, publishes, scores and explains."""

    name: ClassVar[str]
    """The folder's name and the front end's key, e.g. ``single``."""
    label: ClassVar[str]
    """The Chinese name authors write, e.g. 单选."""
    rules: ClassVar[tuple[str, ...]] = ("全对得分",)
    """Names of scoring rules; the first is the default."""
    by_hand: ClassVar[bool] = False
    """True when a person grades it."""
    has_letters: ClassVar[bool] = True
    """False when its answer lines carry no ``A.`` of their own before the text."""
    shows_letters: ClassVar[bool] = True
    """False when the learner sees no letters beside its lines, so that no text may refer to them."""
    has_answer_cell: ClassVar[bool] = True
    """False when the option cells of the workbook hold the answer themselves."""
    line_sample: ClassVar[str] = "- [x] A. 选项"
    """One answer line as an author should write it, for error messages."""
    has_body: ClassVar[bool] = False
    """True for an activity: instead of answer lines it has a text of its own, from the first ``####`` on."""
    explains: ClassVar[bool] = True
    """False when nothing in it is right or wrong, so that it needs neither 解析 nor 依据."""

    def canonical_mark(self, raw: str) -> str | None:
        """The mark in canonical form, or None when it means nothing in this type."""
        mark = raw.strip().lower()
        return {"": "", "x": "x", "√": "x", "✓": "x"}.get(mark)

    def lettered(self, index: int, mark: str, letter: str, text: str) -> tuple[str, str, str]:
        """(letter, mark, text) of a parsed line; a type without lettered lines supplies its own."""
        return letter, mark, text

    def line(self, element: Element) -> str:
        """The element as its author writes it, without feedback."""
        return f"- [{element.mark or ' '}] {element.letter}. {element.text}"

    @abstractmethod
    def findings(self, item: Item) -> Iterator[Finding]:
        """Everything that makes this item unusable, each with a stable code."""

    @abstractmethod
    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        """What the learner's page needs beyond stem and kind: nothing that depends on the key.

        A text is Markdown under the key ``text`` (inline) or ``prose`` (paragraphs), at any depth; the
        build turns it into HTML. Of an item with variants this is what they have in common, and of one
        variant what it has of its own.
        """

    @abstractmethod
    def key(self, item: Item, ids: Identity) -> Any:
        """The full-mark answer in the shape of ``value``, in public ids."""

    @abstractmethod
    def clean(self, item: Item, ids: Identity, value: Any) -> Any:
        """``value`` in canonical form, or None when it amounts to no answer.

        Raises InvalidAnswer for anything a learner's page could not have produced.
        """

    @abstractmethod
    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        """The fraction in [0, 1] that a cleaned, non-empty ``value`` earns under ``rule``."""

    @abstractmethod
    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        """A cleaned value as plain text for instructors, by authored letters."""

    def feedback(self, item: Item, ids: Identity) -> dict[str, str]:
        """Public id of each element → its feedback (Markdown, letters as shown)."""
        return {ids.of(item.id, e.letter): ids.relettered(item, e.feedback) for e in item.elements if e.feedback}

    def practice(self, item: Item, ids: Identity) -> dict[str, Any]:
        """What the page needs, besides the key, to judge a practice answer by itself."""
        return {}

    def spoken_key(self, item: Item, ids: Identity) -> str:
        """An activity's key in plain words, for the grade cell."""
        return ""

    def body_citations(self, item: Item) -> Iterator[BodyText]:
        """Every citation written in an activity's body."""
        return iter(())

    def posts_named(self, item: Item) -> Iterator[BodyText]:
        """Every post its body names: the reader looks them up in ``course/duties`` and fills ``item.posts``."""
        return iter(())

    def admits(self, published: Mapping[str, Any], value: Any) -> bool:
        """Whether the learner's side may write ``value`` into answers.json, for a type that has something to keep out.

        ``published`` is the item as lesson.json has it. Everything else is judged by ``clean``, where the key is.
        """
        return True

    def sheet(self, published: Mapping[str, Any], value: Any, notes: Mapping[str, str]) -> tuple[str, bytes] | None:
        """A file of what a learner wrote, to keep: (its name, its bytes); None for a type that has none.

        ``published`` is the item as lesson.json has it, ``value`` the answer so far, ``notes`` the
        private notes. Raises InvalidAnswer when there is nothing to put into it yet.
        """
        return None

    def verdict(self, fraction: float, answered: bool) -> str:
        """What became of an answer, in a word or two, for the grade cell."""
        if fraction >= 1:
            return "正确"
        if not answered:
            return "未作答"
        return "部分正确" if fraction > 0 else "错误"

    def variants(self, item: Item) -> int:
        """How many variants of the item there are; 0 for an item that is the same for everybody.

        Everything else here is asked of one variant, ``item.variant`` being its number from 0.
        """
        return 0

    def digest(self, item: Item, ids: Identity) -> str:
        """A digest of one variant, key included: grading refuses a variant that was not the released one."""
        record = json.dumps([self.public(item, ids), self.key(item, ids)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(record.encode()).hexdigest()[:32]

    def to_cells(self, item: Item) -> tuple[tuple[str, ...], str]:
        """(选项A…, 答案) for the workbook."""
        return tuple(e.text for e in item.elements), "".join(e.letter for e in item.elements if e.mark)

    def from_cells(self, options: Options, answer: str) -> tuple[tuple[str, str, str], ...]:
        """(letter, mark, text) of each element from the workbook's cells.

        ``options`` are (letter, text): letters are permanent, so there may be gaps between them.
        Raises ValueError with a short Chinese reason when the answer cell cannot be read.
        """
        chosen = answer_letters(answer)
        unknown = sorted(set(chosen) - {letter for letter, _ in options})
        if unknown:
            raise ValueError(f"答案里的 {'、'.join(unknown)} 没有对应的选项")
        return tuple((letter, "x" if letter in chosen else "", text) for letter, text in options)


def answer_letters(answer: str) -> list[str]:
    """The letters of an answer cell such as ``ACD`` or ``A、C、D``, in order, made upper-case."""
    return [c for c in unicodedata.normalize("NFKC", answer).upper() if not c.isspace() and c not in "、,;/|."]


def letter_at(index: int) -> str:
    """The authored letter of an element by its place from 0."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[index]


def published_options(item: Item, ids: Identity) -> list[dict[str, str]]:
    """``[{"id", "text"}]`` of all elements, in published order."""
    return [{"id": pid, "text": e.text} for pid, e in ids.published(item)]


@cache
def item_types() -> dict[str, ItemType]:
    """All types by Chinese label, in the order of their folders' names."""
    import qinlian.items as package

    found: dict[str, ItemType] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if info.ispkg:
            kind: ItemType = importlib.import_module(f"{package.__name__}.{info.name}").TYPE
            found[kind.label] = kind
    return found


def item_type(label: str) -> ItemType:
    """The type of that Chinese label; raises KeyError."""
    return item_types()[label]
