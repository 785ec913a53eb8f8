"""What the responses tables tell of earlier submissions, as grading the next one needs it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from qinlian.database import aware, chunks
from qinlian.grading.grades import ItemGrade, PastAttempt, PastQuiz
from qinlian.grading.late import Deadline, deadline
from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE

__all__ = ["Recorded", "histories", "misjudged"]


@dataclass(frozen=True)
class Recorded:
    """What is known of a submission that was recorded before."""

    number: int
    first_seen: datetime
    released_at: datetime | None


def histories(
    connection: Connection, module: str, learners: Sequence[str], due: Deadline
) -> tuple[dict[str, dict[str, PastAttempt]], dict[str, Recorded]]:
    """All recorded submissions of some learners to one module.

    Whether one is late follows from ``due`` as it is now, not from what was so when it was
    graded: an extension given afterwards makes an attempt count that was late before.
    Returns learner → identity → attempt, and identity → what was recorded of it.
    """
    attempts: dict[str, Any] = {}
    for part in chunks(learners):
        query = select(ATTEMPT).where(ATTEMPT.c.module == module, ATTEMPT.c.learner.in_(part))
        attempts |= {row.identity: row for row in connection.execute(query)}
    if not attempts:
        return {}, {}
    items: dict[tuple[str, str], list[tuple[int, ItemGrade]]] = defaultdict(list)
    quizzes: dict[str, list[Any]] = defaultdict(list)
    for part in chunks(list(attempts)):
        for row in connection.execute(select(RESPONSE).where(RESPONSE.c.attempt.in_(part), RESPONSE.c.quiz != "")):
            value, made = json.loads(row.value), (row.spoken, row.fraction, row.possible, row.problem)
            grade = ItemGrade(row.item, row.public_id, value, *made, variant=row.variant)
            items[row.attempt, row.quiz].append((row.place, grade))
        for row in connection.execute(select(QUIZ).where(QUIZ.c.attempt.in_(part))):
            quizzes[row.attempt].append(row)
    past: dict[str, dict[str, PastAttempt]] = defaultdict(dict)
    known: dict[str, Recorded] = {}
    for identity, row in attempts.items():
        past[row.learner][identity] = PastAttempt(
            number=row.number,
            late=due.seconds_late(row.learner, aware(row.submitted_at)) > 0,
            released_at=aware(row.released_at),
            quizzes=tuple(
                PastQuiz(
                    quiz=q.quiz,
                    state=q.state,
                    number=q.number,
                    draw=q.draw,
                    score=q.score,
                    points=q.points,
                    items=tuple(g for _, g in sorted(items[identity, q.quiz], key=lambda pair: pair[0])),
                )
                for q in quizzes[identity]
            ),
        )
        known[identity] = Recorded(row.number, row.first_seen.replace(tzinfo=UTC), aware(row.released_at))
    return dict(past), known


def misjudged(connection: Connection, module: str) -> set[str]:
    """Learners of whom an attempt was graded as late and no longer is, or the other way round.

    So it is after a due date was moved or an extension given; grading those learners again sets it right.
    """
    query = select(ATTEMPT.c.learner, ATTEMPT.c.submitted_at, ATTEMPT.c.late).where(ATTEMPT.c.module == module)
    rows = list(connection.execute(query))
    due = deadline(connection, module, sorted({row.learner for row in rows}))
    return {r.learner for r in rows if (due.seconds_late(r.learner, aware(r.submitted_at)) > 0) != r.late}
