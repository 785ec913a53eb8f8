"""course.yaml → the course's frame: title, modules in order, pass mark, tracks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from qinlian.authoring.structure import split_list
from qinlian.authoring.textfile import Place, TextFile, nearest
from qinlian.authoring.yamlfile import Fields, Value, read_yaml
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Track
from qinlian.core.zone import BEIJING
from qinlian.items.base import item_types

__all__ = ["CourseFrame", "ModuleEntry", "parse_course"]

_KEYS = ("课程", "标题", "副标题", "及格", "计分", "模块", "培训对象")
_MODULE_KEYS = ("目录", "标题", "学时", "截止")
_TRACK_KEYS = ("名称", "模块")


@dataclass(frozen=True)
class ModuleEntry:
    """One module as course.yaml lists it."""

    id: str
    title: str
    hours: float
    due: datetime | None
    place: Place
    title_place: Place


@dataclass(frozen=True)
class CourseFrame:
    """course.yaml without what the modules' own files say."""

    id: str
    title: str
    subtitle: str
    pass_mark: float
    rules: tuple[tuple[str, str], ...]
    modules: tuple[ModuleEntry, ...]
    tracks: tuple[Track, ...]


def parse_course(parsed: TextFile) -> tuple[CourseFrame | None, list[Diagnostic]]:
    """The frame, or None when the file is no YAML; problems E104–E108."""
    value, problems = read_yaml(parsed, (*_KEYS, *_MODULE_KEYS, *_TRACK_KEYS, *item_types()))
    if value is None:
        return None, problems
    fields = Fields(value, _KEYS, problems, "课程总表")
    course_id = fields.text("课程")
    if course_id and not re.fullmatch("[a-z][a-z0-9_-]*", course_id):
        fields.bad(fields.at("课程"), f"课程标识不能是“{course_id}”", "只用小写英文字母、数字、- 和 _，字母开头")
    modules: list[ModuleEntry] = []
    for child in fields.children("模块"):
        entry = _module(child, problems)
        if entry and entry.id in {m.id for m in modules}:
            fields.bad(entry.place, f"模块 {entry.id} 列了两次", "只留一个")
        elif entry:
            modules.append(entry)
    known = [m.id for m in modules]
    tracks = tuple(t for t in (_track(c, known, problems) for c in fields.children("培训对象", required=False)) if t)
    pass_mark = _amount(fields, "及格", 60, 0, 100)
    frame = CourseFrame(
        id=course_id,
        title=fields.text("标题"),
        subtitle=fields.text("副标题", required=False),
        pass_mark=pass_mark,
        rules=_rules(fields),
        modules=tuple(modules),
        tracks=tracks,
    )
    return frame, problems


def _amount(fields: Fields, key: str, default: float, low: float, high: float) -> float:
    text = fields.text(key, required=False)
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", text) or not low <= float(text) <= high:
        fields.bad(fields.at(key), f"“{key}”不能是“{text}”", f"写 {low:g} 到 {high:g} 之间的数")
        return default
    return float(text)


def _rules(fields: Fields) -> tuple[tuple[str, str], ...]:
    rules = []
    for label, (place, value) in fields.mapping("计分").items():
        kind = item_types().get(label)
        if kind is None:
            fields.bad(place, f"不认识题型“{label}”", nearest(label, item_types()))
        elif value.text not in kind.rules:
            fields.bad(value.place, f"{label}题没有计分规则“{value.text or ''}”", nearest(value.text or "", kind.rules))
        else:
            rules.append((label, value.text))
    return tuple(rules)


def _module(value: Value, problems: list[Diagnostic]) -> ModuleEntry | None:
    fields = Fields(value, _MODULE_KEYS, problems, "模块")
    name = fields.text("目录")
    if name and not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name):
        fields.bad(fields.at("目录"), f"模块的目录名不能是“{name}”", "只用小写英文字母、数字和 -，如 02-gifts")
        return None
    due = None
    if text := fields.text("截止", required=False):
        try:
            naive = datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is put in below
            due = naive.replace(tzinfo=BEIJING).astimezone(UTC)
        except ValueError:
            fields.bad(fields.at("截止"), f"“截止”不是时间：{text}", "写成 2027-06-30 23:59，按北京时间")
    title = fields.text("标题")
    hours = _amount(fields, "学时", 1, 0, 1000)
    return ModuleEntry(name, title or name, hours, due, fields.at("目录"), fields.at("标题")) if name else None


def _track(value: Value, known: list[str], problems: list[Diagnostic]) -> Track | None:
    fields = Fields(value, _TRACK_KEYS, problems, "培训对象")
    name = fields.text("名称")
    modules = split_list(fields.text("模块"))
    for module in modules:
        if module not in known:
            fields.bad(fields.at("模块"), f"没有列出模块“{module}”", nearest(module, known))
    return Track(name=name, modules=modules) if name else None
