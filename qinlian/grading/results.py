"""What the learner may see of a graded submission: one small JSON under an unguessable name.

Everything in it is computed anew from the kept submission, the responses and nbgrader's grades, so
that writing it again at any time is right: after a mark was given, or when the module has closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from qinlian.atomic import replace_file
from qinlian.core.files import ItemResult, QuizResult, ReflectionResult, ResultFile, result_name
from qinlian.core.scoring import plain_score
from qinlian.database import retrying, writing
from qinlian.grading.assess import Assessment, assess, cell_points, past_of
from qinlian.grading.editions import Edition
from qinlian.grading.explain import topics_to_review
from qinlian.grading.folders import close_to_listing
from qinlian.grading.grades import ItemGrade, QuizGrade, ReflectionGrade
from qinlian.grading.intake import Intake, Refusal
from qinlian.grading.late import late_note
from qinlian.grading.responses import mark_released, open_engine
from qinlian.grading.setting import Setting
from qinlian.grading.shelf import Parcel
from qinlian.grading.submission import read_submission
from qinlian.grading.tables import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    GRADE,
    STUDENT,
    SUBMITTED_ASSIGNMENT,
    SUBMITTED_NOTEBOOK,
)
from qinlian.items.base import item_type
from qinlian.notebooks.markdown import render, render_inline

__all__ = [
    "Mark",
    "Marks",
    "marks_of",
    "publish_results",
    "result_of",
    "tell_refused",
    "write_refusal",
    "write_result",
]


@dataclass(frozen=True)
class Mark:
    """One grade cell as it stands in the gradebook. ``comment`` is the instructor's own."""

    score: float
    waiting: bool
    comment: str = ""


@dataclass(frozen=True)
class Marks:
    """All grade cells of one learner's submission to one module, and the penalty for being late.

    ``handed_in`` is when, in UTC without a zone.
    """

    cells: Mapping[str, Mark] = field(default_factory=dict)
    penalty: float = 0.0
    handed_in: datetime | None = None

    @property
    def score(self) -> float:
        """What nbgrader reports: the sum less the penalty, never below zero."""
        return max(0.0, round(sum(m.score for m in self.cells.values()) - self.penalty, 2))

    @property
    def waiting(self) -> bool:
        """True while somebody still has to give a mark."""
        return any(m.waiting for m in self.cells.values())


def marks_of(connection: Connection, module: str, learners: Sequence[str] | None = None) -> dict[str, Marks]:
    """Learner → marks in one module, for the learners named (all without)."""
    # Joined by hand: nbgrader's tables are described, not mapped, in ``tables``.
    query = (
        select(
            SUBMITTED_ASSIGNMENT.c.student_id,
            SUBMITTED_ASSIGNMENT.c.timestamp,
            BASE_CELL.c.name,
            func.coalesce(GRADE.c.manual_score, GRADE.c.auto_score, 0.0).label("score"),
            func.coalesce(GRADE.c.extra_credit, 0.0).label("extra"),
            GRADE.c.needs_manual_grade,
            COMMENT.c.manual_comment,
            func.coalesce(SUBMITTED_NOTEBOOK.c.late_submission_penalty, 0.0).label("penalty"),
        )
        .select_from(ASSIGNMENT)
        .join(SUBMITTED_ASSIGNMENT, SUBMITTED_ASSIGNMENT.c.assignment_id == ASSIGNMENT.c.id)
        .join(STUDENT, STUDENT.c.id == SUBMITTED_ASSIGNMENT.c.student_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED_ASSIGNMENT.c.id)
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .join(BASE_CELL, BASE_CELL.c.id == GRADE.c.cell_id)
        .where(ASSIGNMENT.c.name == module)
    )
    # A comment hangs on the solution cell, which has a row of its own under the same name.
    solution = BASE_CELL.alias("solution")
    query = query.outerjoin(
        solution,
        (solution.c.notebook_id == BASE_CELL.c.notebook_id)
        & (solution.c.name == BASE_CELL.c.name)
        & (solution.c.type == "SolutionCell"),
    ).outerjoin(COMMENT, (COMMENT.c.notebook_id == SUBMITTED_NOTEBOOK.c.id) & (COMMENT.c.cell_id == solution.c.id))
    if learners is not None:
        query = query.where(SUBMITTED_ASSIGNMENT.c.student_id.in_(list(learners)))
    cells: dict[str, dict[str, Mark]] = {}
    rest: dict[str, tuple[float, datetime | None]] = {}
    for row in connection.execute(query):
        mark = Mark(float(row.score) + float(row.extra), bool(row.needs_manual_grade), row.manual_comment or "")
        cells.setdefault(row.student_id, {})[row.name] = mark
        rest[row.student_id] = float(row.penalty), row.timestamp
    return {learner: Marks(found, *rest[learner]) for learner, found in cells.items()}


