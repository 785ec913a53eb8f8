"""The structural tokens that questions, cases and lessons share: headings, {…} and {{…}}.

Matching is done on the narrowed copy of a line, and content is cut out of the original, so that
full-width forms are accepted in structure and never changed in content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qinlian.authoring.textfile import Line, Place, nearest
from qinlian.core.diagnostics import Diagnostic

__all__ = [
    "ID",
    "ITEM_CODES",
    "Attr",
    "Attrs",
    "Codes",
    "Heading",
    "heading_level",
    "heading_text",
    "parse_attrs",
    "parse_braces",
    "parse_heading",
    "parse_points",
    "parse_words",
    "split_list",
]

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an id may be: nbgrader's grade_id takes no other characters."""

_HEADING = re.compile(r"\s*(#+)(\s*)")
_TITLED = re.compile(r"(?P<id>[^\s\[\]{}]*)\s*\[(?P<kind>[^\[\]{}]*)\]\s*")
_ATTR = re.compile(r'\s*(?P<key>[^\s="{}]+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s="{}]*))(?=\s|$)')


@dataclass(frozen=True)
class Attr:
    """One ``key=value``; ``value`` is as written, ``narrow`` the same with full-width made narrow."""

    key: str
    value: str
    narrow: str
    key_place: Place
    place: Place


Codes = tuple[str, str]
ITEM_CODES: Codes = ("E204", "E205")
"""Codes for a pair that is malformed or unknown, and for a value that cannot be used."""

Attrs = Mapping[str, Attr]


@dataclass(frozen=True)
class Heading:
    """``### id [kind] {attrs}`` with the places of its parts."""

    id: str
    kind: str
    attrs: Attrs
    place: Place
    kind_place: Place


def heading_level(line: Line) -> int:
    """The number of ``#`` a line begins with, 0 for no heading."""
    found = _HEADING.match(line.narrow)
    return len(found.group(1)) if found else 0


def heading_text(line: Line) -> int:
    """Index at which a heading's text begins."""
    found = _HEADING.match(line.narrow)
    return found.end() if found else 0


def parse_attrs(
    line: Line, start: int, end: int, allowed: tuple[str, ...], codes: Codes = ITEM_CODES
) -> tuple[dict[str, Attr], list[Diagnostic]]:
    """The ``key=value`` pairs between two indexes of a line; problems carry ``codes``."""
    shape, empty = codes
    attrs: dict[str, Attr] = {}
    problems: list[Diagnostic] = []
    index = start
    while index < end and line.narrow[index:end].strip():
        found = _ATTR.match(line.narrow[:end], index)
        if not found:
            index += len(line.narrow[index:end]) - len(line.narrow[index:end].lstrip())
            problems.append(line.at(index).says(shape, "这里读不出“名称=值”", "各项之间用空格隔开，值里有空格就加引号"))
            break
        group = "bare" if found["quoted"] is None else "quoted"
        key = line.text[found.start("key") : found.end("key")]
        key = "id" if found["key"].lower() == "id" else key
        attr = Attr(
            key,
            line.text[found.start(group) : found.end(group)],
            found[group],
            line.at(found.start("key")),
            line.at(found.start(group)),
        )
        if key not in allowed:
            hint = nearest(key, allowed) or "这里不写别的"
            problems.append(attr.key_place.says(shape, f"不认识“{key}”", hint))
        elif key in attrs:
            problems.append(attr.key_place.says(shape, f"“{key}”写了两次", "只留一个"))
        elif not attr.value.strip():
            problems.append(attr.place.says(empty, f"“{key}”没有写值", "补上值，或删掉这一项"))
        else:
            attrs[key] = attr
        index = found.end()
    return attrs, problems


def parse_braces(
    line: Line, start: int, allowed: tuple[str, ...], code: str, codes: Codes = ITEM_CODES
) -> tuple[dict[str, Attr], list[Diagnostic]]:
    """What follows a heading's words: nothing, or one ``{…}`` up to the end of the line."""
    rest = line.narrow[start:].strip()
    if not rest:
        return {}, []
    index = start + len(line.narrow[start:]) - len(line.narrow[start:].lstrip())
    if not rest.startswith("{"):
        return {}, [line.at(index).says(code, "标题后面多了文字", "标题后只能写一对花括号，如 {难度=2}")]
    if not rest.endswith("}") or rest.count("}") > 1 or rest.count("{") > 1:
        return {}, [line.at(index).says(code, "花括号没有配成一对", "写成 {难度=2 知识点=礼品礼金}，并放在行末")]
    return parse_attrs(line, index + 1, index + len(rest) - 1, allowed, codes)


def parse_heading(
    line: Line, allowed: tuple[str, ...], code: str, sample: str, codes: Codes = ITEM_CODES
) -> tuple[Heading | None, list[Diagnostic]]:
    """Read ``### id [kind] {attrs}``; problems of its shape carry ``code``, and ``sample`` shows the way."""
    start = heading_text(line)
    found = _TITLED.match(line.narrow, start)
    if not found:
        return None, [line.at(min(start, len(line.text))).says(code, "标题没有写成“编号 [类型]”", f"写成 {sample}")]
    attrs, problems = parse_braces(line, found.end(), allowed, code, codes)
    item_id = found["id"]
    place = line.at(found.start("id"))
    if not ID.fullmatch(item_id):
        what = f"编号“{item_id}”不能用" if item_id else "标题没有写编号"
        problems.append(place.says(code, what, f"编号只用英文字母、数字、- 和 _，写成 {sample}"))
        return None, problems
    kind = line.text[found.start("kind") : found.end("kind")].strip()
    return Heading(item_id, kind, attrs, place, line.at(found.start("kind"))), problems


def split_list(text: str) -> tuple[str, ...]:
    """The words of a list written with 、 (commas and semicolons do as well), without repeats."""
    return tuple(dict.fromkeys(w.strip() for w in re.split(r"[、，,；;]", text) if w.strip()))


def parse_points(text: str) -> float | None:
    """A positive number of at most two decimals below 10 000, or None."""
    return float(text) or None if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", text) else None


def parse_words(text: str) -> tuple[int, int] | None:
    """(from, to) of ``200-800``, or None."""
    found = re.fullmatch(r"([0-9]{1,5})\s*[-~–—至到]\s*([0-9]{1,5})", text)
    if not found or not 0 < int(found[1]) <= int(found[2]):
        return None
    return int(found[1]), int(found[2])
