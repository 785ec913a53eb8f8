"""comments.yaml → the comments that a reader of reflections uses again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qinlian.authoring.textfile import Place, TextFile, display_name, nearest, read_text
from qinlian.authoring.yamlfile import Fields, Value, read_yaml
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Item

__all__ = ["COMMENTS_NAME", "CommentBank", "Remarks", "load_comments", "parse_comments"]

COMMENTS_NAME = "comments.yaml"
_KEYS = ("通用", "题目")
_ITEM_KEYS = ("题号", "通用", "细则")
_LONGEST = 300


@dataclass(frozen=True)
class _Comment:
    text: str
    place: Place


@dataclass(frozen=True)
class Remarks:
    """The comments for one reflection: by criterion's letter, for it as a whole, and for any."""

    criteria: tuple[tuple[str, tuple[str, ...]], ...]
    whole: tuple[str, ...]
    general: tuple[str, ...]

    def of(self, letter: str) -> tuple[str, ...]:
        """The comments on one criterion."""
        return dict(self.criteria).get(letter, ())


@dataclass(frozen=True)
class _Entry:
    """What is written about one reflection."""

    item: str
    place: Place
    whole: tuple[_Comment, ...]
    criteria: tuple[tuple[str, Place, tuple[_Comment, ...]], ...]


class CommentBank:
    """All comments of the course."""

    def __init__(self, general: Sequence[_Comment] = (), entries: Sequence[_Entry] = ()) -> None:
        self._general, self._entries = tuple(general), tuple(entries)

    def of(self, item_id: str) -> Remarks:
        """The comments for one reflection."""
        mine = [e for e in self._entries if e.item == item_id]
        return Remarks(
            tuple((letter, _texts(found)) for e in mine for letter, _, found in e.criteria),
            tuple(text for e in mine for text in _texts(e.whole)),
            _texts(self._general),
        )

    def problems(self, reflections: Sequence[Item], broken: bool) -> Iterator[Diagnostic]:
        """E354–E355: entries that no reflection of the course, or none of its criteria, answers to.

        With ``broken`` some items could not be read, so that a missing one proves nothing.
        """
        known = {item.id: item for item in reflections}
        for entry in self._entries:
            item = known.get(entry.item)
            if item is None:
                if not broken:
                    hint = nearest(entry.item, known) or "核对题号，或删掉这一项"
                    yield entry.place.says("E354", f"课程里没有心得 {entry.item}", hint)
                continue
            letters = [e.letter for e in item.elements]
            for letter, place, _ in entry.criteria:
                if letter not in letters:
                    hint = f"可以写：{'、'.join(letters)}"
                    yield place.says("E355", f"{entry.item} 的评分细则里没有 {letter}", hint)


def _texts(comments: Sequence[_Comment]) -> tuple[str, ...]:
    return tuple(comment.text for comment in comments)


def parse_comments(parsed: TextFile) -> tuple[CommentBank, list[Diagnostic]]:
    """The bank, and what is wrong with its form: E104–E108, E353 double entry, E356 comment."""
    value, problems = read_yaml(parsed, (*_KEYS, *_ITEM_KEYS))
    if value is None:
        return CommentBank(), problems
    fields = Fields(value, _KEYS, problems, "评语库")
    general = _comments(fields.children("通用", required=False), problems)
    entries: list[_Entry] = []
    for child in fields.children("题目", required=False):
        entry = _entry(child, problems)
        if entry is None:
            continue
        first = next((e for e in entries if e.item == entry.item), None)
        if first:
            message = f"{entry.item} 写了两次，第一次在第 {first.place.line} 行"
            problems.append(entry.place.says("E353", message, "把两处合成一处"))
        else:
            entries.append(entry)
    return CommentBank(general, entries), problems


def _entry(value: Value, problems: list[Diagnostic]) -> _Entry | None:
    fields = Fields(value, _ITEM_KEYS, problems, "评语库的题目")
    item = fields.text("题号")
    criteria = tuple(
        (letter.upper(), place, _comments(_list(found, letter, problems), problems))
        for letter, (place, found) in fields.mapping("细则").items()
    )
    whole = _comments(fields.children("通用", required=False), problems)
    return _Entry(item, fields.at("题号"), whole, criteria) if item else None


def _list(value: Value, letter: str, problems: list[Diagnostic]) -> tuple[Value, ...]:
    if value.items is None:
        problems.append(value.place.says("E108", f"“{letter}”下面应是一列", "每条评语以 - 开头"))
    return value.items or ()


def _comments(values: Sequence[Value], problems: list[Diagnostic]) -> tuple[_Comment, ...]:
    """The comments of one list; E356 for one that is empty, too long, or there already."""
    found: list[_Comment] = []
    for value in values:
        text = re.sub(r"\s*\n\s*", "\n", value.text or "").strip()
        if value.text is None or not text:
            problems.append(value.place.says("E356", "这条评语没有文字", "写成一行文字，里面有冒号就加引号"))
        elif len(text) > _LONGEST:
            problems.append(value.place.says("E356", f"这条评语有 {len(text)} 字，太长了", f"改到 {_LONGEST} 字以内"))
        elif text in _texts(found):
            problems.append(value.place.says("E356", "这条评语写了两次", "删掉一条"))
        else:
            found.append(_Comment(text, value.place))
    return tuple(found)


def load_comments(course_dir: Path) -> CommentBank:
    """What can be used of course/comments.yaml; an empty bank when there is none.

    For reading while grading, when a slip in the file is no reason to show nothing.
    """
    path = course_dir / COMMENTS_NAME
    parsed, _ = read_text(path, display_name(course_dir, path))
    return parse_comments(parsed)[0] if parsed else CommentBank()
