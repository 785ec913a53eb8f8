"""What a grade cell shows of a quiz: for the learner's feedback page, and so for formgrader too.

It says no more than the quiz's rule lets the learner see at that moment. Only tags that nbconvert's
sanitizer keeps are used, and whatever a learner wrote is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from qinlian.core.model import Item
from qinlian.grading.editions import Edition
from qinlian.grading.grades import ItemGrade, QuizGrade, SubmissionGrade
from qinlian.items.base import item_type, letter_at
from qinlian.notebooks.markdown import render_inline

__all__ = ["explain", "summary", "topics_to_review"]

_TEMPLATES = Path(__file__).parent / "templates"
_REMEMBERED = 10_000


@cache
def _template(name: str) -> Any:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = _number
    return environment.get_template(f"{name}.html.j2")


def _number(value: float) -> str:
    return f"{round(value, 2):g}"


def topics_to_review(edition: Edition, items: tuple[ItemGrade, ...]) -> tuple[str, ...]:
    """Topics of the items that did not earn full marks, in the order of the draw."""
    found: dict[str, None] = {}
    for grade in items:
        item = edition.items.get(grade.public_id)
        if item is not None and grade.fraction < 1:
            found.update(dict.fromkeys(item.topics))
    return tuple(found)


def summary(grade: QuizGrade) -> str:
    """The same in one line of text, for readers without HTML."""
    if grade.shown is None:
        return f"测验 {grade.quiz.id}：未作答"
    score, counted = _number(grade.shown.score), _number(grade.counted)
    if not grade.quiz.marked:
        return f"摸底 {grade.quiz.id}：得 {score} 分（满分 {_number(grade.quiz.points)} 分），不计入成绩"
    return f"测验 {grade.quiz.id}：第 {grade.shown.number} 次得 {score} 分，计入成绩 {counted} 分"


class _Wording:
    """Items of one edition in words; what does not depend on a learner is worded once."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._texts: dict[str, dict[Any, str]] = {}
        self._fixed: dict[tuple[str, int | None], dict[str, Any]] = {}
        self._rows: dict[tuple[str, int | None, str, float], Markup] = {}

    def _labels(self, item: Item) -> dict[Any, str]:
        """Public id → what the learner saw there."""
        if item.id not in self._texts:
            kind, ids = item_type(item.kind), self._edition.ids
            public = kind.public(item, ids)
            lettered = kind.name in ("single", "multiple", "ordering")
            found: dict[Any, str] = {}
            for place, option in enumerate(public.get("options", ())):
                letter = f"{letter_at(place)}. " if lettered else ""
                found[option["id"]] = letter + option["text"]
            for entry in (*public.get("left", ()), *public.get("right", ())):
                found[entry["id"]] = entry["text"]
            for place, blank in enumerate(public.get("blanks", ()), start=1):
                found[blank] = f"第 {place} 空"
            self._texts[item.id] = found
        return self._texts[item.id]

    def value(self, item: Item, value: Any) -> str:
        """A cleaned value (or a key) in plain words."""
        if value is not None and item_type(item.kind).has_body:
            return item_type(item.kind).spoken(item, self._edition.ids, value)
        labels = self._labels(item)
        if value is None:
            return "（未作答）"
        if isinstance(value, str):
            return str(labels.get(value, value))
        if isinstance(value, list):
            joint = " → " if item_type(item.kind).name == "ordering" else "；"
            ordered = value if joint == " → " else sorted(value)
            return joint.join(str(labels.get(v, v)) for v in ordered)
        return "；".join(f"{labels.get(k, k)}：{labels.get(v, v)}" for k, v in value.items())

    def fixed(self, item: Item) -> dict[str, Any]:
        """The parts of one item that are the same for everybody."""
        which = (item.id, item.variant)
        if which not in self._fixed:
            ids, kind = self._edition.ids, item_type(item.kind)
            key = kind.spoken_key(item, ids) if kind.has_body else self.value(item, kind.key(item, ids))
            self._fixed[which] = {
                "stem": list(_lines(item.stem)),
                "key": key,
                "explanation": list(_lines(ids.relettered(item, item.explanation))),
                "citations": "；".join(item.citations),
            }
        return self._fixed[which]

    def row(self, grade: ItemGrade) -> Markup | None:
        """One item as a row of the table; None when this edition does not have it."""
        if not self._edition.knows(grade.public_id, grade.variant):
            return None
        item = self._edition.item(grade.public_id, grade.variant)
        answer = self.value(item, grade.value)
        key = (grade.public_id, grade.variant, answer, grade.fraction)
        if key not in self._rows:
            if len(self._rows) >= _REMEMBERED:
                self._rows.clear()
            parts = {
                "answer": answer,
                "verdict": item_type(item.kind).verdict(grade.fraction, grade.answered),
                "percent": grade.fraction * 100,
            }
            self._rows[key] = Markup(_template("grade_row").render(**self.fixed(item), **parts))
        return self._rows[key]


def _lines(markdown: str) -> Iterator[Markup]:
    # Line by line inline: a table's cell has no room for headings and lists.
    for line in markdown.splitlines():
        if line.strip():
            yield Markup(render_inline(line.strip()))


@lru_cache(maxsize=64)
def _wording(edition: Edition) -> _Wording:
    return _Wording(edition)


def explain(submission: SubmissionGrade, grade: QuizGrade) -> str:
    """HTML about one quiz of a graded submission, as far as its rule allows now."""
    edition = submission.edition
    wording = _wording(edition)
    shown = grade.shown
    rows = [wording.row(item) for item in shown.items] if shown and grade.revealed else []
    return str(
        _template("grade_cell").render(
            grade=grade,
            shown=shown,
            notes=submission.notes,
            topics="、".join(topics_to_review(edition, shown.items)) if shown else "",
            rows=[row for row in rows if row],
        )
    )
