"""A gradebook of N learners as a year of the course leaves it, made in bulk: nbgrader's tables, the roster's and ours.

Five real modules; every learner takes the quiz of each once and draws ten items of it, every tenth a second time.
Answers follow a plain model: a learner's ability less an item's difficulty decides how likely the right one is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, TableClause

from benchmarks.room import MOMENT, REPOSITORY
from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.identity import Identity
from qinlian.core.model import Course, Item, Module
from qinlian.database import naive
from qinlian.grading import tables
from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE
from qinlian.items.base import item_type
from qinlian.roster.tables import PERSON, UNIT
from qinlian.roster.units import SEPARATOR, ancestors, own_name
from qinlian.staff.book import open_book

__all__ = ["DRAWN", "MODULES", "course", "identity", "make_gradebook"]

MODULES = ("02-gifts", "04-duties", "08-teachers", "09-first-button", "10-law")
DRAWN = 10
_AGAIN = 10
"""One learner in so many takes each quiz a second time."""
_OMITTED = 0.02
_FIRST_UID = 20_000
_UNITS = tuple(f"省开放大学/第{branch}分校/第{centre}学习中心" for branch in range(1, 21) for centre in range(1, 11))


def course() -> Course:
    """The real course with the five modules alone."""
    whole = load_course(REPOSITORY / "course")
    return whole.model_copy(update={"modules": tuple(whole.module(name) for name in MODULES), "tracks": ()})


def identity() -> Identity:
    """The course's own."""
    return load_identity(REPOSITORY / "course")


@dataclass(frozen=True)
class _Answers:
    """What can be answered to one item: JSON of the right answer, and of some wrong ones."""

    item: str
    public_id: str
    possible: float
    right: str
    wrong: tuple[str, ...]

    @classmethod
    def of(cls, item: Item, ids: Identity) -> _Answers:
        kind = item_type(item.kind)
        key = kind.key(item, ids)
        options = [option["id"] for option in kind.public(item, ids).get("options", ())]
        if item.kind in ("单选", "判断"):
            wrong: Iterable[Any] = [pid for pid in options if pid != key]
        elif item.kind == "多选":
            wrong = [sorted({*key} ^ {pid}) for pid in options if {*key} != {pid}]
        elif item.kind == "排序":
            wrong = [key[::-1], [*key[1:], key[0]]]
        else:
            wrong = [dict.fromkeys(key, "不知道")]
        return cls(item.id, ids.of(item.id), item.points, json.dumps(key), tuple(json.dumps(w) for w in wrong))


def make_gradebook(path: Path, learners: int, seed: int = 7) -> None:
    """Fill a new SQLite file."""
    chance = np.random.default_rng(seed)
    engine = open_book(f"sqlite:///{path}")
    taken, ids = course(), identity()
    accounts = [f"ql{n:06d}" for n in range(learners)]
    ability = chance.normal(size=learners)
    with engine.begin() as connection:
        _people(connection, accounts)
        for module in taken.modules:
            _module(connection, module)
            _answers(connection, module, ids, accounts, ability, chance)
    engine.dispose()


