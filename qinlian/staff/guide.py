"""出题指南: the guides for authors, written in Markdown, as pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["EXAMPLE", "GUIDES", "Guide", "Heading", "guides", "read_guide"]

GUIDES = {"format": "课程写法", "activities": "活动和心得", "diagnostics": "检查时的提示"}
"""Name of a file in docs → what the page calls it, in the order to read them."""
EXAMPLE = Path("examples") / "60-stage" / "questions.md"
"""In docs: questions of every type, to start from."""
_FILE = re.compile(r"(?:\./)?([a-z]+)\.md(#.*)?")


@dataclass(frozen=True)
class Heading:
    """A heading, for the list at the beginning; ``id`` is its anchor."""

    id: str
    text: str


@dataclass(frozen=True)
class Guide:
    """One guide: HTML made here, from text in which no HTML counts."""

    name: str
    title: str
    html: str
    headings: tuple[Heading, ...]


def guides(docs: Path) -> dict[str, str]:
    """Name → title of the guides that are there."""
    return {name: title for name, title in GUIDES.items() if (docs / f"{name}.md").is_file()}


def read_guide(docs: Path, name: str) -> Guide:
    """The guide of that name. Raises KeyError for none of ours, OSError when it cannot be read."""
    title, path = GUIDES[name], docs / f"{name}.md"
    status = path.stat()
    return _render(path, name, title, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _render(path: Path, name: str, title: str, _changed: int, _size: int) -> Guide:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    environment: dict[str, Any] = {}
    tokens = markdown.parse(path.read_text("utf-8"), environment)
    headings: list[Heading] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", f"part-{len(headings)}")
            if opening.tag == "h2":
                headings.append(Heading(str(opening.attrGet("id")), _text(inline)))
            else:
                opening.attrSet("id", f"part-{opening.map[0] if opening.map else 0}-{opening.tag}")
        _tame(inline)
    html = str(markdown.renderer.render(tokens, markdown.options, environment))
    # What is too wide moves by itself, not the page, and by keys too.
    html = (
        html.replace("<pre>", '<pre tabindex="0">')
        .replace("<table>", '<div class="sheet" tabindex="0"><table>')
        .replace("</table>", "</table></div>")
    )
    return Guide(name, title, html, tuple(headings))


def _text(inline: Token) -> str:
    return "".join(t.content for t in inline.children or () if t.type in ("text", "code_inline"))


def _tame(inline: Token) -> None:
    """Let links lead to other guides and to parts of this one, and nowhere else; leave pictures out."""
    kept, inside = [], False
    for token in inline.children or ():
        if token.type == "link_open":
            target = _target(str(token.attrGet("href") or ""))
            inside = not target
            if inside:
                continue
            token.attrSet("href", target)
        elif token.type == "link_close" and inside:
            inside = False
            continue
        elif token.type == "image":
            continue
        kept.append(token)
    if inline.children is not None:
        inline.children = kept


def _target(href: str) -> str:
    found = _FILE.fullmatch(href)
    if found and found[1] in GUIDES:
        return found[1]
    return ""
