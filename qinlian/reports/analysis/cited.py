"""A citation → which document, and which article of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qinlian.authoring.numerals import NUMERAL, number_of

__all__ = ["cited"]

_CITATION = re.compile(
    rf"\s*《(?P<title>[^《》]+)》\s*(?P<version>[（(][^（）()]*[）)])?\s*"
    rf"(?:第(?P<n>{NUMERAL})(?P<unit>条|项)(?:之(?P<sub>{NUMERAL}))?)?.*",
    re.DOTALL,
)


def cited(citation: str, names: Mapping[str, str] | None = None) -> tuple[str, str]:
    """(document, article) of 《中国共产党纪律处分条例》第九十七条第二款: the title, and 第97条, whatever the paragraph.

    Chinese and Arabic numerals come to the same. A version that is named stays with the title, for another version
    numbers otherwise. ``names`` maps short titles to full ones. Without an article the second is empty; what does not
    read as a citation is its own title.
    """
    found = _CITATION.fullmatch(citation)
    if not found:
        return citation.strip(), ""
    title = found["title"].strip()
    title = (names or {}).get(title, title) + (found["version"] or "")
    number = number_of(found["n"]) if found["n"] else None
    if number is None:
        return title, ""
    sub = number_of(found["sub"]) if found["sub"] else None
    return title, f"第{number}{found['unit']}" + (f"之{sub}" if sub else "")