def _put(connection: Connection, table: Table | TableClause, names: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert at the driver's speed; ``names`` are the columns that ``rows`` fill."""
    columns = names.split()
    marks = ", ".join("?" * len(columns))
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({marks})', list(rows))


def _people(connection: Connection, accounts: Sequence[str]) -> None:
    places = dict.fromkeys(one for unit in _UNITS for one in (*ancestors(unit), unit))
    rows = [(path, own_name(path), path.rpartition(SEPARATOR)[0], place) for place, path in enumerate(places)]
    _put(connection, UNIT, "path name parent place", rows)
    people = [
        (
            account,
            f"{n:06d}",
            f"学员{n}",
            _UNITS[n % len(_UNITS)],
            "",
            "",
            "",
            "学员",
            _FIRST_UID + n,
            str(naive(MOMENT)),
        )
        for n, account in enumerate(accounts)
    ]
    _put(connection, PERSON, "account number name unit department track email role uid changed_at", people)
    _put(connection, tables.STUDENT, "id last_name first_name", [(p[0], p[2], own_name(p[3])) for p in people])


def _module(connection: Connection, module: Module) -> None:
    name = module.id
    connection.exec_driver_sql("INSERT OR IGNORE INTO course (id) VALUES ('qinlian')")
    due = str(naive(MOMENT + timedelta(days=200)))
    connection.exec_driver_sql(
        "INSERT INTO assignment (id, name, duedate, course_id) VALUES (?, ?, ?, 'qinlian')", (f"a-{name}", name, due)
    )
    _put(connection, tables.NOTEBOOK, "id name assignment_id kernelspec", [(f"n-{name}", name, f"a-{name}", "{}")])
    for cell, most in (("quiz", module.quizzes[0].points), ("text", module.max_score - module.quizzes[0].points)):
        key = f"{cell}-{name}"
        _put(connection, tables.BASE_CELL, "id name notebook_id type", [(key, key, f"n-{name}", "GradeCell")])
        _put(connection, tables.GRADE_CELL, "id max_score cell_type", [(key, most, "code")])


def _answers(
    connection: Connection,
    module: Module,
    ids: Identity,
    accounts: Sequence[str],
    ability: np.ndarray[Any, Any],
    chance: np.random.Generator,
) -> None:
    quiz = module.quizzes[0]
    pool = [_Answers.of(module.item(item), ids) for item in quiz.pool]
    difficulty = chance.normal(-0.7, 0.8, size=len(pool))
    again = len(accounts) // _AGAIN
    attempts, quizzes, responses = [], [], []
    scores = np.zeros(len(accounts))
    for number, count in ((1, len(accounts)), (2, again)):
        drawn = np.argsort(chance.random((count, len(pool))), axis=1)[:, :DRAWN]
        likely = 1 / (1 + np.exp(difficulty[drawn] - ability[:count, None]))
        right = chance.random(drawn.shape) < likely
        omitted = chance.random(drawn.shape) < _OMITTED
        which = chance.integers(0, 1 << 30, size=drawn.shape)
        fractions = (right & ~omitted).astype(float)
        score = (fractions.mean(axis=1) * quiz.points).round(2)
        scores[:count] = np.maximum(scores[:count], score)
        moment = str(naive(MOMENT + timedelta(days=number)))
        for n in range(count):
            key = hashlib.sha256(f"{accounts[n]} {module.id} {number}".encode()).hexdigest()
            attempts.append((key, accounts[n], module.id, number, "e" * 20, moment, moment, 0, moment, "", "[]"))
            quizzes.append((key, quiz.id, "计入", number, number, score[n], quiz.points, scores[n]))
            for place in range(DRAWN):
                item, empty = pool[drawn[n, place]], bool(omitted[n, place])
                value = item.right if right[n, place] else item.wrong[which[n, place] % len(item.wrong)]
                kept = ("null" if empty else value, "" if empty else "A", not empty)
                mark = fractions[n, place]
                about = (key, quiz.id, item.public_id, item.item, place)
                responses.append((*about, *kept, mark, mark * item.possible, item.possible, ""))
    names = "identity learner module number edition submitted_at first_seen late graded_at code notes"
    _put(connection, ATTEMPT, names, attempts)
    _put(connection, QUIZ, "attempt quiz state number draw score points counted", quizzes)
    names = "attempt quiz public_id item place value spoken answered fraction earned possible problem"
    _put(connection, RESPONSE, names, responses)
    _grades(connection, module, accounts, scores, chance)


def _grades(
    connection: Connection, module: Module, accounts: Sequence[str], scores: Any, chance: np.random.Generator
) -> None:
    name, moment = module.id, str(naive(MOMENT + timedelta(days=1)))
    _put(
        connection,
        tables.SUBMITTED_ASSIGNMENT,
        "id assignment_id student_id timestamp",
        [(f"s-{who}-{name}", f"a-{name}", who, moment) for who in accounts],
    )
    _put(
        connection,
        tables.SUBMITTED_NOTEBOOK,
        "id assignment_id notebook_id flagged late_submission_penalty",
        [(f"b-{who}-{name}", f"s-{who}-{name}", f"n-{name}", 0, None) for who in accounts],
    )
    marks = chance.integers(0, 21, size=len(accounts))
    rows = []
    for who, score, mark in zip(accounts, scores.tolist(), marks.tolist(), strict=True):
        rows.append((f"q-{who}-{name}", f"b-{who}-{name}", f"quiz-{name}", score, None, 0))
        rows.append((f"t-{who}-{name}", f"b-{who}-{name}", f"text-{name}", None, float(mark), mark % 7 == 0))
    _put(connection, tables.GRADE, "id notebook_id cell_id auto_score manual_score needs_manual_grade", rows)
