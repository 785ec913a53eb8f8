"""What an item knows beyond its words, as labels (``难度:2``): tags in Moodle and GIFT, keywords in QTI."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qinlian.authoring.structure import parse_points, parse_words, split_list
from qinlian.authoring.textfile import visible
from qinlian.authoring.writer import number_text
from qinlian.core.model import Item

__all__ = ["LONGEST_LABEL", "Known", "labels_of", "read_labels"]

LONGEST_LABEL = 50
"""Characters that Moodle keeps of a tag."""
_OURS = ("用途", "难度", "知识点", "对象", "计分", "字数", "分值", "选项", "次序")
_LABEL = re.compile(rf"\s*({'|'.join(_OURS)})\s*[:：]\s*(.*\S)\s*", re.DOTALL)
_UNFIT = re.compile(r'["“”„＂{}｛｝=＝<>`\x00-\x1f]')


@dataclass
class Known:
    """What the labels of one question say; ``odd`` are those of ours that could not be read."""

    values: dict[str, str] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """True when this question was written by this program."""
        return bool(self.values)

    @property
    def difficulty(self) -> int | None:
        return int(self.values["难度"]) if "难度" in self.values else None

    @property
    def words(self) -> tuple[int, int] | None:
        return parse_words(self.values["字数"]) if "字数" in self.values else None

    @property
    def points(self) -> float | None:
        return parse_points(self.values["分值"]) if "分值" in self.values else None


def labels_of(item: Item, letters: str, order: str, *, points: bool) -> tuple[str, ...]:
    """The labels of an item. ``letters`` are those of its lines as the format will hold them, ``order`` those in
    the author's order where it is another; ``points`` when the format has no place of its own for them."""
    found = [("用途", item.use), ("难度", str(item.difficulty))]
    found += [("知识点", topic) for topic in item.topics]
    found += [("对象", track) for track in item.audience]
    found += [("计分", item.rule)] if item.rule else []
    found += [("字数", f"{item.words[0]}-{item.words[1]}")] if item.words else []
    found += [("分值", number_text(item.points))] if points else []
    found += [("选项", letters)] if letters else []
    found += [("次序", order)] if order else []
    return tuple(f"{name}:{value}" for name, value in found)


def read_labels(labels: Iterable[str]) -> Known:
    """Labels apart: ours by name, all others are topics."""
    known = Known()
    topics: list[str] = []
    audience: list[str] = []
    odd: list[str] = []
    for label in map(visible, labels):
        found = _LABEL.fullmatch(label)
        name, value = (found[1], found[2]) if found else ("知识点", label.strip())
        if name == "知识点":
            topics += split_list(_UNFIT.sub("", value) if not found else value)
        elif name == "对象":
            audience += split_list(value)
        elif name in known.values or not _fits(name, value):
            odd.append(label)
        else:
            known.values[name] = value
    known.topics, known.audience = tuple(dict.fromkeys(topics)), tuple(dict.fromkeys(audience))
    known.odd = tuple(odd)
    return known


def _fits(name: str, value: str) -> bool:
    match name:
        case "用途":
            return value in ("练习", "测验", "心得")
        case "难度":
            return value in ("1", "2", "3")
        case "字数":
            return parse_words(value) is not None
        case "分值":
            return parse_points(value) is not None
        case "选项" | "次序":
            return re.fullmatch("[A-Z]{1,26}", value) is not None and len(set(value)) == len(value)
    return True
