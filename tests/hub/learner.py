"""A learner of a Hub without a browser: what their own server would do, done as their unix user."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from qinlian.authoring.secret import read_secret
from qinlian.core.drawing import draw
from qinlian.core.files import Answer, AnswerFile, letterbox_name
from qinlian.grading.editions import Edition, current_edition
from qinlian.items.base import item_type
from tests.hub.room import HubRoom

_FETCH = """
import sys
from pathlib import Path
from qinlian.quiz.exchange import Exchange
exchange, module = Exchange.from_environment(), sys.argv[1]
exchange.fetch(module, exchange.folder(Path.home(), module))
"""
_SUBMIT = """
import sys
from pathlib import Path
from qinlian.quiz.exchange import Exchange
exchange, module = Exchange.from_environment(), sys.argv[1]
folder = exchange.folder(Path.home(), module)
(folder / "answers.json").write_bytes(sys.stdin.buffer.read())
print(exchange.submit(folder, module).result)
"""
_RESULT = """
import sys
from qinlian.quiz.exchange import Exchange
standing = Exchange.from_environment().standing(sys.argv[1])
answer = standing.refusal or (standing.result if standing.graded == standing.submitted else None)
print(answer.model_dump_json(by_alias=True) if answer else "")
"""


class Learner:
    """One learner of a room."""

    def __init__(self, room: HubRoom, account: str) -> None:
        self.room, self.account = room, account

    @property
    def home(self) -> Path:
        return self.room.state / "learners" / "homes" / self.account

    def environment(self) -> dict[str, str]:
        """As the spawner gives it."""
        secret = read_secret(self.room.state / "course" / "course")
        return {
            "PATH": f"{self.room.state / 'venv' / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "QINLIAN_EXCHANGE": str(self.room.state / "learners" / "exchange"),
            "QINLIAN_COURSE_ID": "qinlian",
            "QINLIAN_LETTERBOX": letterbox_name(secret, self.account),
            "JUPYTERHUB_USER": self.account,
        }

    def run(self, *command: str, given: bytes = b"", seconds: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Run a command as this learner; ``os.system`` in a notebook of theirs can do no more."""
        become = ["setpriv", "--reuid", self.account, "--regid", self.account, "--init-groups", "--"]
        return subprocess.run(
            [*become, *command],
            cwd=self.home,
            env=self.environment(),
            input=given,
            capture_output=True,
            check=False,
            timeout=seconds,
        )

    def python(self, code: str, *words: str, given: bytes = b"") -> str:
        """Run a piece of Python as this learner; returns what it prints. Fails when the piece fails."""
        done = self.run("python", "-P", "-c", code, *words, given=given)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def shell(self, line: str) -> subprocess.CompletedProcess[bytes]:
        """A line of shell as this learner."""
        return self.run("sh", "-c", line)

    def fetch(self, module: str) -> None:
        self.python(_FETCH, module)

    def submit(self, module: str, answers: AnswerFile) -> str:
        """Hand in; returns the name of the file in which the result will come."""
        return self.python(_SUBMIT, module, given=answers.model_dump_json(by_alias=True).encode())

    def result(self, module: str) -> dict[str, Any] | None:
        """What came back for the newest submission, or None while it is not graded."""
        said = self.python(_RESULT, module)
        return json.loads(said) if said else None


def edition(room: HubRoom, module: str) -> Edition:
    """The module's newest edition, key included."""
    return current_edition(room.state / "course" / "course", module)


def full_marks(room: HubRoom, account: str, module: str, attempt: int = 1, seen: tuple[str, ...] = ()) -> AnswerFile:
    """answers.json of somebody who gets every graded question right."""
    known = edition(room, module)
    given: dict[str, Answer] = {}
    for quiz in known.module.quizzes:
        drawn = draw(
            edition=known.edition,
            quiz=quiz.id,
            learner=account,
            attempt=attempt,
            pool=known.pools[quiz.id],
            count=quiz.count,
            seen=seen,
        )
        for public_id in drawn:
            item = known.items[public_id]
            given[public_id] = Answer(value=item_type(item.kind).key(item, known.ids))
    return AnswerFile(
        course="qinlian",
        module=module,
        edition=known.edition,
        revision=len(given),
        attempts={quiz.id: attempt for quiz in known.module.quizzes},
        answers=given,
    )


def blank(room: HubRoom, module: str) -> AnswerFile:
    """answers.json of somebody who answered nothing."""
    return AnswerFile(course="qinlian", module=module, edition=edition(room, module).edition)
