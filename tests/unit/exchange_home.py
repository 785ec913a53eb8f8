"""An exchange with one released module, a learner's copy of it, and the files that go between them."""

from __future__ import annotations

import json
from pathlib import Path

from qinlian.core.files import LessonBlock, LessonFile, QuizResult, ResultFile
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings

MODULE = "90-sample"


def lesson(edition: str = "e1", *, title: str = "样例模块") -> bytes:
    quiz = LessonBlock(kind="quiz", id="90-exam", items=("a1", "a2"), count=2, attempts=3, points=100)
    items = {i: {"kind": "single", "difficulty": 1} for i in quiz.items}
    made = LessonFile(
        course="qinlian", course_title="勤廉学堂", module=MODULE, title=title, hours=2,
        edition=edition, blocks=(quiz,), items=items,
    )  # fmt: skip
    return made.model_dump_json(by_alias=True).encode()


def notebook(text: str = "第一节", **cell: object) -> bytes:
    prose = {"cell_type": "markdown", "id": "c1", "metadata": {"qinlian": {"role": "prose"}}, "source": text, **cell}
    return json.dumps({"cells": [prose], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def answers(*items: str, attempt: int = 1) -> bytes:
    given = {i: {"value": "x", "at": "2026-01-01T00:00:00+00:00"} for i in items}
    whole = {"schema": "qinlian.answers/1", "course": "qinlian", "module": MODULE, "edition": "e1", "answers": given}
    return json.dumps(whole | {"attempts": {"90-exam": attempt}}).encode()


def grade(exchange: Exchange, result: str, **more: object) -> None:
    quiz = QuizResult(
        attempt=1, attempts=3, score=50, counted=50, points=100, keep="最高",
        passed=False, final=False, revealed=False, seen=(),
    )  # fmt: skip
    fields: dict[str, object] = {"course": "qinlian", "module": MODULE, "edition": "e1", "submitted_at": ""}
    fields |= {"graded_at": "", "score": 50, "max_score": 100, "state": "已评分", "quizzes": {"90-exam": quiz}}
    folder = exchange.root / "qinlian" / "feedback"
    folder.mkdir(exist_ok=True)
    (folder / result).write_text(ResultFile.model_validate(fields | more).model_dump_json(by_alias=True))


def released_exchange(tmp_path: Path) -> Exchange:
    """An exchange with one released module, as nbgrader's release leaves it."""
    released = tmp_path / "exchange" / "qinlian" / "outbound" / MODULE
    released.mkdir(parents=True)
    (released / "lesson.json").write_bytes(lesson())
    (released / f"{MODULE}.ipynb").write_bytes(notebook())
    inbound = released.parent.parent / "inbound"
    inbound.mkdir()
    inbound.chmod(0o2733)
    return Exchange(ExchangeSettings(tmp_path / "exchange", "qinlian", "xiaozhou", tmp_path / "cache"))


def fetched_home(tmp_path: Path, exchange: Exchange) -> Path:
    """The learner's fetched copy of the module, answered."""
    folder = tmp_path / "home" / MODULE
    exchange.fetch(MODULE, folder)
    (folder / "answers.json").write_bytes(answers("a1"))
    return folder


def release(exchange: Exchange, name: str, data: bytes) -> None:
    (exchange.root / "qinlian" / "outbound" / MODULE / name).write_bytes(data)


def inbound(exchange: Exchange) -> list[Path]:
    return sorted((exchange.root / "qinlian" / "inbound").iterdir())
