"""What may join a course at once, and what waits in ``drafts.md`` until its author has completed it.

Foreign questions mostly lack 依据 or 解析. In questions.md they would be errors and stop the whole course, so they
are put, in the same form, into a file beside it that the build does not read; importing that file moves over
whatever has been completed. ``qinlian check`` reminds of it (W615).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qinlian.atomic import replace_file
from qinlian.authoring.coursefile import LOCAL, MODULES
from qinlian.authoring.meaning import check_citations, check_item
from qinlian.authoring.placed import Placed
from qinlian.authoring.questions import Questions, item_span_starts, parse_questions
from qinlian.authoring.rulebook import Rulebook
from qinlian.authoring.textfile import TextFile, control_places, parse_text
from qinlian.authoring.writer import write_item
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Item
from qinlian.errors import CourseError

__all__ = ["DRAFTS", "Sorted", "draft_ids", "drafts_of", "problems_of", "sort_placed", "take_out"]

DRAFTS = "drafts.md"


@dataclass(frozen=True)
class Sorted:
    """Items of a Markdown file: those that are complete, those that are not, and everything that is wrong."""

    ready: tuple[Item, ...]
    waiting: tuple[Item, ...]
    diagnostics: tuple[Diagnostic, ...]


def problems_of(item: Item, rules: Rulebook, audiences: Collection[str]) -> tuple[Diagnostic, ...]:
    """Every error that ``qinlian check`` would find if the item stood in questions.md; places mean nothing."""
    parsed = parse_text(write_item(item), "questions.md")
    found = parse_questions(parsed)
    problems = [*control_places(parsed), *(d for d in found.diagnostics if d.is_error)]
    problems += [d for placed in found.items for d in _meant(placed, rules, audiences)]
    if not problems and [placed.item for placed in found.items] != [item]:
        where = Placed(item, {"id": found.items[0].at()} if found.items else {}).places.get("id")
        if where:
            problems.append(where.says("E208", "有些文字写进题库后读不回原样", "看看这道题的选项和反馈"))
    return tuple(problems)


def _meant(placed: Placed, rules: Rulebook, audiences: Collection[str]) -> Iterator[Diagnostic]:
    """The errors of meaning of one item."""
    yield from (d for d in (*check_item(placed), *check_citations(placed, rules)) if d.is_error)
    for name in placed.item.audience:
        if name not in audiences:
            yield placed.at("对象").says("E313", f"没有培训对象“{name}”", "改成 course.yaml 里有的，或删掉")


def sort_placed(parsed: TextFile, rules: Rulebook, audiences: Collection[str]) -> Sorted:
    """The items of a Markdown file apart, with the diagnostics of the file in their places."""
    found = parse_questions(parsed)
    ready: list[Item] = []
    waiting: list[Item] = []
    problems = [*control_places(parsed), *(d for d in found.diagnostics if d.is_error)]
    bounds = _bounds(parsed)
    for placed in found.items:
        mine = list(_meant(placed, rules, audiences))
        start = placed.at().line
        stop = next((b for b in bounds if b > start), len(parsed.lines) + 1)
        formal = any(start <= d.line < stop for d in problems)
        problems += mine
        (waiting if mine or formal else ready).append(placed.item)
    return Sorted(tuple(ready), tuple(waiting), tuple(problems))


def _bounds(parsed: TextFile) -> list[int]:
    return [index + 1 for index, _ in item_span_starts(parsed)]


def drafts_of(course_dir: Path) -> Iterator[Path]:
    """The drafts files of a course, in order."""
    for base in (MODULES, LOCAL):
        yield from sorted((course_dir / base).glob(f"*/{DRAFTS}"))


def _questions(path: Path) -> Questions:
    try:
        return parse_questions(parse_text(path.read_bytes().decode("utf-8"), path.name))
    except (OSError, UnicodeDecodeError):
        raise CourseError(f"{path.parent.name}/{DRAFTS} 读不出来或不是 UTF-8 编码，没有导入；先改好这个文件") from None


def draft_ids(course_dir: Path) -> dict[str, str]:
    """Id → module of every draft. Raises CourseError for a drafts file that cannot be read."""
    return {p.item.id: path.parent.name for path in drafts_of(course_dir) for p in _questions(path).items}


def take_out(course_dir: Path, module_id: str, ids: Collection[str]) -> int:
    """Take the items of these ids out of a module's drafts; the file goes with the last. How many are left.

    Every other line stays. Raises CourseError when the file cannot be read or written.
    """
    path = next((p for p in drafts_of(course_dir) if p.parent.name == module_id), None)
    if path is None:
        return 0
    _questions(path)
    text = path.read_bytes().decode("utf-8")
    kept = _without(text, ids)
    left = len(parse_questions(parse_text(kept, "")).items)
    try:
        if kept == text:
            return left
        if not left and not re.search(r"^(?!\s*#{1,2}\s)(?=.*\S)", kept, re.M):
            path.unlink()
        else:
            replace_file(path, kept.encode(), path.stat().st_mode & 0o777)
    except OSError as error:
        raise CourseError(f"{DRAFTS} 写不进去：{error.strerror}；核对文件夹的权限") from None
    return left


def _without(text: str, ids: Collection[str]) -> str:
    parsed = parse_text(text, "")
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    bounds = [*(start for start, _ in item_span_starts(parsed)), len(lines)]
    starts: Sequence[int] = [p.at().line - 1 for p in parse_questions(parsed).items if p.item.id in ids]
    for start in sorted(starts, reverse=True):
        del lines[start : min(b for b in bounds if b > start)]
    return "".join(lines)
