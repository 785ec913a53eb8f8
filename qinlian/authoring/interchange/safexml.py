"""XML from strangers: no document type, no entities, bounded depth and size, a line number for every element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from qinlian.authoring.textfile import Place
from qinlian.core.diagnostics import Diagnostic

__all__ = ["Node", "declares", "parse_xml"]

_DEEPEST = 200
_MOST_ELEMENTS = 600_000
_CHUNK = 65_536
_DECLARED = re.compile(r"\A\ufeff?\s*<\?xml\b[^>]*\?>")
# What XML 1.0 cannot hold, and what some systems write all the same.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTENT_UNREAD = frozenset({"file", "script", "style"})


@dataclass
class Node:
    """An element: its local name, attributes by local name, and what it holds, texts and elements in order."""

    tag: str
    attrs: dict[str, str]
    line: int
    inside: list[Node | str] = field(default_factory=list)

    @property
    def children(self) -> list[Node]:
        """The elements directly in it."""
        return [part for part in self.inside if isinstance(part, Node)]

    def all(self, *tags: str) -> list[Node]:
        """The elements of these names directly in it."""
        return [child for child in self.children if child.tag in tags]

    def first(self, tag: str) -> Node | None:
        """The first element of that name directly in it."""
        return next((child for child in self.children if child.tag == tag), None)

    def every(self, *tags: str) -> Iterator[Node]:
        """The elements of these names at any depth, in order."""
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            if node.tag in tags:
                yield node
            waiting += reversed(node.children)

    @property
    def own_text(self) -> str:
        """The text directly in it."""
        return "".join(part for part in self.inside if isinstance(part, str))

    def text_of(self, tag: str) -> str:
        """The text of the first element of that name directly in it, without white space around; empty if none."""
        node = self.first(tag)
        return node.own_text.strip() if node else ""


class _TooMuch(Exception):  # noqa: N818 - it never leaves this module
    """A bound was reached; ``str()`` says which."""


class _Builder(ContentHandler):
    """SAX events → nodes, counting as it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.root: Node | None = None
        self.open: list[Node] = []
        self.count = 0
        self.locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802
        self.locator = locator

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX's name
        self.count += 1
        if self.count > _MOST_ELEMENTS:
            raise _TooMuch(f"超过了 {_MOST_ELEMENTS} 个元素")
        if len(self.open) >= _DEEPEST:
            raise _TooMuch(f"元素套了 {_DEEPEST} 层以上")
        plain = {key.rpartition(":")[2]: value for key, value in attrs.items()}
        line = int(self.locator.getLineNumber() or 0)
        node = Node(name.rpartition(":")[2], plain, line)
        if self.open:
            self.open[-1].inside.append(node)
        else:
            self.root = node
        self.open.append(node)

    def endElement(self, name: str) -> None:  # noqa: N802
        node = self.open.pop()
        if len(node.inside) > 1:
            node.inside = _joined(node.inside)

    def characters(self, content: str) -> None:
        if self.open and self.open[-1].tag not in _CONTENT_UNREAD:
            self.open[-1].inside.append(content)


def _joined(parts: list[Node | str]) -> list[Node | str]:
    """Neighbouring texts made one."""
    done: list[Node | str] = []
    run: list[str] = []
    for part in parts:
        if isinstance(part, str):
            run.append(part)
            continue
        if run:
            done.append("".join(run))
            run = []
        done.append(part)
    return [*done, "".join(run)] if run else done


def declares(place: Place) -> Diagnostic:
    """E133 for a document that declares a type or entities."""
    message = "文件里有文档类型或实体的定义（DOCTYPE、ENTITY），可能是攻击，没有读取"
    return place.says("E133", message, "请从原来的系统重新导出；正常导出的题库不含这些")


def parse_xml(text: str, place: Place) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The root of a decoded document, or None with the reason.

    E132 a bound was reached, E133 a document type or entity, E135 not well-formed (with line and column).
    Parsing stops at the first of them; no more than one chunk is read beyond it.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.expatreader import DefusedExpatParser

    builder = _Builder()
    parser: Any = DefusedExpatParser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(builder)
    builder.setDocumentLocator(parser)  # feeding it piece by piece, nobody else tells where we are
    # Decoded already: what the document says of its encoding no longer holds.
    body = _DECLARED.sub(lambda m: "\n" * m.group().count("\n"), text, count=1).lstrip("\ufeff")
    if control := _CONTROL.search(body):
        line = body.count("\n", 0, control.start()) + 1
        where = Place(place.file, line, 1, sheet=place.sheet)
        return None, (
            where.says("E135", f"这里有 XML 不许有的字符 U+{ord(control.group()):04X}", "删掉它，或重新导出"),
        )
    try:
        parser.feed(b'<?xml version="1.0" encoding="utf-8"?>')
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK].encode())
        parser.close()
    except DefusedXmlException:
        return None, (declares(place),)
    except _TooMuch as reason:
        return None, (place.says("E132", f"文件{reason}，没有读完", "分几次导出，每次少选一些题"),)
    except SAXParseException as error:
        line, column = error.getLineNumber() or 0, (error.getColumnNumber() or 0) + 1
        where = Place(place.file, line, column, sheet=place.sheet)
        return None, (where.says("E135", "XML 到这里读不下去，文件可能不完整", "请从原来的系统重新导出"),)
    if builder.root is None:
        return None, (place.says("E135", "文件里没有内容", "请从原来的系统重新导出"),)
    return builder.root, ()
