"""Public ids: what a learner's file may carry of an item or an option.

A public id is HMAC-SHA256(secret, item id, letter), cut to 64 bits. Without the secret it says
nothing of the id, the letter or the authored order; published lists are sorted by it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from qinlian.core.model import Element, Item, Module

__all__ = ["Identity"]

_DISPLAY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Identity:
    """Makes public ids from a course's secret (bytes, never shown)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Identity(…)"

    def export(self) -> str:
        """The secret as hex, for the editions that lie beside the keys; for nothing that travels."""
        return self._secret.hex()

    def of(self, item_id: str, letter: str = "") -> str:
        """16 lower-case hex digits for an item, or for one letter of it."""
        message = f"{len(item_id)}:{item_id}\0{letter}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:16]

    def published(self, item: Item, elements: Iterable[Element] | None = None) -> list[tuple[str, Element]]:
        """The elements with their public ids, in published order (by public id)."""
        chosen = item.elements if elements is None else elements
        return sorted(((self.of(item.id, e.letter), e) for e in chosen), key=lambda pair: pair[0])

    def display_letters(self, item: Item) -> dict[str, str]:
        """Authored letter → the letter the learner sees beside that option."""
        pairs = self.published(item)
        return {e.letter: _DISPLAY[i] for i, (_, e) in enumerate(pairs)}

    def relettered(self, item: Item, text: str) -> str:
        """``text`` with the authored option letters replaced by the ones the learner sees.

        A letter counts when it stands alone (no Latin letter or digit beside it).
        """
        letters = self.display_letters(item)
        names = "".join(sorted(k for k in letters if re.fullmatch("[A-Z]", k)))
        if not names:
            return text
        # A run such as "AC" names two options; inside a Latin word a letter is left alone.
        run = re.compile(rf"(?<![A-Za-z0-9])[{names}]+(?![A-Za-z0-9])")

        def swap(match: re.Match[str]) -> str:
            shown = [letters[c] for c in match.group()]
            return "".join(sorted(shown)) if len(shown) > 1 else shown[0]

        return run.sub(swap, text)

    def edition(self, module: Module, course_rules: tuple[tuple[str, str], ...]) -> str:
        """The digest of a module's build: keyed, so that it gives no oracle on the answer key.

        The secret enters because public ids follow from it: another secret is another edition.
        """
        # Without defaults: a field that a later version adds changes no edition of a course that does not use it.
        canonical = module.model_dump_json(exclude_defaults=True) + "\0" + repr(course_rules)
        return hmac.new(self._secret, b"edition\0" + canonical.encode(), hashlib.sha256).hexdigest()[:20]
