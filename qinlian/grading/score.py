"""One submission to scores: a pure function of the edition, the learner, the answers and the past.

Which draw is graded, attempt by attempt of one quiz (``n`` counts the attempts that were taken,
this one included; ``known`` those among the earlier ones whose result was out before this
submission arrived):

- Nothing new was answered: no attempt. So a submission that only changes the reflection neither
  uses up an attempt nor touches a score, under 最高 as under 末次.
- The declared draw k is good when known + 1 <= k <= n: a second submission before any result is
  an honest second try at draw 1.
- k <= known, with changed answers: the result of that draw was out. Recorded, not counted, and no
  attempt is used up: it earns nothing, and an honest page that was one result behind loses nothing.
- k > n: nobody was shown that draw. Graded against the draw known + 1.
- More attempts than the quiz allows, or after a pass that opened the key, or after a late attempt whose
  result was out (past the learner's own due date a result shows the key): recorded, not counted.

A late attempt counts only where nothing at all was handed in on time: nbgrader then holds the late submission.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from qinlian.core.drawing import draw, draw_variant, for_track
from qinlian.core.files import AnswerFile
from qinlian.core.model import Item, QuizBlock
from qinlian.core.scoring import passes, plain_score, quiz_score
from qinlian.errors import AnswersError
from qinlian.grading.editions import Edition
from qinlian.grading.grades import (
    ItemGrade,
    PastAttempt,
    PastQuiz,
    QuizGrade,
    QuizState,
    ReflectionGrade,
    Shown,
    SubmissionGrade,
)
from qinlian.grading.plaintext import tidy
from qinlian.items.base import InvalidAnswer, ItemType, item_type

__all__ = ["grade"]


def _policy(quiz: QuizBlock, current: QuizBlock) -> QuizBlock:
    """The quiz as it was answered, under the rules that hold now."""
    rules = {name: getattr(current, name) for name in ("attempts", "pass_mark", "points", "marked", "keep", "reveal")}
    return quiz if all(getattr(quiz, k) == v for k, v in rules.items()) else quiz.model_copy(update=rules)


def _clean(kind: ItemType, item: Item, edition: Edition, value: Any) -> Any:
    """The canonical value in storable text, or None; raises InvalidAnswer."""
    # The type refuses what has the wrong shape first, so nothing deep or foreign is walked through.
    value = kind.clean(item, edition.ids, value)
    tidied = tidy(value)
    return value if tidied == value else kind.clean(item, edition.ids, tidied)


_Key = tuple[str, Any, int | None]
_memory: WeakKeyDictionary[Edition, dict[_Key, ItemGrade]] = WeakKeyDictionary()
_REMEMBERED = 50_000


def _key(public_id: str, value: Any, variant: int | None) -> _Key | None:
    """What to remember an item's grade under: most learners choose among the same few answers."""
    if value is None or (isinstance(value, str) and len(value) < 40):
        return public_id, value, variant
    if isinstance(value, list) and len(value) < 10 and all(isinstance(v, str) and len(v) < 40 for v in value):
        return public_id, tuple(value), variant
    return None


def _item_grade(edition: Edition, public_id: str, answers: AnswerFile | None, variant: int | None) -> ItemGrade:
    answer = answers.answers.get(public_id) if answers else None
    value = answer.value if answer is not None else None
    key = _key(public_id, value, variant)
    if key is None:
        return _new_item_grade(edition, public_id, value, variant)
    memory = _memory.setdefault(edition, {})
    found = memory.get(key)
    if found is None:
        if len(memory) >= _REMEMBERED:
            memory.clear()
        found = memory[key] = _new_item_grade(edition, public_id, value, variant)
    return found


def _new_item_grade(edition: Edition, public_id: str, raw: Any, variant: int | None) -> ItemGrade:
    item = edition.item(public_id, variant)
    kind = item_type(item.kind)
    problem = ""
    value = None
    if raw is not None:
        try:
            value = _clean(kind, item, edition, raw)
        except InvalidAnswer as error:
            problem = str(error)
    if value is None:
        return ItemGrade(item.id, public_id, None, "", 0.0, item.points, problem, variant)
    fraction = plain_score(kind.score(item, edition.ids, value, edition.rule(item)), 1.0)
    spoken = kind.spoken(item, edition.ids, value)
    return ItemGrade(item.id, public_id, value, spoken, fraction, item.points, variant=variant)


@dataclass(frozen=True)
class _Taken:
    """A counted attempt among all, whichever submission it came with."""

    submission: int
    number: int
    late: bool
    score: float
    items: tuple[ItemGrade, ...]


def _counted(quiz: QuizBlock, taken: Iterable[_Taken], on_time: bool) -> float:
    """What the gradebook holds: best or last; late ones only if no submission was on time."""
    valid = [t for t in taken if not (on_time and t.late)]
    if not valid:
        return 0.0
    best = max(t.score for t in valid) if quiz.keep == "最高" else max(valid, key=lambda t: t.submission).score
    return plain_score(round(best, 2), quiz.points)


