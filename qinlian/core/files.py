"""The JSON files that travel: lesson.json, answers.json, the result and the letterbox.

Only their shape stands here; reading and writing them is the business of the ports.
``lesson.json`` goes out with the notebook and is public. ``answers.json`` comes back. The result
and what lies in the letterbox are written by the grader for one learner.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qinlian.errors import AnswersError

__all__ = [
    "ANSWERS_LIMIT",
    "ANSWERS_NAME",
    "LESSON_NAME",
    "SECRET_NAME",
    "TIMESTAMP_NAME",
    "Answer",
    "AnswerFile",
    "ItemResult",
    "LessonBlock",
    "LessonFile",
    "LessonTrack",
    "LetterboxFile",
    "QuizResult",
    "ReflectionResult",
    "ResultFile",
    "letterbox_name",
    "parse_answers",
    "result_name",
]

LESSON_NAME = "lesson.json"
ANSWERS_NAME = "answers.json"
SECRET_NAME = "submission_secret.txt"
TIMESTAMP_NAME = "timestamp.txt"
ANSWERS_LIMIT = 1_000_000
"""Bytes. A larger answers.json is refused unread."""


class Travelling(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LessonBlock(Travelling):
    """One interactive block of a lesson, as the widget shows it.

    ``kind`` is items (one or more practice items), quiz or reflection. ``items`` are public ids in
    the order to show; for a quiz they are the whole pool, of which each learner draws ``count``.
    ``marked`` is False for a test of what is known already, which counts for nothing; ``whole`` says that
    a quiz draws from all modules, and ``tracks`` which strata of it are for whom.
    """

    kind: Literal["items", "quiz", "reflection"]
    id: str
    title: str = ""
    items: tuple[str, ...]
    count: int = 0
    attempts: int = 0
    pass_mark: float = 0
    points: float = 0
    marked: bool = True
    whole: bool = False
    tracks: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    keep: str = ""
    reveal: str = ""


class LessonTrack(Travelling):
    """One audience (培训对象) that takes this module.

    ``hours`` are those it needs of the whole course, ``pass_mark`` the percentage that earns a module's
    hours, ``cases`` the titles of this module's cases that matter most to it.
    """

    name: str
    hours: float
    pass_mark: float
    cases: tuple[str, ...] = ()


class LessonFile(Travelling):
    """lesson.json: the public part of one module.

    ``items`` maps a public id to what the item's type publishes (``kind``, ``stem`` as HTML, …).
    Practice items carry their feedback there under ``practice``; graded items never do.
    ``pass_mark`` is the percentage of the module's points that earns its hours.
    """

    format: Literal["qinlian.lesson/1"] = Field(default="qinlian.lesson/1", alias="schema")
    course: str
    course_title: str
    course_subtitle: str = ""
    module: str
    title: str
    hours: float
    due: datetime | None = None
    objectives: tuple[str, ...] = ()
    pass_mark: float = 60
    tracks: tuple[LessonTrack, ...] = ()
    edition: str
    blocks: tuple[LessonBlock, ...]
    items: dict[str, dict[str, Any]]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def block(self, block_id: str) -> LessonBlock:
        """The block of that id; raises KeyError."""
        for block in self.blocks:
            if block.id == block_id:
                return block
        raise KeyError(block_id)


class Answer(Travelling):
    """One answer. ``value`` is in the shape of the item's type; ``at`` is ISO 8601, UTC."""

    value: Any
    at: str = Field(default="", max_length=40)


