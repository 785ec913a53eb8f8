"""What the course holds, as frames to join the others with. Confidential: ``options`` is the key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from qinlian.core.identity import Identity
from qinlian.core.model import Course, Module, Track
from qinlian.database import naive
from qinlian.items.base import item_type
from qinlian.reports.frames.columns import moments

__all__ = ["items", "modules", "options", "taken", "track_named"]

CHOICE = ("单选", "多选", "判断")
"""Kinds of items whose answer is one option, or some."""


def modules(course: Course) -> pd.DataFrame:
    """One row a module, in the order of the course.

    - module: str, the id; title: str
    - place: int, from 0
    - hours: float, 学时 that it counts once it is passed
    - max_score: float, points of its quizzes and reflections together
    - due: moment, as the course has it. A learner's own due date may be later
    """
    rows = [(m.id, m.title, place, m.hours, m.max_score) for place, m in enumerate(course.modules)]
    table = _frame(rows, {"module": "str", "title": "str", "place": "int64"}, "hours", "max_score")
    dues = [naive(m.due) for m in course.modules]
    return table.assign(due=moments(dues))


def track_named(course: Course, name: str) -> Track | None:
    """The track that a learner of the roster is of; None for no name, and for one that is none of the course's."""
    return next((track for track in course.tracks if track.name == name), None)


def taken(course: Course, track: str) -> tuple[tuple[Module, ...], float]:
    """The modules that a learner of that track takes, and the pass mark in percent; all, where it is none."""
    chosen = track_named(course, track)
    if chosen is None:
        return course.modules, course.pass_mark
    mine = tuple(module for module in course.modules if module.id in chosen.modules)
    return mine, course.pass_mark if chosen.pass_mark is None else chosen.pass_mark


def items(course: Course) -> pd.DataFrame:
    """One row an item, in the order of the course; what a quiz over all modules borrows stands where it was written.

    - item: str; module: str, where it was written (a response's ``module`` is where it was answered)
    - kind: str, 单选 …; stem: str, Markdown
    - difficulty: int, 1 to 3; points: float, its weight in a draw
    - topics, citations: tuple of str
    - use: str, 练习, 测验 or 心得
    """
    rows = [
        (i.id, module.id, i.kind, i.stem, i.difficulty, i.points, i.topics, i.citations, i.use)
        for module in course.modules
        for i in module.own_items
    ]
    names = ("item", "module", "kind", "stem", "difficulty", "points", "topics", "citations", "use")
    types = dict.fromkeys(names, "str") | {"difficulty": "int64", "points": "float64"}
    return _frame(rows, types | {"topics": "object", "citations": "object"})


def options(course: Course, ids: Identity) -> pd.DataFrame:
    """One row an option of a 单选, 多选 or 判断: what a response's ``value`` is made of. This is the answer key.

    - item: str; option: str, the letter as its author wrote it (对 or 错 of a 判断)
    - public_id: str, as it stands in a response's ``value``, where ``ids`` were those of the release
    - correct: bool; text: str, Markdown
    - place: int, from 0, where learners see it in the list
    """
    rows = []
    for module in course.modules:
        for item in module.own_items:
            if item.kind not in CHOICE:
                continue
            shown = [option["id"] for option in item_type(item.kind).public(item, ids)["options"]]
            for element in item.elements:
                public_id = ids.of(item.id, element.letter)
                row = (item.id, element.letter, public_id, element.mark == "x", element.text, shown.index(public_id))
                rows.append(row)
    types = dict.fromkeys(("item", "option", "public_id", "correct", "text", "place"), "str")
    return _frame(rows, types | {"correct": "bool", "place": "int64"})


def _frame(rows: Sequence[tuple[Any, ...]], types: dict[str, str], *numbers: str) -> pd.DataFrame:
    types = types | dict.fromkeys(numbers, "float64")
    return pd.DataFrame(rows, columns=list(types)).astype(types)
