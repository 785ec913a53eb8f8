"""What the learner's pages ask of whatever holds a learner's files.

The pages know only this port. ``desk`` answers from the files of the learner's own Jupyter server;
a service for many learners answers from elsewhere, with the same pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from qinlian.core.files import AnswerFile, LessonBlock, LessonFile, ResultFile
from qinlian.core.scoring import passes
from qinlian.quiz.due import Due

__all__ = ["ModuleStanding", "Overview", "Portal", "State", "standing_of"]

State = Literal["未开始", "进行中", "已提交", "待评阅", "已评分"]


@dataclass(frozen=True)
class ModuleStanding:
    """One module as it stands for one learner. Times are aware.

    ``score`` and ``max_score`` are those of the newest result, None before the first.
    ``again`` tells that another attempt is being answered since; ``attempts_left`` how often a
    quiz that is not passed may still be taken. ``refused`` says why the newest submission was not
    taken, if it was not; everything else is then as if it had not been sent. ``unwritten``: what was
    graded came without a reflection the module asks for. ``extended``: the learner was given more time than the
    others, until ``due``. ``cases`` are those that matter most to the learner's
    track. ``before`` and ``after`` are percentages: of the test at the beginning, and of the one over all modules.
    """

    module: str
    title: str
    hours: float
    objectives: tuple[str, ...]
    due: datetime | None
    state: State
    extended: bool = False
    submitted_at: datetime | None = None
    score: float | None = None
    max_score: float | None = None
    passed: bool = False
    late: bool = False
    again: bool = False
    attempts_left: int = 0
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unwritten: bool = False
    cases: tuple[str, ...] = ()
    before: float | None = None
    after: float | None = None

    @property
    def earned(self) -> float:
        """Hours (学时) this module has earned."""
        return self.hours if self.passed else 0.0


@dataclass(frozen=True)
class Overview:
    """Everything 我的学习 shows: the course and its released modules in order.

    ``unreadable`` names released modules whose content could not be read. ``track`` is the learner's of the
    ``tracks`` there are, empty before one was chosen; ``track_fixed`` when it is not the learner's to choose.
    ``required`` are the hours that the track needs. ``learner`` is an account, ``name`` what the person is
    called where that is known; ``account`` and ``leave`` are the addresses of the Hub's pages of one's own account
    and of signing out, empty where there is no Hub.
    """

    course_title: str
    learner: str
    modules: tuple[ModuleStanding, ...]
    unreadable: tuple[str, ...] = ()
    course_subtitle: str = ""
    tracks: tuple[str, ...] = ()
    track: str = ""
    track_fixed: bool = False
    required: float | None = None
    name: str = ""
    account: str = ""
    leave: str = ""

    @property
    def hours(self) -> float:
        """Hours the learner needs: those of the track, else of all released modules."""
        return sum(m.hours for m in self.modules) if self.required is None else self.required

    @property
    def gain(self) -> tuple[float, float] | None:
        """Percentages of the first test and of the last, once there are both."""
        before = next((m.before for m in self.modules if m.before is not None), None)
        after = next((m.after for m in self.modules if m.after is not None), None)
        return (before, after) if before is not None and after is not None else None

    @property
    def earned(self) -> float:
        """Hours earned so far."""
        return sum(m.earned for m in self.modules)


class Portal(Protocol):
    """The port. Every method raises StoreError, with a Chinese sentence for the learner."""

    def overview(self) -> Overview:
        """The released modules and how the learner stands in each."""

    def choose_track(self, name: str) -> None:
        """Remember which of the course's tracks the learner belongs to; an empty name forgets it."""

    def open(self, module: str) -> str:
        """Get the module ready to be learned; the path of its notebook below the learner's home."""

    def answers(self, module: str) -> AnswerFile:
        """What the learner answered so far."""

    def save(self, module: str, changes: Mapping[str, Any]) -> AnswerFile:
        """Store changed answers (public item id → value, None to clear); what stands afterwards."""

    def submit(self, module: str) -> datetime:
        """Hand the module in as it stands; when that was."""

    def result(self, module: str) -> ResultFile | None:
        """The newest result, or None when there is none yet."""


def standing_of(
    lesson: LessonFile,
    *,
    opened: bool,
    submitted_at: datetime | None,
    result: ResultFile | None,
    current: bool,
    again: bool,
    refused: tuple[str, ...] = (),
    track: str = "",
    due: Due | None = None,
) -> ModuleStanding:
    """How a learner stands in a module, from what is known of it.

    ``opened``: the learner has a copy. ``submitted_at``: when the newest submission was sent that was
    not refused. ``current``: ``result`` belongs to that one. ``again``: a quiz is being answered that
    was not submitted yet. ``refused``: why a newer submission was not taken. ``track``: whose pass mark holds.
    ``due``: the learner's own due date, None where nobody but the lesson says.
    """
    state: State
    if submitted_at is None:
        state = "进行中" if opened else "未开始"
    elif result is None or not current:
        state = "已提交"
    else:
        state = "待评阅" if result.state == "待评阅" else "已评分"
    fitting = next((t for t in lesson.tracks if t.name == track), None)
    due = due or Due(lesson.due)
    known = ModuleStanding(
        module=lesson.module,
        title=lesson.title,
        hours=lesson.hours,
        objectives=lesson.objectives,
        due=due.at,
        extended=due.extended,
        state=state,
        submitted_at=submitted_at,
        refused=refused,
        cases=fitting.cases if fitting else (),
    )
    if result is None:
        return known
    before = _percent(lesson, result, lambda quiz: not quiz.marked)
    if not _counts(lesson, result):
        # Only the test at the beginning was handed in: nothing yet has earned or lost a point.
        return replace(known, state=state if state == "已提交" else "进行中", before=before)
    return replace(
        known,
        score=result.score,
        max_score=result.max_score,
        # The same rule as the instructor's table: points of the whole module against the pass mark.
        passed=passes(result.score, result.max_score, fitting.pass_mark if fitting else lesson.pass_mark),
        late=result.late,
        again=again and state in ("待评阅", "已评分"),
        attempts_left=_attempts_left(lesson, result) if current else 0,
        notes=result.notes if current and not refused else (),
        unwritten=current and any(r.state == "未作答" for r in result.reflections.values()),
        before=before,
        after=_percent(lesson, result, lambda quiz: quiz.whole and quiz.marked),
    )


def _counts(lesson: LessonFile, result: ResultFile) -> bool:
    """True unless the result is of a test that counts for nothing, and of nothing else."""
    unmarked = {b.id for b in lesson.blocks if b.kind == "quiz" and not b.marked}
    written = any(r.state != "未作答" for r in result.reflections.values())
    return written or not result.quizzes or not result.quizzes.keys() <= unmarked


def _percent(lesson: LessonFile, result: ResultFile, which: Callable[[LessonBlock], bool]) -> float | None:
    """The percentage reached in the quiz that ``which`` picks, None without one."""
    for quiz in lesson.blocks:
        taken = result.quizzes.get(quiz.id)
        if quiz.kind == "quiz" and which(quiz) and taken and taken.points:
            return 100 * taken.counted / taken.points
    return None


def _attempts_left(lesson: LessonFile, result: ResultFile) -> int:
    """How often the quiz with the most attempts left may still be taken; passed ones do not count."""
    left = [0]
    for quiz in lesson.blocks:
        taken = result.quizzes.get(quiz.id)
        if quiz.kind == "quiz" and quiz.marked and not (taken and (taken.final or taken.passed)):
            # A quiz handed in blank has no result and has cost no attempt.
            left.append(quiz.attempts - (taken.attempt if taken else 0))
    return max(left)
