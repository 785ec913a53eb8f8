"""cases.md → teaching cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qinlian.authoring.embeds import EMBED_CODES, Embed, Stretch, parse_body
from qinlian.authoring.structure import Heading, heading_level, parse_heading, split_list
from qinlian.authoring.textfile import Line, Place, TextFile, html_places, nearest
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Case, ItemBlock, Prose

__all__ = ["PlacedCase", "parse_cases"]

SAMPLE = "### LZ-02-C1 [案例] {类型=警示}"
_FIELD = re.compile(r"\s*(?:\*\*|\[|【)?(?P<label>标题|题目|名称|类型)(?:\*\*|\]|】)?\s*(?P<colon>:)?\s*")
_TITLED = re.compile(r"\s*[A-Za-z0-9_-]+\s*[\[【〔]\s*案例\s*[\]】〕]")


@dataclass(frozen=True)
class PlacedCase:
    """A case, where it begins, its embeds in order, its stretches of prose, and where 对象 stands."""

    case: Case
    place: Place
    embeds: tuple[Embed, ...]
    prose: tuple[Stretch, ...]
    audience_place: Place


def parse_cases(parsed: TextFile) -> tuple[tuple[PlacedCase, ...], frozenset[str], tuple[Diagnostic, ...]]:
    """(cases, ids whose heading could not be used, problems E401–E404, E411, E412, E110)."""
    cases: list[PlacedCase] = []
    broken: set[str] = set()
    problems: list[Diagnostic] = []
    heading: Heading | None = None
    body: list[Line] = []
    lost = False
    for line in parsed.lines:
        level = heading_level(line)
        if 1 <= level <= 3 or _TITLED.match(line.narrow):
            if heading:
                cases.append(_case(heading, body, problems))
            heading, body, lost = None, [], level not in (1, 2)
            if level in (1, 2):
                continue
            if level != 3:
                problems.append(line.at(line.indent).says("E411", "案例标题前没有写 ###", f"写成 {SAMPLE}"))
                continue
            heading, found = parse_heading(line, ("类型", "对象"), "E411", SAMPLE, EMBED_CODES)
            problems += found
            if heading and heading.kind != "案例":
                problems.append(heading.kind_place.says("E411", f"案例文件里不能写[{heading.kind}]", f"写成 {SAMPLE}"))
                heading = None
            if heading is None:
                broken |= set(re.findall(r"[A-Za-z0-9_-]{3,}", line.narrow)[:1])
        elif heading:
            body.append(line)
        elif not line.blank and not lost:
            problems.append(line.at(line.indent).says("E411", "这一行不属于任何一个案例", f"案例以 {SAMPLE} 开头"))
    if heading:
        cases.append(_case(heading, body, problems))
    return tuple(cases), frozenset(broken), tuple(problems)


def _case(heading: Heading, body: Sequence[Line], problems: list[Diagnostic]) -> PlacedCase:
    start = next((i for i, line in enumerate(body) if not line.blank), len(body))
    title = ""
    field = _FIELD.match(body[start].narrow) if start < len(body) else None
    if field and field["label"] == "标题" and field["colon"] and body[start].narrow.lstrip().startswith("标题"):
        title = body[start].text[field.end() :].strip()
        problems += html_places(body[start], field.end())
        start += 1
    if not title:
        place = body[start].at() if field and start < len(body) else heading.place
        problems.append(place.says("E412", f"案例 {heading.id} 没有标题", "在编号下面一行写 标题：……"))
    attr = heading.attrs.get("类型")
    kind = attr.value if attr else ""
    if kind not in ("警示", "正面"):
        place = attr.place if attr else heading.place
        what = f"案例的类型不能是“{kind}”" if attr else f"案例 {heading.id} 没有写类型"
        problems.append(place.says("E412", what, nearest(kind, ("警示", "正面")) or "写 {类型=警示} 或 {类型=正面}"))
    parts, found = parse_body(body[start:], ("题",))
    problems += found
    if not any(isinstance(p, Stretch) for p in parts):
        problems.append(heading.place.says("E412", f"案例 {heading.id} 没有正文", "写出案例"))
    case = Case(
        id=heading.id,
        kind="正面" if kind == "正面" else "警示",
        title=title or heading.id,
        audience=split_list(heading.attrs["对象"].value) if "对象" in heading.attrs else (),
        parts=tuple(Prose(text=p.text) if isinstance(p, Stretch) else ItemBlock(item=p.target) for p in parts),
    )
    return PlacedCase(
        case,
        heading.place,
        tuple(p for p in parts if isinstance(p, Embed)),
        tuple(p for p in parts if isinstance(p, Stretch)),
        heading.attrs["对象"].place if "对象" in heading.attrs else heading.place,
    )
