"""Putting items into a module's questions.md without touching the rest of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from qinlian.atomic import replace_file
from qinlian.authoring.coursefile import LOCAL, MODULES, module_folder
from qinlian.authoring.questions import item_span_starts, parse_questions
from qinlian.authoring.textfile import display_name, parse_text
from qinlian.authoring.writer import write_item, write_questions
from qinlian.core.model import Item
from qinlian.errors import CourseError

__all__ = ["by_module", "merge_questions", "module_prefix"]


def module_prefix(module_id: str, ids: Sequence[str]) -> str:
    """What new ids of a module begin with: what most of its ids do, else ``LZ-`` and its number."""
    heads = [i.rpartition("-")[0] for i in ids if "-" in i]
    return max(sorted(set(heads)), key=heads.count) if heads else f"LZ-{module_id.split('-', 1)[0]}"


def by_module(items: Sequence[Item], owners: Mapping[str, str], module: str | None) -> dict[str, list[Item]]:
    """Module → its items: where ``owners`` (id → module) has them, new ones in ``module``.

    Raises CourseError for a new item where ``module`` is None.
    """
    found: dict[str, list[Item]] = {}
    for item in items:
        owner = owners.get(item.id, module)
        if owner is None:
            raise CourseError(f"{item.id} 是新题，不知道放进哪个模块；请用 --module 指明，一道题也没有导入")
        found.setdefault(owner, []).append(item)
    return found


def merge_questions(course_dir: Path, module_id: str, items: Sequence[Item], file: str = "questions.md") -> Path:
    """Write ``items`` into the module's questions.md, or another ``file`` of that form, and return its path.

    An item whose id stands there is replaced in its place, unless it is the same already; a new one
    is added at the end. Every other byte stays, and the file changes at once or not at all.
    Raises CourseError when an id belongs to another module or stands twice, when the module does
    not exist, or when the file cannot be read or written.
    """
    folder = module_folder(course_dir, module_id)
    if not folder.is_dir():
        raise CourseError(f"没有模块 {module_id}；先建好 course/modules/{module_id}/")
    path = folder / file
    name = display_name(course_dir.resolve(), path.resolve())
    for other in sorted(p for base in (MODULES, LOCAL) for p in (course_dir / base).glob("*/questions.md")):
        if other.parent.name != module_id:
            taken = {i.id for i in items} & set(_ids(_text(other, other.parent.name)))
            if taken:
                raise CourseError(
                    f"{'、'.join(sorted(taken))} 已经是模块 {other.parent.name} 的题；换个编号，或导入到那个模块"
                )
    text = _text(path, name) if path.exists() else ""
    repeated = {i for i, times in Counter(_ids(text)).items() if times > 1} & {i.id for i in items}
    if repeated:
        raise CourseError(f"{name} 里 {'、'.join(sorted(repeated))} 写了两次；先改好再导入")
    _write(path, (_merged(text, items) if text.strip("\ufeff \r\n") else write_questions(items)).encode())
    return path


def _text(path: Path, name: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise CourseError(f"{name} 读不出来或不是 UTF-8 编码，没有导入；先改好这个文件") from None


def _ids(text: str) -> list[str]:
    return [p.item.id for p in parse_questions(parse_text(text, "")).items]


def _merged(text: str, items: Sequence[Item]) -> str:
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix("\ufeff")
    parsed = parse_text(text, "")
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    end = "\r\n" if "\r\n" in text else "\n"
    present = {p.item.id: (p.item, p.at().line - 1) for p in parse_questions(parsed).items}
    bounds = [*(start for start, _ in item_span_starts(parsed)), len(lines)]
    # From the bottom up, so that the lines above keep their numbers.
    for item in sorted((i for i in items if i.id in present), key=lambda i: -present[i.id][1]):
        old, start = present[item.id]
        if old == item:
            continue
        stop = min(b for b in bounds if b > start)
        while not lines[stop - 1].strip():
            stop -= 1
        new = write_item(item).replace("\n", end)
        # The last line of the file may go without a line break, and then still does.
        lines[start:stop] = [new if lines[stop - 1].endswith(("\n", "\r")) else new.removesuffix(end)]
    added = "".join(end + write_item(i).replace("\n", end) for i in items if i.id not in present)
    kept = "".join(lines)
    return bom + kept + (end if added and not kept.endswith(("\n", "\r")) else "") + added


def _write(path: Path, data: bytes) -> None:
    """Replace the file in one step."""
    try:
        replace_file(path, data, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    except OSError as error:
        raise CourseError(f"{path.name} 写不进去：{error.strerror}；核对文件夹的权限") from None
