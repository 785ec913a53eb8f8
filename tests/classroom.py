"""A course repository with the sample module, released and ready to be submitted to. Real nbgrader throughout."""

from __future__ import annotations

import atexit
import base64
import json
import logging
import os
import secrets
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config

from qinlian.core.drawing import draw
from qinlian.core.files import ResultFile, result_name
from qinlian.core.model import Course, Item
from qinlian.grading.editions import current_edition, save_edition
from qinlian.grading.rounds import Rounds
from qinlian.grading.setting import Setting
from qinlian.items.base import item_type
from qinlian.notebooks.assignments import generate_assignments
from qinlian.notebooks.build import write_sources
from qinlian.toolpath import put_tools_on_path
from tests.postgres import PostgresServer, running_server
from tests.sample import COURSE, IDS, MODULE

REPOSITORY = Path(__file__).resolve().parent.parent
QUIZ, REFLECTION = "90-exam", "LZ-90-R1"


@dataclass(frozen=True)
class Sent:
    """One submission: its folder in the exchange and the secret that opens its result."""

    folder: Path
    secret: str


@dataclass(frozen=True)
class Classroom:
    """One course repository below a temporary folder; its exchange, gradebook and the rest.

    ``database`` is the gradebook's address where it is not the SQLite file there.
    """

    root: Path
    database: str = ""

    @property
    def setting(self) -> Setting:
        """As the worker reads it."""
        log = logging.getLogger("qinlian.grading")
        return Setting.load(self.root, Config(), log)

    @property
    def inbound(self) -> Path:
        return self.root / ".classroom" / "exchange" / "qinlian" / "inbound"

    @property
    def outbox(self) -> Path:
        """Where results and feedback go out."""
        return self.root / ".classroom" / "exchange" / "qinlian" / "feedback"

    @property
    def db_url(self) -> str:
        return self.database or f"sqlite:///{self.root / '.classroom' / 'gradebook.db'}"

    @property
    def edition(self) -> str:
        return current_edition(self.root / "course", MODULE.id).edition

    def submitted(self, learner: str) -> Path:
        return self.root / ".classroom" / "submitted" / learner / MODULE.id

    def autograded(self, learner: str) -> Path:
        return self.root / "autograded" / learner / MODULE.id

    def rounds(self) -> Rounds:
        """A grader of this classroom."""
        return Rounds(self.setting)

    def drawn(self, learner: str, attempt: int = 1, seen: tuple[str, ...] = ()) -> list[Item]:
        """The items that this learner gets."""
        quiz = MODULE.quizzes[0]
        pool = sorted((IDS.of(i), MODULE.item(i).difficulty) for i in quiz.pool)
        got = draw(
            edition=self.edition, quiz=quiz.id, learner=learner, attempt=attempt, pool=pool, count=quiz.count, seen=seen
        )
        by_public = {IDS.of(item.id): item for item in MODULE.items}
        return [by_public[pid] for pid in got]

    def answers(
        self, learner: str, right: int = 6, text: str | None = None, attempt: int = 1, seen: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """answers.json of a learner who gets the first ``right`` drawn items right and leaves the rest."""
        given = {
            IDS.of(item.id): {"value": item_type(item.kind).key(item, IDS), "at": ""}
            for item in self.drawn(learner, attempt, seen)[:right]
        }
        if text is not None:
            given[IDS.of(REFLECTION)] = {"value": text, "at": ""}
        return {
            "schema": "qinlian.answers/1",
            "course": COURSE.id,
            "module": MODULE.id,
            "edition": self.edition,
            "revision": 7,
            "saved_at": "2026-11-22T08:00:00+00:00",
            "attempts": {QUIZ: attempt},
            "answers": given,
        }

    def send(
        self,
        learner: str,
        answers: dict[str, Any] | bytes | None = None,
        *,
        claimed: str | None = None,
        notebook: bytes | None = None,
    ) -> Sent:
        """Submit as nbgrader's ExchangeSubmit leaves it. ``notebook`` replaces the released one (b"" drops it)."""
        stamp = claimed or datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        chance = base64.urlsafe_b64encode(os.urandom(9)).decode()
        folder = self.inbound / f"{learner}+{MODULE.id}+{stamp}+{chance}"
        folder.mkdir()
        data = json.dumps(answers).encode() if isinstance(answers, dict) else answers
        if data is not None:
            (folder / "answers.json").write_bytes(data)
        released = (self.root / "release" / MODULE.id / f"{MODULE.id}.ipynb").read_bytes()
        if notebook != b"":
            (folder / f"{MODULE.id}.ipynb").write_bytes(released if notebook is None else notebook)
        secret = secrets.token_hex(64)
        (folder / "timestamp.txt").write_text(stamp)
        (folder / "submission_secret.txt").write_text(secret)
        folder.chmod(0o777)
        return Sent(folder, secret)

    def result(self, sent: Sent) -> ResultFile | None:
        """What the learner finds, or None while there is nothing."""
        try:
            return ResultFile.model_validate_json((self.outbox / result_name(sent.secret)).read_bytes())
        except FileNotFoundError:
            return None

    def gradebook(self) -> Gradebook:
        return Gradebook(self.db_url, "qinlian")

    def scores(self, learner: str) -> dict[str, tuple[float | None, float | None, bool]]:
        """Cell → (automatic, manual, needs a person) as nbgrader holds it."""
        with self.gradebook() as gradebook:
            notebook = gradebook.find_submission_notebook(MODULE.id, MODULE.id, learner)
            return {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades}

    def mark(self, learner: str, points: float, comment: str = "") -> None:
        """Give the reflection a mark, as formgrader does."""
        with self.gradebook() as gradebook:
            grade = gradebook.find_grade(REFLECTION, MODULE.id, MODULE.id, learner)
            grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.find_comment(REFLECTION, MODULE.id, MODULE.id, learner).manual_comment = comment or None
            gradebook.db.commit()

    def due(self, moment: datetime | None) -> None:
        """Set the module's due date."""
        with self.gradebook() as gradebook:
            due = moment.astimezone(UTC).replace(tzinfo=None) if moment else None
            gradebook.update_or_create_assignment(MODULE.id, duedate=due)


def make_classroom(root: Path, course: Course = COURSE, database: str = "") -> Classroom:
    """Build a course of one module (the sample) below ``root``: source, release, edition, gradebook and exchange."""
    made = Classroom(root, database)
    (module,) = course.modules
    (root / "course" / "modules" / module.id).mkdir(parents=True)
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    (root / "course" / "course.yaml").touch()
    (root / ".classroom").mkdir(mode=0o700)
    (root / ".classroom" / "one-user").touch()
    write_sources(course, IDS, root / "source")
    generate_assignments(
        root, course, db_url=made.db_url, source=root / "source", release=root / "release", progress=lambda _: None
    )
    save_edition(root / "course", course, module, IDS)
    made.inbound.mkdir(parents=True)
    made.inbound.chmod(0o2733)
    outbound = made.inbound.parent / "outbound" / module.id
    shutil.copytree(root / "release" / module.id, outbound)
    return made


@cache
def _template() -> Classroom:
    put_tools_on_path()
    root = Path(tempfile.mkdtemp(prefix="qinlian-classroom-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return make_classroom(root)


@cache
def postgres() -> PostgresServer:
    """A PostgreSQL for as long as this process runs."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running_server())


@cache
def _template_database() -> str:
    """The name of a database with the template's gradebook in it."""
    with tempfile.TemporaryDirectory(prefix="qinlian-classroom-") as root:
        make_classroom(Path(root) / "repository", database=postgres().url)
    return "gradebook"


def fresh_classroom(folder: Path) -> Classroom:
    """A classroom of its own below ``folder``, for one test to spoil; built once a run, then copied."""
    shutil.copytree(_template().root, folder / "repository")
    return Classroom(folder / "repository")


def classroom_on(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """The same on ``sqlite`` or ``postgres``, for this process and those it starts."""
    room = fresh_classroom(folder)
    if kind == "sqlite":
        monkeypatch.delenv("QINLIAN_DATABASE_URL", raising=False)
        return room
    url = postgres().create(f"room_{secrets.token_hex(6)}", template=_template_database())
    monkeypatch.setenv("QINLIAN_DATABASE_URL", url)
    return Classroom(room.root, url)