class AnswerFile(BaseModel):
    """answers.json: everything a learner answered in one module.

    ``edition`` is the build the answers were given to. ``attempts`` maps a quiz's id to the
    number of the attempt in progress (from 1). ``answers`` maps public item ids to answers.
    ``revision`` rises by one with every save. ``track`` is the learner's audience when the attempt began: a
    test over all modules asks only of those it takes. Who the learner is never stands here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    format: Literal["qinlian.answers/1"] = Field(default="qinlian.answers/1", alias="schema")
    course: str = Field(max_length=100)
    module: str = Field(max_length=100)
    edition: str = Field(max_length=64)
    revision: int = Field(default=0, ge=0)
    saved_at: str = Field(default="", max_length=40)
    track: str = Field(default="", max_length=100)
    attempts: dict[str, int] = Field(default_factory=dict, max_length=100)
    answers: dict[str, Answer] = Field(default_factory=dict, max_length=5000)


class ItemResult(Travelling):
    """What a learner may see of one drawn item now.

    ``fraction`` is in [0, 1]. ``key``, ``feedback``, ``explanation`` (HTML) and ``citations`` are
    filled only when the quiz's rule allows it at that moment.
    """

    item: str
    answered: bool
    fraction: float
    value: Any = None
    key: Any = None
    feedback: dict[str, str] = Field(default_factory=dict)
    explanation: str = ""
    citations: tuple[str, ...] = ()


class QuizResult(Travelling):
    """The result of one attempt at one quiz.

    ``score`` is this attempt's, ``counted`` the one in the gradebook, both in [0, points].
    ``seen`` are the public ids drawn in all attempts so far: the next draw avoids them.
    ``variants`` is public id → number of the variant drawn, for items that have any.
    ``items`` is empty while the rule shows only the score and the topics to review.
    """

    attempt: int
    attempts: int
    score: float
    counted: float
    points: float
    keep: str
    passed: bool
    final: bool
    revealed: bool
    seen: tuple[str, ...]
    drawn: tuple[str, ...] = ()
    variants: dict[str, int] = Field(default_factory=dict)
    topics: tuple[str, ...] = ()
    items: tuple[ItemResult, ...] = ()


class ReflectionResult(Travelling):
    """The state of one reflection; ``comment`` is the instructor's, as plain text."""

    state: Literal["待评阅", "已评阅", "未作答"]
    score: float | None = None
    points: float
    comment: str = ""


class ResultFile(Travelling):
    """What the grader tells one learner about one submission.

    ``notes`` are Chinese sentences about what was wrong with the submission, if anything.
    ``quizzes`` is by quiz id, ``reflections`` by public item id. A submission that was not taken
    (拒收) carries notes and nothing else: its score is 0.0 and means nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    format: Literal["qinlian.result/1"] = Field(default="qinlian.result/1", alias="schema")
    course: str
    module: str
    edition: str
    submitted_at: str
    graded_at: str
    late: bool = False
    score: float
    max_score: float
    state: Literal["已评分", "待评阅", "拒收"]
    notes: tuple[str, ...] = ()
    quizzes: dict[str, QuizResult] = Field(default_factory=dict)
    reflections: dict[str, ReflectionResult] = Field(default_factory=dict)


class LetterboxFile(Travelling):
    """What the grader tells one learner before anything was submitted.

    ``dues`` maps a module to the learner's own due date (None: there is none), only where it is
    not the one that lesson.json names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    format: Literal["qinlian.letterbox/1"] = Field(default="qinlian.letterbox/1", alias="schema")
    course: str
    dues: dict[str, datetime | None] = Field(default_factory=dict)


def letterbox_name(course_secret: bytes, account: str) -> str:
    """The name, without ``.json``, of a learner's letterbox in the exchange's feedback folder.

    Only who holds the course's secret can compute it, and the folder cannot be listed.
    """
    message = b"qinlian-letterbox\0" + account.encode()
    return hmac.new(course_secret, message, hashlib.sha256).hexdigest()[:40]


def result_name(submission_secret: str) -> str:
    """The file name of a result in the exchange's feedback folder.

    Only who holds the submission's secret can compute it, and the folder cannot be listed.
    """
    return hashlib.sha256(b"qinlian-result\0" + submission_secret.strip().encode()).hexdigest()[:40] + ".json"


def _no_constant(name: str) -> float:
    raise ValueError(name)


def parse_answers(data: bytes) -> AnswerFile:
    """Read answers.json's bytes strictly.

    Raises AnswersError with code too-large, not-utf8, not-json or wrong-schema. Nothing in the
    message is taken from the file, so nothing of a learner's can leak through a log.
    """
    if len(data) > ANSWERS_LIMIT:
        raise AnswersError("too-large", "answers.json 超过 1 MB，没有读取；请重新打开课程作答后再提交")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise AnswersError("not-utf8", "answers.json 不是 UTF-8 编码，可能被别的软件改过；请在课程页面里作答") from None
    try:
        raw = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise AnswersError("not-json", "answers.json 不完整，读不出来；请重新打开课程，核对答案后再提交") from None
    try:
        return AnswerFile.model_validate(raw)
    except (ValidationError, RecursionError):
        raise AnswersError("wrong-schema", "answers.json 不是本课程保存的格式；请在课程页面里作答后再提交") from None
