"""A grading room in a scratch folder: a released module, a gradebook and generated submissions.

The benchmarks and the equivalence tests share it, so both grade the same things.
"""

from __future__ import annotations

import json
import random
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qinlian.core.drawing import draw
from qinlian.core.identity import Identity
from qinlian.core.model import Course, Item, Module
from qinlian.grading.editions import Edition, current_edition, save_edition
from qinlian.items.base import item_type
from qinlian.notebooks.assignments import generate_assignments
from qinlian.notebooks.build import write_sources

__all__ = ["MOMENT", "STYLES", "Room", "answer_item", "some_answers"]

REPOSITORY = Path(__file__).resolve().parent.parent
MOMENT = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
STYLES = ("right", "mixed", "partial", "wrong", "blank", "text-only", "no-text", "no-file")
_TEXT = "那天老同学送来一盒茶叶，<b>我</b>没有收。*说清楚*比什么都要紧。\n\n下一次我会当面退回，并登记。"


def _silent(_: str) -> None:
    return None


def answer_item(edition: Edition, item: Item, chance: random.Random, quality: float) -> Any:
    """A value for one item: right with probability ``quality``, else something plausible but not right."""
    key = item_type(item.kind).key(item, edition.ids)
    if chance.random() < quality:
        return key
    public = item_type(item.kind).public(item, edition.ids)
    options = [o["id"] for o in public.get("options", ())]
    if item.kind in ("单选", "判断"):
        return chance.choice(options)
    if item.kind == "多选":
        return sorted(chance.sample(key, max(1, len(key) - 1)) if chance.random() < 0.5 else chance.sample(options, 2))
    if item.kind == "排序":
        return chance.sample(options, len(options))
    if item.kind == "填空":
        return {blank: chance.choice([text, "不知道"]) for blank, text in key.items()}
    right = [r["id"] for r in public["right"]]
    return {left: chance.choice(right) for left in key}


def some_answers(
    edition: Edition, learner: str, style: str, *, attempt: int = 1, seen: tuple[str, ...] = ()
) -> bytes | None:
    """answers.json of a learner as the lesson page would have left it; None for ``no-file``."""
    if style == "no-file":
        return None
    chance = random.Random(f"{learner}/{style}/{attempt}")
    quality = {"right": 1.0, "wrong": 0.0}.get(style, 0.6)
    answers: dict[str, Any] = {}
    for quiz in edition.module.quizzes:
        drawn = draw(
            edition=edition.edition,
            quiz=quiz.id,
            learner=learner,
            attempt=attempt,
            pool=edition.pools[quiz.id],
            count=quiz.count,
            seen=seen,
        )
        for public_id in drawn:
            if style in ("blank", "text-only") or (style == "partial" and chance.random() < 0.4):
                continue
            answers[public_id] = answer_item(edition, edition.items[public_id], chance, quality)
    if style not in ("blank", "no-text"):
        for item in edition.module.reflections:
            answers[edition.ids.of(item.id)] = f"{learner}：{_TEXT}"
    record = {
        "schema": "qinlian.answers/1",
        "course": edition.course_id,
        "module": edition.module.id,
        "edition": edition.edition,
        "revision": len(answers),
        "saved_at": MOMENT.isoformat(timespec="milliseconds"),
        "attempts": {quiz.id: attempt for quiz in edition.module.quizzes},
        "answers": {pid: {"value": v, "at": MOMENT.isoformat(timespec="milliseconds")} for pid, v in answers.items()},
    }
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


@dataclass(frozen=True)
class Room:
    """One course released into ``root``; ``module`` is the one that is graded."""

    root: Path
    course: Course
    module: Module

    @classmethod
    def make(
        cls, root: Path, course: Course, module_id: str, ids: Identity, progress: Callable[[str], None] = _silent
    ) -> Room:
        """Write editions, source/, release/ and the gradebook. Takes seconds: nbgrader is imported."""
        module = course.module(module_id)
        course = course.model_copy(update={"modules": (module,)})
        (root / "course" / "modules" / module.id).mkdir(parents=True)
        (root / ".classroom").mkdir()
        shutil.copy(REPOSITORY / "nbgrader_config.py", root)
        save_edition(root / "course", course, module, ids)
        write_sources(course, ids, root / "source")
        room = cls(root, course, module)
        generate_assignments(
            root,
            course,
            db_url=room.db_url,
            source=root / "source",
            release=root / "release",
            progress=progress,
        )
        return room

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        return f"sqlite:///{self.root / '.classroom' / 'gradebook.db'}"

    @property
    def course_dir(self) -> Path:
        """Where the editions lie."""
        return self.root / "course"

    @property
    def edition(self) -> Edition:
        """What was released."""
        return current_edition(self.course_dir, self.module.id)

    def submitted(self, learner: str) -> Path:
        """The learner's folder under submitted/."""
        return self.root / ".classroom" / "submitted" / learner / self.module.id

    def autograded(self, learner: str) -> Path:
        """The learner's folder under autograded/."""
        return self.root / "autograded" / learner / self.module.id

    def submit(self, learner: str, answers: bytes | None, at: datetime = MOMENT, secret: str = "") -> Path:
        """Put a submission where collect would have put it; one a learner, replaced by the next."""
        folder = self.submitted(learner)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        name = f"{self.module.id}.ipynb"
        (folder / name).write_bytes((self.root / "release" / self.module.id / name).read_bytes())
        (folder / "timestamp.txt").write_text(at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), "utf-8")
        (folder / "submission_secret.txt").write_text(secret or f"secret-of-{learner}-{at:%H%M%S%f}", "utf-8")
        if answers is not None:
            (folder / "answers.json").write_bytes(answers)
        return folder

    def fill(self, count: int, *, late_every: int = 0) -> list[str]:
        """``count`` submissions of all styles; every ``late_every``-th a day after the others."""
        learners = [f"learner{n:05d}" for n in range(count)]
        edition = self.edition
        for n, learner in enumerate(learners):
            late = bool(late_every) and n % late_every == late_every - 1
            at = MOMENT + timedelta(days=1 if late else 0, seconds=n)
            self.submit(learner, some_answers(edition, learner, STYLES[n % len(STYLES)]), at)
        return learners

    def copy(self, root: Path) -> Room:
        """The same room, submissions and gradebook included, in another folder."""
        shutil.copytree(self.root, root)
        return Room(root, self.course, self.module)

    def clear_grades(self) -> None:
        """Remove autograded/, so that the next grading does everything again."""
        for path in (self.root / "autograded").rglob("*"):
            if path.is_file():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
        shutil.rmtree(self.root / "autograded", ignore_errors=True)
