"""Thirty demonstration learners, so that reports are worth opening on the first day.

They answer by a simple model (ability against difficulty), decided by hashes, and their submissions
go the way of everybody's: into the exchange, through collecting and grading, into the gradebook.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook

from qinlian.classroom.demo_people import COMMENTS, PEOPLE, THOUGHTS, UNITS
from qinlian.core.drawing import draw
from qinlian.core.files import SECRET_NAME, TIMESTAMP_NAME, AnswerFile, ResultFile, result_name
from qinlian.core.model import Item
from qinlian.grading.arrivals import Arrivals
from qinlian.grading.editions import Edition, current_edition
from qinlian.grading.setting import Setting
from qinlian.grading.worker import grade_module
from qinlian.items.base import item_type

__all__ = ["add_demo"]

_STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"
_BASE = {1: -1.1, 2: -0.2, 3: 0.7}
_BLANK = 0.07
Progress = Callable[[str], None]


def _chance(*parts: object) -> float:
    """A number in [0, 1) that depends on its arguments alone."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _learner(index: int) -> str:
    return f"demo{index + 1:02d}"


def _ability(learner: str) -> float:
    # Three evens make a bell that is near enough.
    return 1.3 * (sum(_chance("ability", learner, k) for k in range(3)) - 1.5) + 0.4


def _knows(learner: str, item: Item, attempt: int) -> bool:
    """Whether this learner gets this item right: easier items more often, and a second time more often."""
    hardness = _BASE[item.difficulty] + 0.8 * (_chance("item", item.id) - 0.5)
    level = _ability(learner) * 1.6 + 0.6 * (attempt - 1) - hardness
    return _chance("answer", learner, item.id, attempt) < 1 / (1 + math.exp(-level))


def _rated(item: Item, learner: str) -> dict[str, Any]:
    """A self-check, in which nothing is right or wrong: most risks of one post, each with its two numbers."""
    # Squared, so that some posts have enough people to be told of.
    post = item.posts[int(_chance("post", learner) ** 2 * len(item.posts))]
    risks = [risk.id for duty in post.duties for risk in duty.risks if _chance("rates", learner, risk.id) < 0.8]
    numbers = {
        risk: [1 + int(_chance(what, learner, risk) * 5) for what in ("likelihood", "consequence")] for risk in risks
    }
    return {
        "post": post.id,
        "rows": {risk: [*pair, int(_chance("guarded", learner, risk) < 0.6)] for risk, pair in numbers.items()},
    }


def _spoiled(edition: Edition, item: Item, learner: str) -> Any:
    """A wrong answer that somebody could really give, in the shape of the item's type."""
    kind, ids = item_type(item.kind), edition.ids
    key, pick = kind.key(item, ids), _chance("wrong", learner, item.id)
    if isinstance(key, str):
        others = sorted({ids.of(item.id, e.letter) for e in item.elements} - {key})
        return others[int(pick * len(others))]
    if isinstance(key, dict):
        changed = dict(key)
        first = sorted(changed)[int(pick * len(changed))]
        others = sorted(set(changed.values()) - {changed[first]})
        blank = kind.name == "blank"
        changed[first] = "说不准" if blank or not others else others[0]
        return changed
    if kind.name == "ordering":
        place = int(pick * (len(key) - 1))
        return [*key[:place], key[place + 1], key[place], *key[place + 2 :]]
    wrong = sorted({ids.of(item.id, e.letter) for e in item.elements} - set(key))
    # Most who miss a question of this kind leave something out; some take one too many.
    return key[1:] if pick < 0.6 else [*key, wrong[int(pick * len(wrong))]]


def _thought(learner: str, module: str) -> tuple[int, str] | None:
    """A reflection and its quality; some leave it out."""
    if _chance("reflects", learner, module) < 0.12:
        return None
    leaning = _ability(learner) + 1.2 * (_chance("care", learner, module) - 0.5)
    quality = 3 if leaning > 0.7 else 2 if leaning > 0.0 else 1
    choices = [text for level, text in THOUGHTS if level == quality]
    return quality, choices[int(_chance("text", learner, module) * len(choices))]