class _Past:
    """The attempts at one quiz in all other submissions, split where this one stands."""

    def __init__(
        self,
        quiz: QuizBlock,
        history: Collection[PastAttempt],
        number: int,
        seen_at: datetime,
        before: PastAttempt | None,
    ) -> None:
        self.counted_already = any(q.quiz == quiz.id and q.state == "计入" for q in before.quizzes) if before else False
        self.before: list[tuple[PastAttempt, PastQuiz]] = []
        self.all: list[_Taken] = []
        self.known: list[_Taken] = []
        self.on_time = any(not a.late for a in history if a.number != number)
        for attempt in sorted(history, key=lambda a: a.number):
            for past in attempt.quizzes:
                if past.quiz != quiz.id or past.state != "计入" or attempt.number == number:
                    continue
                scale = quiz.points / past.points if past.points else 0.0
                score = plain_score(past.score * scale, quiz.points)
                taken = _Taken(attempt.number, past.number, attempt.late, score, past.items)
                self.all.append(taken)
                if attempt.number < number:
                    self.before.append((attempt, past))
                    if attempt.released_at is not None and attempt.released_at <= seen_at:
                        self.known.append(taken)

    def drawn(self, below: int) -> set[str]:
        """Public ids of all earlier draws numbered below ``below``."""
        return {item.public_id for _, past in self.before if past.draw < below for item in past.items}

    def answered_before(self, items: Iterable[ItemGrade]) -> bool:
        """True when every answer in ``items`` was given in an earlier attempt already."""
        old = [(i.public_id, i.value) for _, past in self.before for i in past.items if i.answered]
        return all((i.public_id, i.value) in old for i in items if i.answered)


def _grade_quiz(
    quiz: QuizBlock,
    edition: Edition,
    learner: str,
    answers: AnswerFile | None,
    past: _Past,
    number: int,
    late: bool,
    closed: bool,
    notes: list[str],
) -> QuizGrade:
    def graded(k: int) -> tuple[ItemGrade, ...]:
        drawn = draw(
            edition=edition.edition,
            quiz=quiz.id,
            learner=learner,
            attempt=k,
            pool=for_track(edition.pools[quiz.id], dict(quiz.tracks), answers.track if answers else ""),
            count=quiz.count,
            seen=past.drawn(below=k),
        )
        return tuple(_item_grade(edition, pid, answers, variant_of(pid, k)) for pid in drawn)

    def variant_of(public_id: str, k: int) -> int | None:
        count = edition.variants.get(public_id)
        if not count:
            return None
        return draw_variant(
            edition=edition.edition, block=quiz.id, learner=learner, attempt=k, item=public_id, count=count
        )

    n, known = len(past.before) + 1, len(past.known)
    declared = answers.attempts.get(quiz.id, 1) if answers else 1
    k = declared if 1 <= declared <= n else known + 1
    items = graded(k)
    # A pass opens the key under 末次, and so does the due date: nothing answered after it can count.
    opened = ""
    if quiz.reveal == "末次" and any(t.late for t in past.known) and not past.counted_already:
        # Unless it was moved back only afterwards, which takes nothing from an honest attempt.
        opened = "已经截止并公布了答案"
    elif (
        quiz.reveal == "末次"
        and past.known
        and passes(_counted(quiz, past.known, past.on_time), quiz.points, quiz.pass_mark)
    ):
        opened = "已经通过并公布了答案"
    state: QuizState = "计入"
    if not any(item.answered for item in items):
        state = "未作答"
    elif past.before and past.answered_before(items):
        state = "未改动"
    elif n > quiz.attempts or opened:
        state = "超次"
        why = opened or f"最多作答 {quiz.attempts} 次"
        notes.append(f"测验 {quiz.id} {why}，这次作答已记录，不再计分")
    elif k <= known:
        state = "旧题"
        notes.append(f"测验 {quiz.id} 第 {k} 次的结果已经发出，之后的改动不计分，也不占次数；请用“再答一次”重新作答")
    if k != declared and state == "计入":
        notes.append(f"答题记录里写的测验 {quiz.id} 的次数不对，按第 {k} 次抽的题计分")
    _note_foreign(quiz, edition, answers, items, past, state, notes)
    fresh = state == "计入"
    score = quiz_score(quiz.points, ((i.fraction, i.possible) for i in items)) if fresh else 0.0
    this = [_Taken(number, n, late, score, items)] if fresh else []
    everyone = sorted([*past.all, *this], key=lambda t: t.submission)
    counted = _counted(quiz, everyone, past.on_time or not late)
    passed = bool(everyone) and passes(counted, quiz.points, quiz.pass_mark)
    used_up = len(everyone) >= quiz.attempts
    final = used_up or closed or (passed and quiz.reveal == "末次")
    last = everyone[-1] if everyone else None
    return QuizGrade(
        quiz=quiz,
        state=state,
        number=n if fresh else 0,
        draw=k,
        items=items,
        score=score,
        counted=counted,
        taken=len(everyone),
        passed=passed,
        final=final,
        revealed=bool(everyone) and (quiz.reveal == "每次" or (quiz.reveal == "末次" and final)),
        seen=tuple(sorted({i.public_id for t in everyone for i in t.items})),
        shown=Shown(last.number, last.score, last.items) if last else None,
    )


