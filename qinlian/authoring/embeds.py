"""Prose with ``{{…}}`` in it → stretches of prose and embeds, in order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qinlian.authoring.structure import ID, Attr, Codes, parse_attrs
from qinlian.authoring.textfile import Line, Place, html_places, nearest
from qinlian.core.diagnostics import Diagnostic

__all__ = ["EMBED_CODES", "Embed", "Stretch", "parse_body"]

EMBED_CODES: Codes = ("E403", "E404")

_NAMED = ("题", "案例", "心得")
_ATTRS: dict[str, tuple[str, ...]] = {
    "题": (),
    "案例": (),
    "练习": ("知识点", "难度", "数量", "题型"),
    "测验": ("id", "数量", "次数", "及格", "分值", "计次", "解析", "知识点", "题型", "来源", "摸底"),
    "心得": (),
}
_ALONE = re.compile(r"\s*\{\{\s*(?P<kind>[^\s{}=]*)\s*(?P<rest>[^{}]*)\}\}\s*$")
# Braces in pairs, or one pair that holds what only an embed would.
_LIKE = re.compile(
    r"(?<!\\)\{\s*\{|\}\s*\}|^\s*\{\s*(?:题|案例|练习|测验|心得)[\s}]|^\s*\[\[\s*(?:题|案例|练习|测验|心得)[\s\]]"
)
_SAMPLES = {
    "题": "{{题 LZ-02-003}}",
    "案例": "{{案例 LZ-02-C1}}",
    "心得": "{{心得 LZ-02-R1}}",
    "练习": "{{练习 知识点=礼品礼金 数量=5}}",
    "测验": "{{测验 id=02-exam 数量=10 次数=3 及格=60}}",
}


@dataclass(frozen=True)
class Stretch:
    """Lines of prose that stand together."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The Markdown, as written."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Embed:
    """``{{kind target key=value}}``."""

    kind: str
    target: str
    place: Place
    attrs: dict[str, Attr] = field(default_factory=dict)


def parse_body(lines: Iterable[Line], kinds: tuple[str, ...]) -> tuple[list[Stretch | Embed], list[Diagnostic]]:
    """The parts of a body in order. ``kinds`` are the embeds allowed here.

    Problems: E401 a line that looks like an embed and is none, E402 its kind, E403 and E404 its
    parameters, E110 HTML.
    """
    parts: list[Stretch | Embed] = []
    problems: list[Diagnostic] = []
    prose: list[Line] = []
    for line in lines:
        if not _LIKE.search(line.narrow):
            problems += html_places(line)
            prose.append(line)
            continue
        embed, found = _embed(line, kinds)
        problems += found
        _close(prose, parts)
        if embed:
            parts.append(embed)
    _close(prose, parts)
    return parts, problems


def _close(prose: list[Line], parts: list[Stretch | Embed]) -> None:
    while prose and prose[0].blank:
        prose.pop(0)
    while prose and prose[-1].blank:
        prose.pop()
    if prose:
        parts.append(Stretch(tuple(prose)))
    prose.clear()


def _embed(line: Line, kinds: tuple[str, ...]) -> tuple[Embed | None, list[Diagnostic]]:
    found = _ALONE.match(line.narrow)
    if not found:
        at = _LIKE.search(line.narrow)
        index = at.start() if at and at.group().strip() != "" else line.indent
        return None, [
            line.at(index).says("E401", "引用没有写完整，或没有独占一行", f"单独写一行，如 {_SAMPLES[kinds[0]]}")
        ]
    kind = found["kind"]
    place = line.at(found.start("kind"))
    if kind not in kinds:
        if kind in _ATTRS:
            return None, [place.says("E402", f"这里不能放“{kind}”", f"这里可以放：{'、'.join(kinds)}")]
        glued = next((k for k in kinds if kind.startswith(k)), "")
        hint = f"写成 {_SAMPLES[glued]}" if glued else nearest(kind, kinds)
        return None, [place.says("E402", f"不认识引用“{kind}”" if kind else "引用没有写类型", hint)]
    start, end = found.start("rest"), found.end("rest")
    target = ""
    if kind in _NAMED:
        word = re.match(r"\S*", found["rest"])
        target = word.group() if word else ""
        if not ID.fullmatch(target):
            at_target = line.at(start if target else found.start("kind"))
            return None, [at_target.says("E401", f"“{kind}”后面没有写编号", f"写成 {_SAMPLES[kind]}")]
        place = line.at(start)
        start += len(target)
    attrs, problems = parse_attrs(line, start, end, _ATTRS[kind], EMBED_CODES)
    return Embed(kind, target, place, attrs), problems
