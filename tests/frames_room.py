"""A gradebook filled by hand for the frames, and the course that it belongs to: fast, on SQLite or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import insert

from qinlian.core.model import Course, Item, Module, QuizBlock, ReflectionBlock, Track
from qinlian.grading import tables
from qinlian.grading.response_tables import ATTEMPT, QUIZ, RESPONSE
from qinlian.reports import frames
from tests.sample import MODULE as SAMPLE
from tests.sample import REFLECTION
from tests.staff_room import GIFTS, NOW, START, Book

__all__ = ["COURSE", "FrameBook", "read"]

_numbers = count(1)

_QUIZ = tuple(i for i in SAMPLE.items if i.use == "测验")


def _module(planned: Any, quiz: str, items: tuple[Item, ...], **more: Any) -> Module:
    own = tuple(item.id for item in items if item.use == "测验")
    blocks = (QuizBlock(id=quiz, pool=own, count=3, points=planned.max_score - 20, **more), ReflectionBlock(item="R1"))
    text = REFLECTION.model_copy(update={"id": "R1"})
    return Module(id=planned.id, title=planned.title, hours=planned.hours, items=(*items, text), blocks=blocks)


COURSE = Course(
    id="qinlian",
    title="勤廉学堂",
    pass_mark=60,
    modules=(_module(START, "exam-1", _QUIZ[:6]), _module(GIFTS, "exam-2", _QUIZ[6:])),
    tracks=(
        Track(name="青年干部", modules=(START.id, GIFTS.id)),
        Track(name="教师", modules=(START.id,), pass_mark=80),
    ),
)
"""The same two modules and tracks as ``tests.staff_room.PLAN``."""


class FrameBook(Book):
    """A gradebook with what learners answered."""

    @classmethod
    def on(cls, kind: str, folder: Path) -> FrameBook:
        """An empty one on ``sqlite``, below ``folder``, or on ``postgresql``."""
        if kind == "sqlite":
            return cls.fresh(folder)
        from tests.classroom import postgres

        return cls(postgres().create(f"frames{next(_numbers)}"))

    def add(self, number: str, unit: str, name: str = "", *, gone: bool = False, **more: Any) -> str:
        account = super().add(number, unit, name, gone=gone, **more)
        with self.engine.begin() as c:
            c.execute(insert(tables.STUDENT).values(id=account, last_name=name or account, first_name=unit))
        return account

    def stranger(self, account: str, name: str, unit: str) -> str:
        """Somebody whom nbgrader knows and the roster does not."""
        with self.engine.begin() as c:
            c.execute(insert(tables.STUDENT).values(id=account, last_name=name, first_name=unit))
        return account

    def attempt(
        self,
        account: str,
        number: int,
        answers: Sequence[tuple[str, Any, float | None]] = (),
        *,
        module: str = START.id,
        quiz: str = "exam-1",
        state: str = "计入",
        counted: int = 1,
        late: bool = False,
    ) -> str:
        """One submission: ``answers`` are (item, value, fraction) in the order of the draw, each worth 2."""
        identity = f"{account}-{module}-{number}"
        moment = NOW + timedelta(minutes=number)
        with self.engine.begin() as c:
            about = {"identity": identity, "learner": account, "module": module, "number": number, "edition": "e"}
            times = {"submitted_at": moment, "first_seen": moment, "graded_at": moment}
            c.execute(insert(ATTEMPT).values(**about, **times, late=late, code="", notes="[]"))
            taken = {"attempt": identity, "quiz": quiz, "state": state, "number": counted, "draw": counted}
            c.execute(insert(QUIZ).values(**taken, score=40.0, points=80.0, counted=40.0))
            for place, (item, value, fraction) in enumerate(answers):
                row = {"attempt": identity, "quiz": quiz, "public_id": f"p-{item}", "item": item, "place": place}
                marks = {"fraction": fraction, "earned": None if fraction is None else fraction * 2, "possible": 2.0}
                kept = {"value": json.dumps(value), "spoken": "", "answered": value is not None, "problem": ""}
                c.execute(insert(RESPONSE).values(**row, **marks, **kept))
        return identity


def read(book: FrameBook, what: Callable[..., pd.DataFrame], *arguments: Any, **named: Any) -> pd.DataFrame:
    """The frame that ``what`` gives of that gradebook, opened as a report opens it."""
    with frames.open_gradebook(book.url) as connection:
        return what(connection, *arguments, **named)