# A class chooses among the same few explanations, and rendering one takes a millisecond.
_html = lru_cache(maxsize=2048)(render)
_html_inline = lru_cache(maxsize=8192)(render_inline)


def _item_result(edition: Edition, grade: ItemGrade) -> ItemResult:
    item = edition.item(grade.public_id, grade.variant)
    kind, ids = item_type(item.kind), edition.ids
    return ItemResult(
        item=grade.public_id,
        answered=grade.answered,
        fraction=grade.fraction,
        value=grade.value,
        key=kind.key(item, ids),
        feedback={pid: _html_inline(text) for pid, text in kind.feedback(item, ids).items()},
        explanation=_html(ids.relettered(item, item.explanation)) if item.explanation else "",
        citations=item.citations,
    )


def _quiz_result(edition: Edition, grade: QuizGrade) -> QuizResult | None:
    """The newest counted attempt at a quiz, as far as its rule allows; None before the first."""
    shown = grade.shown
    if shown is None:
        return None
    known = [i for i in shown.items if edition.knows(i.public_id, i.variant)]
    return QuizResult(
        attempt=shown.number,
        attempts=grade.quiz.attempts,
        score=shown.score,
        counted=grade.counted,
        points=grade.quiz.points,
        keep=grade.quiz.keep,
        passed=grade.passed,
        final=grade.final,
        revealed=grade.revealed,
        seen=grade.seen,
        drawn=tuple(i.public_id for i in shown.items),
        variants={i.public_id: i.variant for i in shown.items if i.variant is not None},
        topics=topics_to_review(edition, shown.items),
        items=tuple(_item_result(edition, i) for i in known) if grade.revealed else (),
    )


def _reflection_result(grade: ReflectionGrade, mark: Mark | None) -> ReflectionResult:
    points = grade.item.points
    state: Literal["待评阅", "已评阅", "未作答"] = "已评阅"
    if mark is None or mark.waiting:
        state = "待评阅" if grade.text is not None else "未作答"
    elif grade.text is None and not mark.comment and not mark.score:
        state = "未作答"
    score = plain_score(mark.score, points) if mark is not None and state == "已评阅" else None
    comment = mark.comment if mark is not None else ""
    return ReflectionResult(state=state, score=score, points=points, comment=comment)


def result_of(
    done: Assessment, marks: Marks, *, max_score: float, graded_at: datetime, on_time: bool = False
) -> ResultFile:
    """The result of one assessed submission; ``on_time``: the learner handed in another before the due date."""
    grade = done.grade
    late = [late_note(round(marks.penalty, 2), on_time=on_time)] if grade.late else []
    edition = grade.edition
    quizzes = {q.quiz.id: _quiz_result(edition, q) for q in grade.quizzes}
    submitted = done.submission.submitted_at or done.first_seen
    return ResultFile(
        course=edition.course_id,
        module=grade.module,
        edition=edition.edition,
        submitted_at=submitted.astimezone(UTC).isoformat(timespec="seconds"),
        graded_at=graded_at.astimezone(UTC).isoformat(timespec="seconds"),
        late=grade.late,
        score=marks.score,
        max_score=max_score,
        state="待评阅" if marks.waiting else "已评分",
        notes=(*late, *grade.notes),
        quizzes={quiz_id: found for quiz_id, found in quizzes.items() if found is not None},
        reflections={r.public_id: _reflection_result(r, marks.cells.get(r.item.id)) for r in grade.reflections},
    )


