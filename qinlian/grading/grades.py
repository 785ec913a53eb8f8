"""What grading comes to: small frozen records that pass between the folder's modules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from qinlian.core.model import Item, QuizBlock
from qinlian.grading.editions import Edition

__all__ = [
    "ItemGrade",
    "PastAttempt",
    "PastQuiz",
    "QuizGrade",
    "QuizState",
    "ReflectionGrade",
    "Shown",
    "SubmissionGrade",
]

QuizState = Literal["计入", "未作答", "未改动", "旧题", "超次"]
"""What a submission is to one quiz: a counted attempt · nothing answered · the same answers again ·
changed answers to a draw whose result was out · one more than the quiz allows."""


@dataclass(frozen=True)
class ItemGrade:
    """One drawn item. ``value`` is cleaned, None without an answer; ``problem`` says why it was refused."""

    item_id: str
    public_id: str
    value: Any
    spoken: str
    fraction: float
    possible: float
    problem: str = ""
    variant: int | None = None

    @property
    def answered(self) -> bool:
        """True when there is an answer that could be graded."""
        return self.value is not None

    @property
    def earned(self) -> float:
        """Of ``possible``, the item's weight in the draw."""
        return self.fraction * self.possible


@dataclass(frozen=True)
class PastQuiz:
    """What an earlier (or later) submission was to one quiz; ``score`` is out of ``points``."""

    quiz: str
    state: QuizState
    number: int
    draw: int
    score: float
    points: float
    items: tuple[ItemGrade, ...]


@dataclass(frozen=True)
class PastAttempt:
    """Another submission of the same learner to the same module."""

    number: int
    late: bool
    released_at: datetime | None
    quizzes: tuple[PastQuiz, ...]


@dataclass(frozen=True)
class Shown:
    """The newest counted attempt at a quiz: what its result is about."""

    number: int
    score: float
    items: tuple[ItemGrade, ...]


@dataclass(frozen=True)
class QuizGrade:
    """One quiz of one submission.

    ``state``, ``number`` (0 when this was no attempt), ``draw``, ``items`` and ``score`` are this
    submission's. ``counted`` is what the gradebook holds, ``taken`` how many attempts were used,
    ``seen`` the public ids of all their draws, ``shown`` the newest of them.
    """

    quiz: QuizBlock
    state: QuizState
    number: int
    draw: int
    items: tuple[ItemGrade, ...]
    score: float
    counted: float
    taken: int
    passed: bool
    final: bool
    revealed: bool
    seen: tuple[str, ...]
    shown: Shown | None


@dataclass(frozen=True)
class ReflectionGrade:
    """A reflection's text as it is kept, None when there is none; points are given by hand."""

    item: Item
    public_id: str
    text: str | None
    problem: str = ""


@dataclass(frozen=True)
class SubmissionGrade:
    """Everything one submission came to.

    ``number`` is its place in the order of arrival. ``edition`` is the one it was graded against.
    ``code`` is AnswersError's when the answers could not be used. ``notes`` are Chinese sentences
    for the learner and the instructor.
    """

    learner: str
    module: str
    edition: Edition
    number: int
    late: bool
    code: str
    notes: tuple[str, ...]
    quizzes: tuple[QuizGrade, ...]
    reflections: tuple[ReflectionGrade, ...]

    def quiz(self, quiz_id: str) -> QuizGrade:
        """The quiz of that id; raises KeyError."""
        for quiz in self.quizzes:
            if quiz.quiz.id == quiz_id:
                return quiz
        raise KeyError(quiz_id)