def _answers(edition: Edition, learner: str, attempt: int, results: dict[str, ResultFile]) -> AnswerFile:
    """What the learner's answers.json says at this attempt."""
    given: dict[str, dict[str, Any]] = {}
    before = results.get(learner)
    for quiz in edition.module.quizzes:
        earlier = before.quizzes.get(quiz.id) if before else None
        drawn = draw(
            edition=edition.edition,
            quiz=quiz.id,
            learner=learner,
            attempt=attempt,
            pool=edition.pools[quiz.id],
            count=quiz.count,
            seen=earlier.seen if earlier else (),
        )
        for public_id in drawn:
            item = edition.items[public_id]
            if _chance("blank", learner, item.id, attempt) < _BLANK:
                continue
            kind, right = item_type(item.kind), _knows(learner, item, attempt)
            if item.posts:
                value = _rated(item, learner)
            elif right or not kind.has_body:
                value = kind.key(item, edition.ids) if right else _spoiled(edition, item, learner)
            else:
                # Every activity goes wrong in its own way; who does not know leaves it.
                continue
            given[public_id] = {"value": value}
    if (thought := _thought(learner, edition.module.id)) is not None:
        given |= {edition.ids.of(item.id): {"value": thought[1]} for item in edition.module.reflections}
    return AnswerFile.model_validate(
        {
            "course": edition.course_id,
            "module": edition.module.id,
            "edition": edition.edition,
            "revision": len(given),
            "attempts": {quiz.id: attempt for quiz in edition.module.quizzes},
            "answers": given,
        }
    )


def _send(setting: Setting, arrivals: Arrivals, learner: str, answers: AnswerFile, when: datetime) -> str:
    """Put one submission into the exchange as nbgrader would; returns its secret."""
    module, stamp, secret = answers.module, when.strftime(_STAMP), secrets.token_hex(64)
    name = f"{learner}+{module}+{stamp}+{secrets.token_urlsafe(9)}"
    # Days of study cannot be waited for: the time of arrival is written down before the folder is there.
    arrivals.seen(name, learner, module, when)
    aside = setting.inbound / f".{secrets.token_hex(8)}"
    aside.mkdir()
    notebook = f"{module}.ipynb"
    (aside / notebook).write_bytes((setting.step("release", ".", module) / notebook).read_bytes())
    (aside / "answers.json").write_text(json.dumps(answers.model_dump(by_alias=True), ensure_ascii=False), "utf-8")
    (aside / TIMESTAMP_NAME).write_text(stamp)
    (aside / SECRET_NAME).write_text(secret)
    aside.chmod(0o777)
    aside.rename(setting.inbound / name)
    return secret


def _results(setting: Setting, sent: dict[str, str]) -> dict[str, ResultFile]:
    found = {}
    for learner, secret in sent.items():
        path = setting.results / result_name(secret)
        if path.is_file():
            found[learner] = ResultFile.model_validate_json(path.read_bytes())
    return found


def _wants_again(learner: str, module: str, result: ResultFile, attempt: int) -> bool:
    """Who did not pass and has attempts left mostly tries again."""
    open_quizzes = [q for q in result.quizzes.values() if not q.final]
    return bool(open_quizzes) and _chance("again", learner, module, attempt) < 0.75


def _enrol(setting: Setting, count: int) -> None:
    with Gradebook(setting.db_url, setting.course_id) as gradebook:
        for index in range(count):
            unit = UNITS[int(_chance("unit", index) * len(UNITS))]
            # nbgrader has no field for a unit; formgrader shows it beside the name from here.
            gradebook.update_or_create_student(_learner(index), last_name=PEOPLE[index % len(PEOPLE)], first_name=unit)


