"""The public part of a module: lesson.json.

This is the one place where an item crosses from the instructor's side to the learner's. A graded
item leaves here with its stem and options only; a practice item takes its feedback along.
"""

from __future__ import annotations

from typing import Any

from qinlian.core.files import LessonBlock, LessonFile, LessonTrack
from qinlian.core.identity import Identity
from qinlian.core.model import (
    CaseBlock,
    Course,
    Item,
    ItemBlock,
    Module,
    PracticeBlock,
    QuizBlock,
    ReflectionBlock,
    Track,
)
from qinlian.items.base import item_type
from qinlian.notebooks.markdown import render, render_inline

__all__ = ["lesson_bytes", "publish", "published_item"]


def _html(value: Any) -> Any:
    """The same structure with every ``text`` turned from Markdown into inline HTML, every ``prose`` into blocks."""
    if isinstance(value, dict):
        turned = {"text": render_inline, "prose": render}
        return {k: turned[k](v) if k in turned else _html(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_html(v) for v in value]
    return value


def _rule(course: Course, item: Item) -> str:
    return item.rule or course.default_rule(item.kind) or item_type(item.kind).rules[0]


def published_item(course: Course, item: Item, ids: Identity) -> dict[str, Any]:
    """What lesson.json says of one item; the key goes along for practice only."""
    kind = item_type(item.kind)
    public: dict[str, Any] = {
        "kind": kind.name,
        "label": kind.label,
        "stem": render(item.stem),
        "points": item.points,
        "difficulty": item.difficulty,
        **({} if item.stratum is None else {"stratum": item.stratum}),
        "topics": list(item.topics),
        "rule": _rule(course, item),
        **_html(kind.public(item, ids)),
    }
    variants = [item.model_copy(update={"variant": n}) for n in range(kind.variants(item))]
    if variants:
        # The learner's page is given one of them, laid over what is common to all.
        public["variants"] = [_html(kind.public(one, ids)) for one in variants]
    if item.use == "练习":
        public["practice"] = {
            **({} if variants else _solution(item, ids)),
            "explanation": render(ids.relettered(item, item.explanation)),
            "citations": list(item.citations),
        }
        for overlay, one in zip(public.get("variants", ()), variants, strict=True):
            overlay["practice"] = _solution(one, ids)
    return public


def _solution(item: Item, ids: Identity) -> dict[str, Any]:
    kind = item_type(item.kind)
    feedback = {pid: render_inline(text) for pid, text in kind.feedback(item, ids).items()}
    return {"key": kind.key(item, ids), **_html(kind.practice(item, ids)), "feedback": feedback}


def _item_block(item_id: str, ids: Identity) -> LessonBlock:
    return LessonBlock(kind="items", id=ids.of(item_id, "block"), items=(ids.of(item_id),))


def _title(module: Module, block: QuizBlock) -> str:
    """A quiz of one kind of activity is called by its name, a test of what is known already 摸底."""
    if not block.marked:
        return "摸底"
    kinds = {module.item(i).kind for i in block.pool}
    label = kinds.pop() if len(kinds) == 1 else ""
    return label if label and item_type(label).has_body else "测验"


def _blocks(module: Module, ids: Identity) -> list[LessonBlock]:
    blocks: list[LessonBlock] = []
    for block in module.blocks:
        if isinstance(block, ItemBlock):
            blocks.append(_item_block(block.item, ids))
        elif isinstance(block, CaseBlock):
            parts = module.case(block.case).parts
            blocks += [_item_block(part.item, ids) for part in parts if isinstance(part, ItemBlock)]
        elif isinstance(block, PracticeBlock):
            shown = tuple(ids.of(i) for i in block.items)
            blocks.append(LessonBlock(kind="items", id=block.id, title="练一练", items=shown))
        elif isinstance(block, QuizBlock):
            blocks.append(
                LessonBlock(
                    kind="quiz",
                    id=block.id,
                    title=_title(module, block),
                    items=tuple(sorted(ids.of(i) for i in block.pool)),
                    count=block.count,
                    attempts=block.attempts,
                    pass_mark=block.pass_mark,
                    points=block.points,
                    marked=block.marked,
                    whole=block.whole,
                    tracks=dict(block.tracks),
                    keep=block.keep,
                    reveal=block.reveal,
                )
            )
        elif isinstance(block, ReflectionBlock):
            item = module.item(block.item)
            blocks.append(
                LessonBlock(kind="reflection", id=item.id, title="写心得", items=(ids.of(item.id),), points=item.points)
            )
    return blocks


def _track(course: Course, module: Module, track: Track) -> LessonTrack:
    return LessonTrack(
        name=track.name,
        hours=track.hours,
        pass_mark=course.pass_mark if track.pass_mark is None else track.pass_mark,
        cases=tuple(case.title for case in module.cases if case.id in track.cases),
    )


def publish(course: Course, module: Module, ids: Identity) -> LessonFile:
    """The lesson file of one module. Items stand in the order of their public ids."""
    blocks = tuple(_blocks(module, ids))
    shown = {pid for block in blocks for pid in block.items}
    items = {ids.of(item.id): published_item(course, item, ids) for item in module.items}
    return LessonFile(
        course=course.id,
        course_title=course.title,
        course_subtitle=course.subtitle,
        module=module.id,
        title=module.title,
        hours=module.hours,
        due=module.due,
        objectives=module.objectives,
        pass_mark=course.pass_mark,
        tracks=tuple(_track(course, module, track) for track in course.tracks if module.id in track.modules),
        edition=ids.edition(module, course.rules),
        blocks=blocks,
        items={pid: items[pid] for pid in sorted(shown)},
    )


def lesson_bytes(lesson: LessonFile) -> bytes:
    """lesson.json as written to disk."""
    return (lesson.model_dump_json(by_alias=True, indent=1) + "\n").encode()
