"""A learner's free text: made storable, and made harmless wherever it is shown."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

__all__ = ["cell_text", "markdown_cell", "tidy", "tidy_text"]

# Control characters say nothing to a reader; a lone surrogate or a NUL cannot be stored as text.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_OPENING = '<pre style="white-space: pre-wrap; overflow-wrap: anywhere; font-family: inherit">'
_CLOSING = "</pre>"


def tidy_text(text: str) -> str:
    """``text`` with one kind of line break and without characters that cannot be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def tidy(value: Any) -> Any:
    """The same JSON value with every text in it tidied."""
    if isinstance(value, str):
        return value if value.isalnum() and value.isascii() else tidy_text(value)
    if isinstance(value, list):
        return [tidy(part) for part in value]
    if isinstance(value, dict):
        return {tidy(key): tidy(part) for key, part in value.items()}
    return value


def markdown_cell(text: str) -> str:
    """A Markdown cell's source that shows ``text`` exactly and lets nothing in it work.

    One raw ``<pre>`` block in which every ASCII punctuation mark is a character reference: there is
    no tag, link, image, formula or Markdown left to find, in nbconvert as in JupyterLab; MathJax
    passes over ``<pre>``; and line breaks, being references too, cannot end the block.
    """
    harmless = _PUNCTUATION.sub(lambda match: f"&#{ord(match.group())};", text)
    return _OPENING + harmless.replace("\n", "&#10;") + _CLOSING


def cell_text(source: str) -> str | None:
    """The text that ``markdown_cell`` made this source of; None for any other source."""
    if not (source.startswith(_OPENING) and source.endswith(_CLOSING)):
        return None
    return unescape(source[len(_OPENING) : -len(_CLOSING)])
