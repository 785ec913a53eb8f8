"""Chinese numerals as citations write them."""

from __future__ import annotations

import unicodedata

__all__ = ["NUMERAL", "number_of"]

NUMERAL = "[〇零一二两三四五六七八九十百千0-9０-９]{1,9}"
"""A pattern for a numeral, Chinese or Arabic."""

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def number_of(text: str) -> int | None:
    """``一百零二`` or ``102`` → 102; None for what is no number from 1 to 9999."""
    plain = unicodedata.normalize("NFKC", text.strip())
    if plain.isdecimal() and plain.isascii():
        return int(plain) if 0 < int(plain) <= 9999 else None
    total = digit = 0
    last_unit = 10_000
    for char in plain:
        if char in _DIGITS:
            # Two digits in a row mean a place was left out, except for the filler 零.
            if digit:
                return None
            digit = _DIGITS[char]
        elif char in _UNITS and _UNITS[char] < last_unit:
            last_unit = _UNITS[char]
            total += (digit or 1) * last_unit
            digit = 0
        else:
            return None
    return total + digit or None