def _note_foreign(
    quiz: QuizBlock,
    edition: Edition,
    answers: AnswerFile | None,
    items: tuple[ItemGrade, ...],
    past: _Past,
    state: QuizState,
    notes: list[str],
) -> None:
    """Say what of this quiz could not be counted; answers left over from earlier draws are no fault."""
    if answers is None or state == "未改动":
        return
    mine = {i.public_id for i in items} | {i.public_id for _, p in past.before for i in p.items}
    outside = sum(pid in answers.answers and pid not in mine for pid, _ in edition.pools[quiz.id])
    if outside:
        notes.append(f"测验 {quiz.id} 有 {outside} 道作答不在抽到的题目里，没有计分")
    wrong = [i for i in items if i.problem]
    if wrong:
        notes.append(f"测验 {quiz.id} 有 {len(wrong)} 道题的答案不能用（{wrong[0].problem}），按未作答计")


def _reflection(item: Item, edition: Edition, answers: AnswerFile | None, notes: list[str]) -> ReflectionGrade:
    public_id = edition.ids.of(item.id)
    answer = answers.answers.get(public_id) if answers else None
    text, problem = None, ""
    if answer is not None:
        try:
            text = _clean(item_type(item.kind), item, edition, answer.value)
        except InvalidAnswer as error:
            problem = str(error)
            notes.append(f"心得没有收下：{problem}")
    return ReflectionGrade(item, public_id, text, problem)


def _usable(edition: Edition, answers: AnswerFile | AnswersError) -> AnswerFile | AnswersError:
    if isinstance(answers, AnswersError):
        return answers
    if answers.module != edition.module.id:
        return AnswersError("wrong-module", "答题记录是另一个模块的，这次按未作答处理；请打开本模块作答后重新提交")
    if answers.course != edition.course_id:
        return AnswersError("wrong-course", "答题记录是另一门课程的，这次按未作答处理；请在本课程里作答后重新提交")
    return answers


def grade(
    *,
    current: Edition,
    named: Edition | None,
    learner: str,
    answers: AnswerFile | AnswersError,
    history: Collection[PastAttempt] = (),
    before: PastAttempt | None = None,
    number: int = 1,
    seen_at: datetime,
    late: bool = False,
    closed: bool = False,
    notes: Iterable[str] = (),
    points: Mapping[str, float] | None = None,
) -> SubmissionGrade:
    """Grade one submission.

    ``named`` is the edition that the answers name, None when it is not kept here (then ``current``
    stands in, with a note). ``history`` are the learner's other submissions to this module, later
    ones too when an older one is graded again. ``before`` is what was recorded of this very one, if it was
    graded before. ``number`` is this submission's place in the order
    of arrival, ``seen_at`` (aware) when it arrived. ``closed`` says that no more attempts are
    taken. ``points`` overrides a quiz's points by what its grade cell holds. Never raises for
    anything a learner wrote.
    """
    said = list(notes)
    edition = named or current
    usable = _usable(edition, answers)
    code = ""
    if isinstance(usable, AnswersError):
        code = usable.code
        said.append(str(usable))
    given = None if isinstance(usable, AnswersError) else usable
    if given is not None:
        if named is None:
            said.append("答题记录所写的课程版本没有存档，按现行版本评分；请重新打开课程后再作答")
        unknown = sum(pid not in edition.items for pid in given.answers)
        if unknown:
            said.append(f"有 {unknown} 条作答不属于这个模块，没有计分")
    quizzes = []
    for wanted in current.quizzes.values():
        base = edition if wanted.id in edition.quizzes else current
        quiz = _policy(base.quizzes[wanted.id], wanted)
        if points and quiz.marked and wanted.id in points:
            quiz = quiz if quiz.points == points[wanted.id] else quiz.model_copy(update={"points": points[wanted.id]})
        past = _Past(quiz, history, number, seen_at, before)
        quizzes.append(_grade_quiz(quiz, base, learner, given, past, number, late, closed, said))
    reflections = tuple(
        _reflection(item, edition if edition.ids.of(item.id) in edition.items else current, given, said)
        for item in current.reflections
    )
    return SubmissionGrade(
        learner=learner,
        module=current.module.id,
        edition=edition,
        number=number,
        late=late,
        code=code,
        notes=tuple(dict.fromkeys(said)),
        quizzes=tuple(quizzes),
        reflections=reflections,
    )
