"""questions.md → items, each with the place of every part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qinlian.authoring.placed import Placed
from qinlian.authoring.shapes import FIELDS, shape, tidy, unescaped
from qinlian.authoring.structure import (
    Heading,
    heading_level,
    heading_text,
    parse_braces,
    parse_heading,
    parse_points,
    parse_words,
    split_list,
)
from qinlian.authoring.textfile import Line, Place, TextFile, html_places, nearest
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Element, Item, Use
from qinlian.items.base import ItemType, item_types

__all__ = ["Questions", "item_span_starts", "parse_questions", "split_citations", "split_prompts"]

ATTRS = ("用途", "难度", "知识点", "分值", "计分", "字数", "对象")
SAMPLE = "### LZ-02-003 [单选] {难度=2 知识点=礼品礼金}"

_BRACKET = re.compile(r"\s*-\s*\[(?P<mark>[^\[\]]*)\]\s*")
_LETTER = re.compile(r"(?P<letter>[A-Z])\s*[.、]\s*")
_FEEDBACK = re.compile(r"\s*> ?")
_FIELD = re.compile(r"\s*(?P<label>解析|依据|提示)\s*:\s*")


@dataclass(frozen=True)
class Questions:
    """What a questions.md holds. ``broken`` are ids whose heading could not be used."""

    items: tuple[Placed, ...]
    broken: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]


@dataclass
class _Draft:
    """One item while its lines are read."""

    heading: Heading
    kind: ItemType
    section_use: str
    problems: list[Diagnostic]
    stem: list[str] = field(default_factory=list)
    elements: list[tuple[str, str, str, list[str]]] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    current: str = ""
    places: dict[str, Place] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    body: list[str] = field(default_factory=list)

    def takes(self, line: Line, level: int) -> bool:
        """True when the line belongs to the activity's body."""
        return self.kind.has_body and (level >= 4 or (bool(self.body) and not level))

    def say(self, place: Place, code: str, message: str, hint: str = "") -> None:
        self.problems.append(place.says(code, message, hint))


def item_span_starts(parsed: TextFile) -> list[tuple[int, int]]:
    """(line index from 0, heading level) of every heading of level 1–3: where items begin and end."""
    levels = ((i, heading_level(line)) for i, line in enumerate(parsed.lines))
    return [(i, level) for i, level in levels if 1 <= level <= 3]


def parse_questions(parsed: TextFile) -> Questions:
    """All items of the file; every problem of their form (E2xx), never stopping at the first."""
    items: list[Placed] = []
    broken: set[str] = set()
    problems: list[Diagnostic] = []
    draft: _Draft | None = None
    lost = False  # inside an item whose heading cannot be used: its lines say nothing more
    section_use = ""
    for line in parsed.lines:
        level = heading_level(line)
        looks = shape(line.text)
        if draft and draft.takes(line, level) and (level or looks != "heading"):
            _body(draft, line)
        elif looks == "heading":
            if draft:
                items.append(_finish(draft))
            draft, lost = None, True
            if level in (1, 2):
                section_use, found = _section(line) if level == 2 else ("", [])
                problems += found
                lost = False
                continue
            draft, found, lost_id = _begin(line, level, section_use, problems)
            problems += found
            broken |= lost_id
            lost = draft is None
        elif draft:
            _feed(draft, line, looks)
        elif not line.blank and not lost:
            problems.append(line.at(line.indent).says("E208", "这一行不属于任何一道题", "移到题里，或删掉"))
    if draft:
        items.append(_finish(draft))
    return Questions(tuple(items), frozenset(broken), tuple(problems))


def _section(line: Line) -> tuple[str, list[Diagnostic]]:
    brace = line.narrow.find("{")
    if brace < 0:
        return "", []
    attrs, problems = parse_braces(line, brace, ("用途",), "E201")
    use = attrs.get("用途")
    if use and use.value not in ("练习", "测验"):
        problems.append(use.place.says("E205", f"用途不能是“{use.value}”", nearest(use.value, ("练习", "测验"))))
        return "", problems
    return (use.value if use else ""), problems


