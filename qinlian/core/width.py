"""How signs look: full-width and half-width forms of the same one, how wide they are, and signs that do not show."""

from __future__ import annotations

import unicodedata

__all__ = ["narrow", "printable", "width_in_columns"]

# One character for one character, so that a column in the narrowed copy is a column in the text.
_NARROW: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_NARROW |= {ord(c): " " for c in "\u3000\u00a0\t"} | {ord(c): '"' for c in "“”„"}


def narrow(text: str) -> str:
    """``text`` with full-width ASCII, Chinese quotes and wide spaces made narrow; same length."""
    return text.translate(_NARROW)


def width_in_columns(text: str) -> int:
    """How wide ``text`` is, in half-width columns: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in text)


def printable(text: str) -> str:
    """``text`` without line breaks, control characters and invisible marks, which could move a terminal's cursor."""
    return "".join(c for c in text if c.isprintable())
