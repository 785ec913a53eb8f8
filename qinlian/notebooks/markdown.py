"""Authors' Markdown to HTML. Raw HTML is never passed through, so the result is safe to insert."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt

__all__ = ["render", "render_inline"]

_BLANK = re.compile(r"[_＿]{4,}")


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def _keep_blanks(text: str) -> str:
    # Underscores beside punctuation would otherwise open and close emphasis.
    return _BLANK.sub(lambda m: r"\_" * len(m.group()), text)


def render(text: str) -> str:
    """Markdown as block HTML, without the last line break."""
    return str(_markdown().render(_keep_blanks(text))).rstrip("\n")


def render_inline(text: str) -> str:
    """Markdown as inline HTML (no paragraph around it)."""
    return str(_markdown().renderInline(_keep_blanks(text)))
