"""What a block shows now: a pure function of the lesson, the answers and what the grader said.

The same records feed the notebook's widget and any page of ours that supplies its own model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qinlian.core.drawing import draw, draw_variant, for_track
from qinlian.core.files import AnswerFile, LessonBlock, LessonFile, QuizResult, ReflectionResult, ResultFile
from qinlian.quiz.due import Due

__all__ = [
    "BlockState",
    "Standing",
    "attempt_of",
    "block_state",
    "can_retake",
    "digest",
    "filled",
    "open_quizzes",
    "quiz_phase",
    "started_quizzes",
]


@dataclass(frozen=True)
class Standing:
    """Who the learner is and what has been submitted and graded so far.

    ``submitted`` is the time of the newest submission. ``attempts`` is what the answers.json of the one that stands
    said of attempts and ``handed_in`` what it answered, public id → ``digest``; None where nobody can tell any more.
    ``result`` is the newest result there is and ``graded`` the time of the submission it belongs to. ``refusal``
    is there when the newest submission was refused; it counts for nothing but its notes. ``classroom`` is False
    when this notebook is opened where nothing can be submitted. ``due`` is the learner's own due date, None where
    nobody but the lesson says.
    """

    learner: str = ""
    submitted: datetime | None = None
    attempts: dict[str, int] = field(default_factory=dict)
    handed_in: Mapping[str, str] | None = None
    graded: datetime | None = None
    result: ResultFile | None = None
    refusal: ResultFile | None = None
    classroom: bool = False
    due: Due | None = None

    @property
    def waiting(self) -> bool:
        """True while the newest submission is neither graded nor refused."""
        return self.taken is not None and self.taken != self.graded

    @property
    def taken(self) -> datetime | None:
        """The time of the newest submission that stands: what was refused might never have been sent."""
        return self.graded if self.refusal else self.submitted

    @property
    def came(self) -> datetime | None:
        """When that submission came: by the grader's clock once it is graded, for that is what counts."""
        if self.result is not None and self.taken is not None and self.taken == self.graded:
            try:
                return datetime.fromisoformat(self.result.submitted_at).astimezone(UTC)
            except ValueError:
                return self.taken
        return self.taken


@dataclass(frozen=True)
class BlockState:
    """The widget's traits for one block (docs/architecture.md, The widget's model)."""

    block: dict[str, Any]
    items: dict[str, Any]
    answers: dict[str, Any]
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    phase: str = "open"
    context: dict[str, Any] = field(default_factory=dict)


def _quiz_result(standing: Standing, quiz: str) -> QuizResult | None:
    return standing.result.quizzes.get(quiz) if standing.result else None


def attempt_of(quiz: str, answers: AnswerFile, standing: Standing) -> int:
    """The attempt in progress or last made, from 1.

    Once the grader has numbered an attempt, its number is the truth: the file may name the same one or
    the next, and a file that was lost or edited is brought back to it.
    """
    named = max(1, answers.attempts.get(quiz, 1))
    graded = _quiz_result(standing, quiz)
    return min(max(named, graded.attempt), graded.attempt + 1) if graded else named


def quiz_phase(quiz: str, answers: AnswerFile, standing: Standing) -> str:
    """``open``, ``submitted`` (the waiting submission carries this attempt) or ``graded``."""
    graded, attempt = _quiz_result(standing, quiz), attempt_of(quiz, answers, standing)
    if graded and graded.attempt >= attempt:
        return "graded"
    return "submitted" if standing.waiting and standing.attempts.get(quiz, 1) >= attempt else "open"


def can_retake(block: LessonBlock, answers: AnswerFile, standing: Standing) -> bool:
    """True when the learner may begin another attempt at this quiz now."""
    graded = _quiz_result(standing, block.id)
    return (
        graded is not None
        and not standing.waiting
        and not graded.final
        and graded.attempt < block.attempts
        and quiz_phase(block.id, answers, standing) == "graded"
    )


