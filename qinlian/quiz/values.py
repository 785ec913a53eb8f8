"""What a learner's page may put into answers.json: shape and size only, for there is no key here."""

from __future__ import annotations

from typing import Any

from qinlian.errors import StoreError

__all__ = ["LONGEST_TEXT", "plain_text", "storable"]

LONGEST_TEXT = 20_000
"""Characters of one text."""
_MOST_PARTS = 64
_LONGEST_ID = 64
_MOST_NUMBERS = 4


def plain_text(value: str) -> str:
    """``value`` without what a file or a database cannot hold."""
    # A page can send half of a surrogate pair, which UTF-8 cannot hold, and NUL, which PostgreSQL cannot.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID


def _numbered(value: Any) -> bool:
    """A map from ids to a few small whole numbers each."""
    return (
        isinstance(value, dict)
        and len(value) <= _MOST_PARTS
        and all(_short(k) and isinstance(v, list) and len(v) <= _MOST_NUMBERS for k, v in value.items())
        and all(type(n) is int and 0 <= n < 100 for numbers in value.values() for n in numbers)
    )


def storable(value: Any) -> Any:
    """``value`` as it may be written: text, a list of ids, a map from id to text, or None (cleared).

    In the place of a text in a map there may be another map, from ids to a few whole numbers (自查).

    Raises StoreError for anything else and for texts that are too long.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise StoreError(f"这一段超过了 {LONGEST_TEXT} 字，没有保存；请缩短后再试")
        return plain_text(value)
    if isinstance(value, list) and len(value) <= _MOST_PARTS and all(_short(v) for v in value):
        return list(value)
    if isinstance(value, dict) and len(value) <= _MOST_PARTS and all(_short(k) for k in value):
        parts = {k: v if _numbered(v) else storable(v) for k, v in value.items()}
        if all(isinstance(v, str) or _numbered(v) for v in parts.values()):
            return parts
    raise StoreError("这道题的答案格式不对，没有保存；请刷新页面后重新作答")