def _begin(
    line: Line, level: int, section_use: str, problems: list[Diagnostic]
) -> tuple[_Draft | None, list[Diagnostic], set[str]]:
    """(draft, problems, ids lost) for a line that looks like an item's heading."""
    if level != 3:
        what = f"题目标题应有三个 #，这里有 {level} 个" if level else "题目标题前没有写 ###"
        hint = f"写成 {SAMPLE}；若是正文，在行首加 \\"
        return (
            None,
            [line.at(line.indent).says("E201", what, hint)],
            set(re.findall(r"[A-Za-z0-9_-]{4,}", line.narrow)[:1]),
        )
    heading, found = parse_heading(line, ATTRS, "E201", SAMPLE)
    if heading is None:
        return None, found, set(re.findall(r"[A-Za-z0-9_-]+", line.narrow[heading_text(line) :])[:1])
    kind = item_types().get(heading.kind)
    if kind is None:
        hint = nearest(heading.kind, item_types())
        found.append(heading.kind_place.says("E202", f"不认识题型“{heading.kind}”", hint))
        return None, found, {heading.id}
    draft = _Draft(heading, kind, section_use, problems)
    draft.places = {"id": heading.place, "kind": heading.kind_place}
    draft.places |= {name: attr.place for name, attr in heading.attrs.items()}
    return draft, found, set()


def _body(draft: _Draft, line: Line) -> None:
    """Add one line to an activity's body, as it is: the type itself reads it."""
    if not draft.body:
        draft.places["body"] = line.at()
    draft.problems += html_places(line)
    draft.body.append(line.text)


def _feed(draft: _Draft, line: Line, looks: str | None) -> None:
    """Add one line to an item."""
    start = line.at(line.indent)
    if looks == "element":
        _element(draft, line)
    elif looks == "field":
        _field(draft, line)
    elif draft.elements and not draft.current and (found := _FEEDBACK.match(line.narrow)):
        index = len(draft.elements) - 1
        draft.places.setdefault(f"feedback:{index}", start)
        draft.problems += html_places(line)
        draft.elements[index][3].append(line.text[found.end() :])
    elif looks == "embed":
        draft.say(start, "E208", "题目里不能放引用", "把 {{…}} 写到 lesson.md 或 cases.md 里")
    elif draft.current in FIELDS:
        if draft.current == "依据" and not line.blank:
            draft.say(start, "E208", "依据只写一行", "多条依据写在同一行，用；隔开；别的文字移到解析里")
            return
        draft.problems += html_places(line)
        draft.fields[draft.current].append(unescaped(line.text))
    elif not draft.elements:
        if not line.blank:
            draft.places.setdefault("stem", start)
            draft.problems += html_places(line)
        draft.stem.append(unescaped(line.text))
    elif not line.blank:
        draft.say(
            start,
            "E208",
            "选项后面只能写反馈、选项、解析或依据",
            "反馈以 > 开头；选项只写一行；别的文字移到题干或解析里",
        )


def _element(draft: _Draft, line: Line) -> None:
    start = line.at(line.indent)
    sample = draft.kind.line_sample
    if draft.kind.has_body:
        what, hint = f"{draft.kind.label}的正文要从 #### 标题开始", "先写 #### 标题；若是题干，在行首加 \\"
        draft.say(start, "E203", what, hint)
        return
    if draft.current in FIELDS:
        draft.unread.add("elements")
        draft.say(start, "E203", f"选项写在了{draft.current}后面", "把选项移到解析和依据之前；若是正文，在行首加 \\")
        return
    found = _BRACKET.match(line.narrow)
    if not found:
        draft.say(start, "E203", "这一行像选项，却没有写完整", f"写成 {sample}；若是正文，在行首加 \\")
        _unread(draft, line)
        return
    raw, rest, letter = found["mark"], found.end(), ""
    mark = draft.kind.canonical_mark(raw)
    if mark is None:
        draft.say(
            line.at(found.start("mark")), "E203", f"{draft.kind.label}题的方括号里不能写“{raw}”", f"写成 {sample}"
        )
        mark = ""
        draft.unread.add("elements")
    if draft.kind.has_letters:
        lettered = _LETTER.match(line.narrow, rest)
        if not lettered:
            draft.say(line.at(min(rest, len(line.text))), "E203", "选项没有写字母", f"写成 {sample}")
            _unread(draft, line)
            return
        letter, rest = lettered["letter"], lettered.end()
    index = len(draft.elements)
    text = line.text[rest:].strip()
    letter, mark, text = draft.kind.lettered(index, mark, letter, text)
    draft.places[f"element:{index}"] = start
    if letter in {e[0] for e in draft.elements}:
        draft.unread.add("elements")
        draft.say(start, "E207", f"“{letter}”写了两次", "每个选项的字母只用一次")
    draft.problems += html_places(line, rest)
    draft.elements.append((letter, mark, text, []))


def _unread(draft: _Draft, line: Line) -> None:
    """Keep a line that is no element, so that its feedback finds its place."""
    draft.unread.add("elements")
    draft.places[f"element:{len(draft.elements)}"] = line.at(line.indent)
    draft.elements.append(("?", "", line.text.strip(), []))


