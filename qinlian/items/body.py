"""The shape that the bodies of activities share: ``#### 标题 {…}`` and the lines below it.

Matching is done on a narrowed copy of each line, and content is cut out of the original, so that
full-width forms are accepted in structure and never changed in content. Places count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qinlian.core.width import narrow
from qinlian.items.base import Finding

__all__ = ["MALFORMED", "BodyLine", "Braced", "Section", "read_braces", "sections"]

MALFORMED = "E314"
"""The code of a line of a body that cannot be read."""

_HEADING = re.compile(r"\s*(#+)\s*")
_BRACED = re.compile(r"\{([^{}]*)\}\s*$")
_PART = re.compile(r'([^\s="{}]+)(?:\s*=\s*(?:"([^"]*)"|([^\s="{}]+)))?(?=\s|$)')


@dataclass(frozen=True)
class BodyLine:
    """One line of a body; ``narrow`` is the same with full-width ASCII made narrow."""

    number: int
    text: str
    narrow: str

    def says(self, message: str, hint: str, column: int = 0, code: str = MALFORMED) -> Finding:
        """A problem at a column of this line."""
        return Finding(code, message, hint, line=self.number, column=column)


@dataclass(frozen=True)
class Braced:
    """What stands in the ``{…}`` at a line's end: name → (value, its column); a bare word has an empty value."""

    values: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    start: int = -1
    """The column of the brace; the line's length when there is none."""

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, default: str = "") -> str:
        """The value of a name, as written."""
        return self.values[name][0] if name in self.values else default

    def column(self, name: str) -> int:
        """Where the name stands."""
        return self.values[name][1]


@dataclass(frozen=True)
class Section:
    """A heading of four ``#`` and the lines up to the next."""

    title: str
    braced: Braced
    heading: BodyLine
    lines: tuple[BodyLine, ...]


def read_braces(line: BodyLine, words: tuple[str, ...], pairs: tuple[str, ...]) -> tuple[Braced, list[Finding]]:
    """The ``{…}`` at the end of a line: ``words`` stand alone, ``pairs`` are written ``名称=值``."""
    problems: list[Finding] = []
    found = _BRACED.search(line.narrow)
    if not found:
        if stray := re.search(r"[{}]", line.narrow):
            problems.append(line.says("花括号没有配成一对，或不在行末", "写成 {名称=值}，放在行末", stray.start()))
        return Braced({}, len(line.text)), problems
    values: dict[str, tuple[str, int]] = {}
    index, end = found.start(1), found.end(1)
    while line.narrow[index:end].strip():
        index += len(line.narrow[index:end]) - len(line.narrow[index:end].lstrip())
        part = _PART.match(line.narrow[:end], index)
        if not part:
            problems.append(line.says("这里读不出“名称=值”", "各项之间用空格隔开，值里有空格就加引号", index))
            break
        name = line.text[part.start(1) : part.end(1)]
        group = 2 if part[2] is not None else 3
        value = line.text[part.start(group) : part.end(group)].strip() if part[group] is not None else ""
        if name in values:
            problems.append(line.says(f"“{name}”写了两次", "只留一个", index))
        elif name in words and value:
            problems.append(line.says(f"“{name}”后面不写值", f"只写 {name}", index))
        elif name in pairs and not value:
            problems.append(line.says(f"“{name}”没有写值", f"写成 {name}=……", index))
        elif name not in (*words, *pairs):
            problems.append(line.says(f"不认识“{name}”", f"可以写：{'、'.join((*words, *pairs))}", index))
        else:
            values[name] = (value, index)
        index = part.end()
    return Braced(values, found.start()), problems


def sections(
    body: str, words: tuple[str, ...] = (), pairs: tuple[str, ...] = ()
) -> tuple[tuple[Section, ...], list[Finding]]:
    """The sections of a body in order; ``words`` and ``pairs`` may stand in the braces of a heading."""
    lines = [BodyLine(number, text, narrow(text)) for number, text in enumerate(body.split("\n"))] if body else []
    starts = [line.number for line in lines if _HEADING.match(line.narrow)]
    found: list[Section] = []
    problems: list[Finding] = []
    # A body without a heading has no sections.
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        line = lines[start]
        heading = _HEADING.match(line.narrow)
        braced, wrong = read_braces(line, words, pairs)
        problems += wrong
        title = line.text[heading.end() : braced.start].strip() if heading else ""
        if heading is None or len(heading[1]) != 4 or not title:
            problems.append(line.says("标题应有四个 #，后面写名称", "写成 #### 名称"))
        found.append(Section(title, braced, line, tuple(lines[start + 1 : end])))
    return tuple(found), problems