def write_result(folder: Path, secret: str, result: ResultFile) -> bool:
    """Write a result where only the learner can find it; False when nothing but the time would change.

    The folder can be entered and not listed; the file appears whole.
    """
    close_to_listing(folder)
    target = folder / result_name(secret)
    try:
        old = ResultFile.model_validate_json(target.read_bytes())
    except (OSError, ValidationError):
        old = None
    if old is not None and old.model_copy(update={"graded_at": result.graded_at}) == result:
        return False
    replace_file(target, result.model_dump_json(by_alias=True).encode(), sync=False)
    return True


def publish_results(setting: Setting, course_dir: Path, parcels: Sequence[Parcel]) -> list[Parcel]:
    """Write the results of graded submissions to one module; returns those whose result is new.

    Of several submissions of one learner only the newest gets a result, which speaks of all.
    """
    if not parcels:
        return []
    module = parcels[0].arrival.module
    newest = {p.arrival.learner: p for p in sorted(parcels, key=lambda p: p.order)}
    now = datetime.now(UTC)
    engine = open_engine(setting.db_url)
    read = {p.arrival.folder: read_submission(p.kept, p.arrival.learner, module) for p in parcels}
    with engine.connect() as connection:
        past = past_of(connection, module, list(read.values()))
        points = cell_points(connection, module)
        marks = marks_of(connection, module, list(newest) if len(newest) < 400 else None)
    written = []
    for learner, parcel in newest.items():
        done = assess(read[parcel.arrival.folder], past, course_dir, now, points)
        result = result_of(
            done,
            marks.get(learner, Marks()),
            max_score=sum(points.values()),
            graded_at=now,
            on_time=any(not a.late for a in past.attempts.get(learner, {}).values()),
        )
        if write_result(setting.results, parcel.secret, result):
            written.append(parcel)
    out = datetime.now(UTC)

    def mark() -> None:
        with writing(engine) as connection:
            for submission in read.values():
                mark_released(connection, submission.identity, out)

    retrying(mark)
    return written


def write_refusal(setting: Setting, refusal: Refusal) -> None:
    """Tell who sent a refused submission why. Says nothing of anybody's grades."""
    arrival = refusal.arrival
    with open_engine(setting.db_url).connect() as connection:
        points = cell_points(connection, arrival.module)
    result = ResultFile(
        course=setting.course_id,
        module=arrival.module,
        edition="",
        submitted_at=(arrival.submitted_at or arrival.first_seen).isoformat(timespec="seconds"),
        graded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        score=0.0,
        max_score=sum(points.values()) or 100.0,
        state="拒收",
        notes=(refusal.reason,),
    )
    write_result(setting.results, refusal.secret, result)


def tell_refused(setting: Setting, intake: Intake) -> tuple[int, dict[tuple[str, str], list[str]]]:
    """Tell everybody whose submission was refused or put aside.

    Returns how many were refused, and what was put aside: (learner, module) → folders. These are told again the next
    time, as is whoever cannot be told now, until ``intake.arrivals.told`` is given them: what nbgrader shows in their
    place has to be graded first.
    """
    told: list[Refusal] = []
    for refusal in intake.refusals:
        try:
            if refusal.secret:
                write_refusal(setting, refusal)
            told.append(refusal)
        except (OSError, SQLAlchemyError):
            setting.log.exception("没有把提交 %s 未收的原因告诉提交的人，稍后再试", refusal.arrival.folder)
    parked: dict[tuple[str, str], list[str]] = {}
    for refusal in told:
        if refusal.arrival.state == "停放":
            parked.setdefault((refusal.arrival.learner, refusal.arrival.module), []).append(refusal.arrival.folder)
    refused = [r.arrival.folder for r in told if r.arrival.state != "停放"]
    if refused:
        intake.arrivals.told(refused)
    return sum(r.arrival.state == "拒收" for r in told), parked