def _drawn(lesson: LessonFile, block: LessonBlock, answers: AnswerFile, standing: Standing) -> tuple[str, ...]:
    attempt = attempt_of(block.id, answers, standing)
    graded = _quiz_result(standing, block.id)
    if graded and graded.attempt == attempt and graded.drawn:
        return tuple(item for item in graded.drawn if item in lesson.items)
    pool = ((item, _stratum(lesson.items[item])) for item in block.items)
    return draw(
        edition=lesson.edition,
        quiz=block.id,
        learner=standing.learner,
        attempt=attempt,
        pool=sorted(for_track(pool, block.tracks, answers.track)),
        count=block.count,
        seen=graded.seen if graded and attempt > 1 else (),
    )


def _stratum(item: dict[str, Any]) -> int:
    return int(item.get("stratum", item["difficulty"]))


def _shown_item(lesson: LessonFile, block: LessonBlock, item: str, attempt: int, standing: Standing) -> dict[str, Any]:
    """A published item as this learner sees it: of its variants the one that is theirs."""
    published: dict[str, Any] = lesson.items[item]
    if "variants" not in published:
        return published
    graded = _quiz_result(standing, block.id)
    if graded and graded.attempt == attempt and item in graded.variants:
        number = graded.variants[item]
    else:
        number = draw_variant(
            edition=lesson.edition,
            block=block.id,
            learner=standing.learner,
            attempt=attempt,
            item=item,
            count=len(published["variants"]),
        )
    # A lesson brought up to date may have fewer than the one that was graded.
    own = published["variants"][number % len(published["variants"])]
    shown: dict[str, Any] = {name: value for name, value in published.items() if name != "variants"} | own
    if "practice" in own:
        shown["practice"] = published["practice"] | own["practice"]
    return shown


def _gone(lesson: LessonFile, block: LessonBlock, answers: AnswerFile, standing: Standing) -> int:
    """How many graded questions of the attempt shown the lesson does not have any more."""
    graded = _quiz_result(standing, block.id)
    if graded is None or graded.attempt != attempt_of(block.id, answers, standing):
        return 0
    return sum(item not in lesson.items for item in graded.drawn)