def _field(draft: _Draft, line: Line) -> None:
    start = line.at(line.indent)
    found = _FIELD.match(line.narrow)
    if not found:
        draft.unread |= {name for name in FIELDS if name not in draft.fields}
        draft.say(
            start, "E206", "这一行像字段，却不是“解析：”或“依据：”", "改成 解析：或 依据：；若是正文，在行首加 \\"
        )
        return
    label = found["label"]
    draft.current = label
    if label in draft.fields:
        draft.say(start, "E207", f"“{label}”写了两次", "合成一处")
        return
    draft.places[label] = start
    draft.fields[label] = [line.text[found.end() :]]
    draft.problems += html_places(line, found.end())
    if label == "依据":
        offset = found.end()
        for index, part in enumerate(p for p in re.finditer("[^；;]+", line.text[offset:]) if p.group().strip()):
            blank = len(part.group()) - len(part.group().lstrip())
            draft.places[f"依据:{index}"] = line.at(offset + part.start() + blank)


def split_prompts(text: str) -> tuple[str, ...]:
    """The prompts of a 提示: one a line."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def split_citations(text: str) -> tuple[str, ...]:
    """The citations of a 依据, which are parted by ；."""
    return tuple(part.strip() for part in re.split("[；;]", text) if part.strip())


def _finish(draft: _Draft) -> Placed:
    """The item as far as it could be read; what could not has been reported."""
    heading, kind = draft.heading, draft.kind
    stem = tidy("\n".join(draft.stem))
    if not stem:
        draft.say(heading.place, "E209", f"{heading.id} 没有题干", "在题号下面另起一行写题干")
    elements = tuple(
        Element(letter=letter, mark=mark, text=text, feedback=tidy("\n".join(feedback)))
        for letter, mark, text, feedback in draft.elements
    )
    use = _use(draft)
    points = sum(float(e.mark) for e in elements if e.mark) if kind.by_hand else _points(draft)
    item = Item(
        id=heading.id,
        kind=kind.label,
        stem=stem,
        elements=elements,
        # An item without 用途 is an error; until mended it counts as the one whose key stays hidden.
        use=use or "测验",
        difficulty=_difficulty(draft),
        topics=split_list(heading.attrs["知识点"].value) if "知识点" in heading.attrs else (),
        points=points or 1.0,
        rule=heading.attrs["计分"].value if "计分" in heading.attrs else "",
        words=_words(draft),
        audience=split_list(heading.attrs["对象"].value) if "对象" in heading.attrs else (),
        prompts=split_prompts("\n".join(draft.fields.get("提示", []))),
        body=tidy("\n".join(draft.body)),
        explanation=tidy("\n".join(draft.fields.get("解析", []))),
        citations=split_citations("；".join(draft.fields.get("依据", []))),
    )
    return Placed(item, draft.places, used=bool(use), unread=frozenset(draft.unread))


def _use(draft: _Draft) -> Use | None:
    """用途 of the item, else of its section; None when neither says."""
    attr = draft.heading.attrs.get("用途")
    written = attr.value if attr else ""
    if draft.kind.by_hand:
        if attr and written != "心得":
            draft.say(attr.place, "E205", f"心得的用途不能是“{written}”", "心得不用写用途")
        return "心得"
    if attr and written not in ("练习", "测验"):
        draft.say(attr.place, "E205", f"用途不能是“{written}”", nearest(written, ("练习", "测验")))
        return "测验"
    match written or draft.section_use:
        case "练习":
            return "练习"
        case "测验":
            return "测验"
    return None


def _points(draft: _Draft) -> float | None:
    attr = draft.heading.attrs.get("分值")
    if not attr:
        return None
    value = parse_points(attr.narrow)
    if value is None:
        draft.say(attr.place, "E205", f"分值不能是“{attr.value}”", "写大于 0 的数，最多两位小数，如 2 或 1.5")
    return value


def _difficulty(draft: _Draft) -> int:
    attr = draft.heading.attrs.get("难度")
    if not attr:
        return 1
    if attr.narrow not in ("1", "2", "3"):
        draft.say(attr.place, "E205", f"难度不能是“{attr.value}”", "写 1、2 或 3")
        return 1
    return int(attr.narrow)


def _words(draft: _Draft) -> tuple[int, int] | None:
    attr = draft.heading.attrs.get("字数")
    if not attr:
        return None
    value = parse_words(attr.narrow)
    if value is None:
        draft.say(attr.place, "E205", f"字数不能是“{attr.value}”", "写成 200-800")
    return value
