"""course.yaml → the course's frame: title, modules in order, pass mark, tracks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from qinlian.authoring.structure import split_list
from qinlian.authoring.textfile import Place, TextFile, display_name, nearest, read_text
from qinlian.authoring.yamlfile import Fields, Value, read_yaml
from qinlian.core.diagnostics import Diagnostic, has_errors
from qinlian.core.model import Track
from qinlian.core.zone import BEIJING
from qinlian.errors import CourseError
from qinlian.items.base import item_types

__all__ = [
    "LOCAL",
    "MODULES",
    "CourseFrame",
    "ModuleEntry",
    "module_folder",
    "parse_course",
    "parse_local",
    "read_tracks",
]

MODULES, LOCAL = "modules", "local"
"""The folders of course/ that hold the course's modules, and those that a branch adds by itself."""

_FOLDER = "[a-z0-9]+(-[a-z0-9]+)*"
_FOLDER_HINT = "只用小写英文字母、数字和 -，如 02-gifts"
_KEYS = ("课程", "标题", "副标题", "及格", "计分", "模块", "培训对象")
_MODULE_KEYS = ("目录", "标题", "学时", "截止")
_LOCAL_KEYS = ("标题", "学时", "截止", "培训对象")
_TRACK_KEYS = ("名称", "模块", "学时", "及格", "重点案例")


@dataclass(frozen=True)
class ModuleEntry:
    """One module as course.yaml lists it."""

    id: str
    title: str
    hours: float
    due: datetime | None
    place: Place
    title_place: Place
    base: str = MODULES


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
    case_places: tuple[tuple[Track, Place], ...] = ()
    """Where each track names the cases that matter most to it."""


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
    placed = [_track(child, known, problems) for child in fields.children("培训对象", required=False)]
    tracks = tuple((t, place) for t, place in placed if t)
    pass_mark = _amount(fields, "及格", 60, 0, 100)
    frame = CourseFrame(
        id=course_id,
        title=fields.text("标题"),
        subtitle=fields.text("副标题", required=False),
        pass_mark=pass_mark,
        rules=_rules(fields),
        modules=tuple(modules),
        tracks=tuple(t for t, _ in tracks),
        case_places=tracks,
    )
    return frame, problems


def read_tracks(course_dir: Path) -> tuple[str, ...]:
    """The names of the course's tracks, in their order. Raises CourseError when course.yaml cannot be read."""
    path = course_dir / "course.yaml"
    parsed, problems = read_text(path, display_name(course_dir, path))
    frame, more = parse_course(parsed) if parsed else (None, [])
    if frame is None or has_errors(more):
        raise CourseError("course.yaml 读不出来；先运行 qinlian check，照提示改好", (*problems, *more))
    return tuple(track.name for track in frame.tracks)


def parse_local(name: str, parsed: TextFile, frame: CourseFrame) -> tuple[CourseFrame, list[Diagnostic]]:
    """The frame with the module of ``local/<name>/module.yaml`` at its end; problems as of ``parse_course``.

    Without 培训对象 every track takes it.
    """
    value, problems = read_yaml(parsed, _LOCAL_KEYS)
    if value is None:
        return frame, problems
    fields = Fields(value, _LOCAL_KEYS, problems, "模块")
    place = Place(parsed.file, 1, 1)
    if not re.fullmatch(_FOLDER, name):
        problems.append(place.says("E107", f"模块的文件夹名不能是“{name}”", _FOLDER_HINT))
        return frame, problems
    if name in {m.id for m in frame.modules}:
        problems.append(place.says("E107", f"模块 {name} 已经有了", "给 local 里的文件夹换一个名字"))
        return frame, problems
    known = [t.name for t in frame.tracks]
    wanted = split_list(fields.text("培训对象", required=False)) or tuple(known)
    for track in wanted:
        if track not in known:
            fields.bad(fields.at("培训对象"), f"没有培训对象“{track}”", nearest(track, known))
    tracks = tuple(
        t.model_copy(update={"modules": (*t.modules, name)}) if t.name in wanted else t for t in frame.tracks
    )
    entry = _entry(name, fields, place, LOCAL)
    return replace(frame, modules=(*frame.modules, entry), tracks=tracks), problems


def module_folder(course_dir: Path, module_id: str) -> Path:
    """Where a module's texts lie."""
    local = course_dir / LOCAL / module_id
    return local if local.is_dir() else course_dir / MODULES / module_id


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
    if name and not re.fullmatch(_FOLDER, name):
        fields.bad(fields.at("目录"), f"模块的目录名不能是“{name}”", _FOLDER_HINT)
        return None
    if not name:
        return None
    return _entry(name, fields, fields.at("目录"))


def _entry(name: str, fields: Fields, place: Place, base: str = MODULES) -> ModuleEntry:
    due = None
    if text := fields.text("截止", required=False):
        try:
            naive = datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is put in below
            due = naive.replace(tzinfo=BEIJING).astimezone(UTC)
        except ValueError:
            fields.bad(fields.at("截止"), f"“截止”不是时间：{text}", "写成 2027-06-30 23:59，按北京时间")
    title = fields.text("标题")
    hours = _amount(fields, "学时", 1, 0, 1000)
    return ModuleEntry(name, title or name, hours, due, place, fields.at("标题"), base)


def _track(value: Value, known: list[str], problems: list[Diagnostic]) -> tuple[Track | None, Place]:
    fields = Fields(value, _TRACK_KEYS, problems, "培训对象")
    name = fields.text("名称")
    modules = split_list(fields.text("模块"))
    for module in modules:
        if module not in known:
            fields.bad(fields.at("模块"), f"没有列出模块“{module}”", nearest(module, known))
    hours, pass_mark = _amount(fields, "学时", 0, 0, 1000), _amount(fields, "及格", -1, 0, 100)
    cases = split_list(fields.text("重点案例", required=False))
    if not name:
        return None, fields.at("名称")
    pass_or_none = None if pass_mark < 0 else pass_mark
    track = Track(name=name, modules=modules, hours=hours, pass_mark=pass_or_none, cases=cases)
    return track, fields.at("重点案例" if cases else "名称")