def digest(value: Any) -> str:
    """What tells an answer from another, for the same one always the same."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def filled(value: Any) -> bool:
    """True when an answer says anything."""
    if isinstance(value, dict):
        return any(str(v).strip() for v in value.values())
    return bool(value.strip() if isinstance(value, str) else value)


def open_quizzes(lesson: LessonFile, answers: AnswerFile, standing: Standing) -> tuple[LessonBlock, ...]:
    """The quizzes that can be answered now."""
    return tuple(b for b in lesson.blocks if b.kind == "quiz" and quiz_phase(b.id, answers, standing) == "open")


def started_quizzes(lesson: LessonFile, answers: AnswerFile, standing: Standing) -> tuple[LessonBlock, ...]:
    """The open quizzes with something answered: a submission uses their attempt up."""
    return tuple(
        block
        for block in open_quizzes(lesson, answers, standing)
        if any(_answered(answers, item) for item in _drawn(lesson, block, answers, standing))
    )


def _answered(answers: AnswerFile, item: str) -> bool:
    return item in answers.answers and filled(answers.answers[item].value)


def _others(
    lesson: LessonFile, block: LessonBlock, answers: AnswerFile, standing: Standing
) -> list[dict[str, str | int]]:
    """What else a submission would hand in unfinished: the module goes in as a whole."""
    found: list[dict[str, str | int]] = []
    for other in lesson.blocks:
        if other.id == block.id or other.kind == "items":
            continue
        if other.kind == "quiz" and quiz_phase(other.id, answers, standing) != "open":
            continue
        items = _drawn(lesson, other, answers, standing) if other.kind == "quiz" else other.items
        blank = sum(not _answered(answers, item) for item in items)
        found.append({"id": other.id, "kind": other.kind, "title": other.title, "blank": blank, "total": len(items)})
    return found


def _rewritten(item: str, answers: AnswerFile, standing: Standing) -> bool:
    """True when what was handed in of an item is not what stands there now.

    Told by what it says and not by when: another device may bring an older change long afterwards.
    """
    if standing.handed_in is None:
        return False
    now = digest(answers.answers[item].value) if _answered(answers, item) else None
    return now != standing.handed_in.get(item)


def _reflection_phase(item: str, answers: AnswerFile, standing: Standing, result: ReflectionResult | None) -> str:
    if standing.taken is None or _rewritten(item, answers, standing):
        return "open"
    if standing.waiting or (result and result.state == "待评阅"):
        return "submitted" if _answered(answers, item) else "open"
    return "graded" if result and result.state == "已评阅" else "open"


def _changed(item: str, answers: AnswerFile, standing: Standing) -> bool:
    """True when a reflection was handed in and its text is another one now."""
    result = standing.result.reflections.get(item) if standing.result else None
    read = result is not None and result.state in ("待评阅", "已评阅")
    before = read or (standing.waiting and item in (standing.handed_in or {}))
    return before and _answered(answers, item) and _reflection_phase(item, answers, standing, result) == "open"


def block_state(
    lesson: LessonFile,
    answers: AnswerFile,
    block: LessonBlock,
    standing: Standing,
    notes: Mapping[str, dict[str, str]] | None = None,
    *,
    now: datetime | None = None,
) -> BlockState:
    """Everything the widget of ``block`` needs, in plain JSON values; ``notes`` are the learner's own, by item.

    ``now`` (aware) decides whether the due date is over; without it nobody asks.
    """
    shown = _drawn(lesson, block, answers, standing) if block.kind == "quiz" else block.items
    part: QuizResult | ReflectionResult | None = None
    attempt, phase = 1, "open"
    if block.kind == "quiz":
        part = _quiz_result(standing, block.id)
        attempt, phase = attempt_of(block.id, answers, standing), quiz_phase(block.id, answers, standing)
    elif block.kind == "reflection":
        part = standing.result.reflections.get(block.items[0]) if standing.result else None
        phase = _reflection_phase(block.items[0], answers, standing, part)
    whole = standing.result
    result: dict[str, Any] = {}
    if whole and part:
        # A reflection has a state of its own, which is the one to show there.
        result = {"state": whole.state, "submitted_at": whole.submitted_at, "late": whole.late}
        result |= {"notes": list(whole.notes), **part.model_dump(mode="json")}
    return BlockState(
        block=block.model_dump(mode="json") | {"items": list(shown)},
        items={item: _shown_item(lesson, block, item, attempt, standing) for item in shown},
        answers={item: answers.answers[item].value for item in shown if item in answers.answers},
        notes={item: notes[item] for item in shown if item in notes} if notes else {},
        result=result,
        attempt=attempt,
        phase=phase,
        context=_context(lesson, answers, block, standing, now),
    )


def _context(
    lesson: LessonFile, answers: AnswerFile, block: LessonBlock, standing: Standing, now: datetime | None
) -> dict[str, Any]:
    due = standing.due or Due(lesson.due)
    return {
        "course": lesson.course,
        "module": lesson.module,
        "edition": lesson.edition,
        "due": due.at.isoformat() if due.at else "",
        "extended": due.extended,
        "overdue": now is not None and due.passed(now),
        "classroom": standing.classroom,
        "submitted_at": standing.came.isoformat() if standing.came else "",
        "refused": list(standing.refusal.notes) if standing.refusal else [],
        "gone": _gone(lesson, block, answers, standing),
        "changed": block.kind == "reflection" and _changed(block.items[0], answers, standing),
        "can_retake": block.kind == "quiz" and can_retake(block, answers, standing),
        "others": [] if block.kind == "items" else _others(lesson, block, answers, standing),
        "waiting": standing.waiting,
    }