def _late(setting: Setting, module: str, learner: str, when: datetime) -> None:
    """Where the module has a due date, some were given an earlier one, and missed it by a day."""
    with Gradebook(setting.db_url, setting.course_id) as gradebook:
        due = gradebook.find_assignment(module).duedate
        if due is not None:
            own = (when - timedelta(days=1)).replace(tzinfo=None)
            gradebook.update_or_create_submission(module, learner, extension=own - due)


def _read_some(setting: Setting, edition: Edition, learners: list[str]) -> None:
    """The instructor has read about two reflections in three."""
    module = edition.module.id
    with Gradebook(setting.db_url, setting.course_id) as gradebook:
        for learner in learners:
            thought = _thought(learner, module)
            if thought is None or _chance("read", learner, module) > 0.65:
                continue
            share = {3: 0.86, 2: 0.68, 1: 0.4}[thought[0]] + 0.12 * (_chance("mark", learner, module) - 0.5)
            for item in edition.module.reflections:
                grade = gradebook.find_grade(item.id, module, module, learner)
                grade.manual_score = round(item.points * share)
                grade.needs_manual_grade = False
                gradebook.find_comment(item.id, module, module, learner).manual_comment = COMMENTS[thought[0]]
        gradebook.db.commit()


def _evening(now: datetime, learner: str, module: str, place: int) -> datetime:
    """When somebody sat down to it: on one of the last days, between nine and half past ten at night in Beijing."""
    days = 6 - 2 * place + int(20 * _chance("day", learner, module))
    minutes = 60 + int(13.5 * 60 * _chance("hour", learner, module))
    return now.replace(hour=0, minute=0, second=0) - timedelta(days=days) + timedelta(minutes=minutes)


def _module(setting: Setting, arrivals: Arrivals, edition: Edition, count: int, place: int) -> None:
    module = edition.module.id
    now = datetime.now(UTC)
    # By rank, so that in a class of any size the same share has not begun yet.
    eager = sorted(map(_learner, range(count)), key=lambda w: _chance("takes", w, module))
    waiting = sorted(eager[: round(count * (0.9 - 0.12 * place))])
    times = {w: _evening(now, w, module, place) for w in waiting}
    took_part, sent, results = list(waiting), dict[str, str](), dict[str, ResultFile]()
    most = max((quiz.attempts for quiz in edition.module.quizzes), default=1)
    for attempt in range(1, most + 1):
        for learner in waiting:
            when = times[learner] + timedelta(days=attempt - 1, minutes=17 * (attempt - 1))
            if attempt == 1 and _chance("late", learner, module) < 0.1:
                _late(setting, module, learner, when)
            sent[learner] = _send(setting, arrivals, learner, _answers(edition, learner, attempt, results), when)
        grade_module(setting.root, module, setting=setting, pages=False)
        results = _results(setting, sent)
        waiting = [w for w in waiting if w in results and _wants_again(w, module, results[w], attempt)]
    _read_some(setting, edition, took_part)
    grade_module(setting.root, module, setting=setting, pages=False)


def add_demo(root: Path, progress: Progress = lambda _: None, learners: int = 30) -> None:
    """Add demonstration learners and their work to the classroom of the course at ``root``.

    The modules must be released. What was added before is not added again. Raises GradingError when
    nothing can be graded.
    """
    setting = Setting.load(root)
    arrivals = Arrivals(setting.db_url)
    _enrol(setting, learners)
    outbound = setting.exchange / setting.course_id / "outbound"
    modules = sorted(p.name for p in outbound.iterdir() if p.is_dir() and p.name[:1] != ".")
    for place, module in enumerate(modules):
        if any(a.learner.startswith("demo") for a in arrivals.of(module)):
            continue
        edition = current_edition(setting.root / "course", module)
        progress(f"演示学员正在学习：{edition.module.title}")
        _module(setting, arrivals, edition, learners, place)
