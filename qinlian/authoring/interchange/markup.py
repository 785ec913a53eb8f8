"""HTML of other systems → our Markdown, and our Markdown → XHTML. Beautiful Soup and markdown-it do the parsing."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from qinlian.authoring.interchange.asked import LONGEST_TEXT, Unreadable
from qinlian.authoring.shapes import tidy
from qinlian.authoring.textfile import visible

if TYPE_CHECKING:
    from bs4 import Tag
    from markdown_it import MarkdownIt

__all__ = ["Converted", "from_html", "from_plain", "one_line", "plain_escaped", "to_xhtml"]

_MARKS = re.compile(r"(?<!_)_{1,3}(?!_)|[\\`*\[\]]|(?<=~)~|~(?=~)|&(?=#?\w+;)|<")
_LINE_START = re.compile(
    r"^([ \t]*)(#{1,6}(?=\s|$)|>|[-+](?=\s|$)|={1,}\s*$|[|:\-](?=[|:\- \t]*$)|(\d{1,9})([.)])(?=\s|$))", re.M
)
_BLANK = re.compile(r"[_＿]{4,}")
_LOST = {
    "img": "图片", "svg": "图片", "video": "视频", "audio": "音频", "iframe": "嵌入的网页", "object": "嵌入的文件",
    "embed": "嵌入的文件", "math": "公式", "script": "脚本", "style": "样式表", "input": "表单", "select": "表单",
    "textarea": "表单", "button": "表单", "canvas": "图片", "applet": "嵌入的文件",
}  # fmt: skip
_BLOCKS = frozenset(
    ("p", "div", "section", "article", "header", "footer", "ul", "ol", "li", "table", "thead", "tbody", "tr", "td",
     "th", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd", "figure", "figcaption", "center",
     "address", "hr", "prompt")
)  # fmt: skip
_OUTSIDE = "，。；：？！、“”‘’（）《》〈〉【】…—,.;:?!\"' "
_STRONG, _EMPHASIS = frozenset(("b", "strong")), frozenset(("i", "em", "cite", "dfn", "var"))
_COLOUR = re.compile(r"(?:^|;)\s*(?:color|background(?:-color)?|text-decoration)\s*:", re.I)


@dataclass(frozen=True)
class Converted:
    """Markdown, and what could not be brought along, in words (图片, 颜色…)."""

    text: str
    lost: tuple[str, ...] = ()


def from_plain(text: str) -> Converted:
    """Plain text as Markdown that reads the same."""
    # Four spaces before a line would make it code. Wider ones around the text go first of all: a sign that they
    # stood before is the line's first one.
    lines = "\n".join(line.lstrip(" \t") for line in tidy(_spaced(text)).split("\n"))
    return Converted(plain_escaped(lines), _hidden(text))


def plain_escaped(text: str) -> str:
    """Plain text with every sign that Markdown would understand put in its plain form; blanks ____ stay."""
    done = _MARKS.sub(lambda m: {"&": "&amp;", "<": "&lt;"}.get(m.group(), "".join(f"\\{c}" for c in m.group())), text)
    return _LINE_START.sub(_kept, done)


def _kept(found: re.Match[str]) -> str:
    return f"{found[1]}{found[3]}\\{found[4]}" if found[3] else f"{found[1]}\\{found[2]}"


def _hidden(text: str) -> tuple[str, ...]:
    return ("看不见的字符",) if visible(text) != text.replace("\r\n", "\n").replace("\r", "\n") else ()


def _spaced(text: str) -> str:
    """What can be seen of a text; other systems write no-break spaces for plain ones."""
    return visible(text).replace("\u00a0", " ")


def one_line(text: str) -> str:
    """A text as one line, for an option."""
    return " ".join(line.strip() for line in text.split("\n") if line.strip())


def from_html(html: str) -> Converted:
    """HTML as Markdown: paragraphs, emphasis, lists, tables, links, quotations and code; the rest is named.

    Raises Unreadable for a text that is too long, and RecursionError for one that is nested too deeply.
    """
    from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning

    if len(html) > LONGEST_TEXT:
        raise Unreadable(f"有一段文字长 {len(html)} 字，没有读取")
    with warnings.catch_warnings():
        # A question may be about a file's name or quote XML: advice to programmers is not for who imports it.
        for kind in (MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning):
            warnings.simplefilter("ignore", kind)
        soup = BeautifulSoup(_spaced(html), "html.parser")
    writer = _Writer()
    writer.lost += _hidden(html)
    return Converted(tidy(re.sub(r"\n{3,}", "\n\n", writer.blocks(soup))), tuple(dict.fromkeys(writer.lost)))


class _Writer:
    """Walks a parsed document; ``lost`` grows."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def blocks(self, tag: Tag) -> str:
        """The blocks in a tag, a blank line between them."""
        done: list[str] = []
        inline: list[str] = []

        def flush() -> None:
            text = _paragraph("".join(inline))
            if text:
                done.append(text)
            inline.clear()

        for child in tag.children:
            name = getattr(child, "name", None)
            if name in _BLOCKS:
                flush()
                text = self.block(child)  # type: ignore[arg-type]
                if text.strip():
                    done.append(text)
            elif name is not None and self.holds_blocks(child):  # type: ignore[arg-type]
                flush()
                done.append(self.blocks(child))  # type: ignore[arg-type]
            else:
                inline.append(self.inline(child))
        flush()
        return "\n\n".join(part for part in done if part)

    def holds_blocks(self, tag: Tag) -> bool:
        return tag.name not in _LOST and any(getattr(d, "name", None) in _BLOCKS for d in tag.descendants)

    def block(self, tag: Tag) -> str:
        self.notice(tag)
        match tag.name:
            case "ul" | "ol":
                return self.items(tag)
            case "table":
                return self.table(tag)
            case "blockquote":
                return "\n".join(f"> {line}".rstrip() for line in self.blocks(tag).split("\n"))
            case "pre":
                return "```\n" + tag.get_text().strip("\n").replace("```", "'''") + "\n```"
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                text = one_line(self.blocks(tag))
                return f"**{text.replace('**', '')}**" if text else ""
            case "hr":
                return ""
            case _:
                return self.blocks(tag)

    def items(self, tag: Tag) -> str:
        lines = []
        number = 1
        for child in tag.find_all(["li", "ul", "ol"], recursive=False):
            mark = f"{number}. " if tag.name == "ol" else "- "
            text = self.items(child) if child.name != "li" else self.blocks(child)
            if not text:
                continue
            first, *rest = re.sub(r"\n\n(?=\s*(?:- |\d+\. ))", "\n", text).split("\n")
            pad = " " * len(mark)
            lines += [f"{mark}{first}", *(f"{pad}{line}".rstrip() for line in rest)]
            number += 1
        return "\n".join(lines)

    def table(self, tag: Tag) -> str:
        rows = [
            [one_line(self.blocks(cell)).replace("|", "\\|") for cell in row.find_all(["td", "th"], recursive=False)]
            for row in tag.find_all("tr")
        ]
        rows = [row for row in rows if row]
        if not rows:
            return ""
        if any(cell.has_attr(name) for cell in tag.find_all(["td", "th"]) for name in ("colspan", "rowspan")):
            self.lost.append("合并的单元格")
        width = max(map(len, rows))
        head, *body = [row + [""] * (width - len(row)) for row in rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * width, *body))

    def inline(self, node: object) -> str:
        from bs4.element import NavigableString, Tag

        if type(node) is NavigableString:  # and none of its kinds: comments, declarations
            return plain_escaped(re.sub(r"[ \t\n\f]+", " ", str(node).replace("\u00a0", " ")))
        if not isinstance(node, Tag):
            return ""
        if node.name in _LOST:
            alt = str(node.get("alt") or "").strip()
            self.lost.append(_LOST[node.name] + (f"“{alt[:20]}”" if alt else ""))
            return ""
        self.notice(node)
        if node.name == "br":
            return "\n"
        if node.name in ("code", "kbd", "samp", "tt"):
            text = node.get_text().replace("`", "'")
            return f"`{text}`" if text.strip() and "<" not in text else plain_escaped(text)
        inside = "".join(self.inline(child) for child in node.children)
        if node.name in _STRONG:
            return _wrapped(inside, "**")
        if node.name in _EMPHASIS:
            return _wrapped(inside, "*")
        if node.name in ("sub", "sup") and inside.strip():
            self.lost.append("上下标")
        if node.name == "a" and inside.strip() and re.match(r"https?://[^\s()<>]+\Z", str(node.get("href") or "")):
            return f"[{inside.strip()}]({node['href']})"
        return inside

    def notice(self, tag: Tag) -> None:
        """Name what a tag's looks say and Markdown cannot."""
        if _COLOUR.search(str(tag.get("style") or "")) or tag.name == "font" or tag.has_attr("bgcolor"):
            self.lost.append("文字的颜色")
        if tag.name == "u":
            self.lost.append("下划线")
        if tag.name in ("s", "del", "strike"):
            self.lost.append("删除线")


