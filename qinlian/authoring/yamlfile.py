"""YAML read strictly: every scalar is text, every key stands once, every value knows its place.

Left to itself YAML turns ``010`` into 8, ``no`` into false, ``1.10`` into 1.1, keeps the last of two
equal keys, and takes ``题干：`` with a full-width colon for prose. None of these says a word.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from qinlian.authoring.textfile import Place, TextFile, nearest
from qinlian.core.diagnostics import Diagnostic

__all__ = ["Fields", "Value", "read_yaml"]

_DEEPEST = 20


@dataclass(frozen=True)
class Value:
    """A node of the document: exactly one of ``text``, ``fields`` and ``items`` is not None."""

    place: Place
    text: str | None = None
    fields: dict[str, tuple[Place, Value]] | None = None
    items: tuple[Value, ...] | None = None


def read_yaml(parsed: TextFile, keys: Iterable[str]) -> tuple[Value | None, list[Diagnostic]]:
    """The document as a Value, and every problem of its form: E104 syntax, E105 double key, E106 colon.

    ``keys`` are the keys of its schema; a line that begins with one of them and a full-width colon
    is reported and then read as if the colon were right, so that the rest is checked as well.
    """
    problems = list(_tabs(parsed))
    if problems:
        return None, problems
    lines = []
    colon = re.compile(rf"(\s*(?:-\s+)?(?:{'|'.join(map(re.escape, keys))})\s*)：\s?")
    for line in parsed.lines:
        found = colon.match(line.text)
        if found:
            problems.append(line.at(found.end(1)).says("E106", "键后面用了全角冒号", "改成半角冒号，后面空一格"))
        lines.append(f"{found[1].rstrip()}: {line.text[found.end() :]}" if found else line.text)
    try:
        with warnings.catch_warnings():
            # It warns of anchors used twice; anchors are an error here anyway.
            warnings.simplefilter("ignore")
            root = YAML(typ="safe", pure=True).compose(io.StringIO("\n".join(lines) + "\n"))
        value = _value(parsed.file, root, problems, 0) if root is not None else Value(Place(parsed.file, 1, 1), text="")
    except MarkedYAMLError as error:
        return None, [*problems, _syntax(parsed, error)]
    except (YAMLError, ValueError, AssertionError, RecursionError, LookupError, TypeError, AttributeError):
        # What the parser raises for input that is no YAML at all has no place.
        return None, [*problems, Place(parsed.file, 1, 1).says("E104", "读不出来", "每行写成“键: 值”，用空格缩进")]
    return value, problems


def _tabs(parsed: TextFile) -> Iterator[Diagnostic]:
    for line in parsed.lines:
        lead = line.text[: len(line.text) - len(line.text.lstrip())]
        bad = re.search("[\t\u3000\u00a0]", lead)
        if bad and not line.blank:
            yield line.at(bad.start()).says("E104", "缩进里有制表符或全角空格", "缩进只用半角空格")


def _syntax(parsed: TextFile, error: MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    if error.context_mark and mark and mark.line >= len(parsed.lines):
        # Something opened was never closed: the end of the file is no help.
        mark = error.context_mark
    number = min(mark.line + 1, len(parsed.lines)) if mark else 1
    place = Place(parsed.file, number, mark.column + 1 if mark else 1)
    around = "".join(line.text for line in parsed.lines[max(0, number - 2) : number])
    hint = "核对冒号后面的空格、引号和缩进"
    if "：" in around:
        hint = "这里有全角冒号；键后面用半角冒号加空格"
    return place.says("E104", "这里不合 YAML 的写法", hint)


def _value(file: str, node: Node, problems: list[Diagnostic], depth: int) -> Value:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if node.anchor is not None or depth > _DEEPEST:
        problems.append(place.says("E104", "不用锚点（&、*），也不要嵌套太深", "把内容直接写出来"))
        return Value(place, text=node.value if isinstance(node, ScalarNode) else "")
    if isinstance(node, MappingNode):
        fields: dict[str, tuple[Place, Value]] = {}
        for key_node, value_node in node.value:
            at = Place(file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            key = key_node.value.strip() if isinstance(key_node, ScalarNode) else None
            value = _value(file, value_node, problems, depth + 1)
            if key is None:
                problems.append(at.says("E104", "键应是文字", "写成“键: 值”"))
            elif key in fields:
                first = fields[key][0]
                problems.append(at.says("E105", f"“{key}”写了两次，第一次在第 {first.line} 行", "只留一个"))
            else:
                fields[key] = (at, value)
        return Value(place, fields=fields)
    if isinstance(node, SequenceNode):
        return Value(place, items=tuple(_value(file, child, problems, depth + 1) for child in node.value))
    return Value(place, text=str(node.value).strip())


class Fields:
    """One mapping read against its schema; what is wrong goes to ``problems`` (E107 key, E108 value)."""

    def __init__(self, value: Value, allowed: tuple[str, ...], problems: list[Diagnostic], what: str) -> None:
        self.place, self._problems, self._what = value.place, problems, what
        self._fields = value.fields or {}
        if value.fields is None:
            self.bad(value.place, f"{what}应写成“键: 值”", f"可以写：{'、'.join(allowed)}", "E107")
        for key, (place, _) in self._fields.items():
            if key not in allowed:
                self.bad(place, f"{what}里没有“{key}”这一项", nearest(key, allowed), "E107")

    def bad(self, place: Place, message: str, hint: str, code: str = "E108") -> None:
        """Report a problem."""
        self._problems.append(place.says(code, message, hint))

    def at(self, key: str) -> Place:
        """The place of a key's value, of the mapping when the key is missing."""
        return self._fields[key][1].place if key in self._fields else self.place

    def text(self, key: str, *, required: bool = True) -> str:
        """The text of a key; empty when it is missing, which is E107 if ``required``."""
        if key not in self._fields:
            if required:
                self.bad(self.place, f"{self._what}缺少“{key}”", f"补上一行 {key}: …", "E107")
            return ""
        place, value = self._fields[key]
        if value.text is None:
            self.bad(value.place, f"“{key}”应是一行文字", "写成“键: 值”")
            return ""
        if required and not value.text:
            self.bad(place, f"“{key}”没有写值", "补上值")
        return value.text

    def children(self, key: str, *, required: bool = True) -> tuple[Value, ...]:
        """The list under a key; empty when it is missing or no list."""
        if key not in self._fields:
            if required:
                self.bad(self.place, f"{self._what}缺少“{key}”", f"补上 {key}:，下面每项以 - 开头", "E107")
            return ()
        value = self._fields[key][1]
        if value.items is None:
            if required or value.text != "":
                self.bad(value.place, f"“{key}”下面应是一列", "每项以 - 开头")
            return ()
        return value.items

    def mapping(self, key: str) -> dict[str, tuple[Place, Value]]:
        """The mapping under a key; empty when it is missing."""
        if key not in self._fields:
            return {}
        value = self._fields[key][1]
        if value.fields is None:
            if value.text != "":
                self.bad(value.place, f"“{key}”下面应是“键: 值”", "每行写一项")
            return {}
        return value.fields
