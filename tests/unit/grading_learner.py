"""A learner who hands in again and again, graded without a classroom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from qinlian.core.drawing import draw
from qinlian.core.files import Answer, AnswerFile
from qinlian.core.model import QuizBlock
from qinlian.errors import AnswersError
from qinlian.grading.editions import Edition, edition_of
from qinlian.grading.grades import PastAttempt, PastQuiz, QuizGrade, SubmissionGrade
from qinlian.grading.score import grade
from qinlian.items.base import item_type
from tests.sample import COURSE, IDS, MODULE

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
QUIZ = "90-exam"


def edition(**policy: Any) -> Edition:
    """The sample module with another policy for its quiz."""
    blocks = tuple(b.model_copy(update=policy) if isinstance(b, QuizBlock) else b for b in MODULE.blocks)
    module = MODULE.model_copy(update={"blocks": blocks})
    return edition_of(COURSE.model_copy(update={"modules": (module,)}), module, IDS)


@dataclass
class Learner:
    """One learner handing in again and again, as the lesson page would let them."""

    edition: Edition = field(default_factory=edition)
    name: str = "zhang"
    history: list[PastAttempt] = field(default_factory=list)
    now: datetime = START

    def drawn(self, attempt: int, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
        quiz = self.edition.quizzes[QUIZ]
        return draw(
            edition=self.edition.edition,
            quiz=QUIZ,
            learner=self.name,
            attempt=attempt,
            pool=self.edition.pools[QUIZ],
            count=quiz.count,
            seen=seen,
        )

    def right(self, items: tuple[str, ...], wrong: int = 0) -> dict[str, Any]:
        """Full-mark answers, but none to the first ``wrong`` items."""
        found = {}
        for pid in items[wrong:]:
            item = self.edition.items[pid]
            found[pid] = item_type(item.kind).key(item, self.edition.ids)
        return found

    def hand_in(
        self,
        values: dict[str, Any] | AnswersError,
        attempt: int = 1,
        *,
        late: bool = False,
        released: bool = True,
        **more: Any,
    ) -> SubmissionGrade:
        """Grade, and remember it; ``released`` says that the result went out a minute later."""
        given = values
        if isinstance(values, dict):
            given = AnswerFile(
                course="qinlian",
                module=self.edition.module.id,
                edition=more.pop("names", self.edition.edition),
                attempts=more.pop("attempts", {QUIZ: attempt}),
                answers={pid: Answer(value=v) for pid, v in values.items()},
            )
        number = len(self.history) + 1
        done = grade(
            current=self.edition,
            named=more.pop("named", self.edition),
            learner=self.name,
            answers=given,  # type: ignore[arg-type]
            history=self.history,
            number=number,
            seen_at=self.now,
            late=late,
            **more,
        )
        self.history.append(past(done, self.now + timedelta(minutes=1) if released else None))
        self.now += timedelta(hours=1)
        return done


def past(done: SubmissionGrade, released_at: datetime | None) -> PastAttempt:
    quizzes = tuple(
        PastQuiz(q.quiz.id, q.state, q.number, q.draw, q.score, q.quiz.points, q.items) for q in done.quizzes
    )
    return PastAttempt(done.number, done.late, released_at, quizzes)


def quiz_of(done: SubmissionGrade) -> QuizGrade:
    return done.quiz(QUIZ)