def _wrapped(inside: str, mark: str) -> str:
    """Emphasis around the words, not around the white space beside them; marks within are not doubled."""
    core = inside.strip()
    if not core or "\n\n" in core:
        return inside
    core = core.replace(mark, "") if mark == "**" else core
    lead, tail = inside[: len(inside) - len(inside.lstrip())], inside[len(inside.rstrip()) :]
    # Between a Chinese word and a punctuation mark CommonMark sees neither beginning nor end of emphasis.
    words = core.strip(_OUTSIDE)
    if not words:
        return inside
    at = core.index(words)
    return f"{lead}{core[:at]}{mark}{words}{mark}{core[at + len(words) :]}{tail}"


def _paragraph(text: str) -> str:
    """Inline text as one paragraph: lines trimmed, a line's beginning never taken for a mark."""
    lines = [re.sub(r" +", " ", line).strip() for line in text.split("\n")]
    return _LINE_START.sub(_kept, "\n".join(lines).strip())


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    options = {"html": False, "breaks": True, "xhtmlOut": True}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"])


def to_xhtml(text: str, *, inline: bool = False) -> str:
    """Markdown as XHTML: paragraphs, or with ``inline`` what stands in one. Blanks ____ stay as they are."""
    kept = _BLANK.sub(lambda m: r"\_" * len(m.group()), text)
    rendered = _markdown().renderInline(kept) if inline else _markdown().render(kept)
    return str(rendered).strip()
