"""Learners who hand in at once, and what must be true of the gradebook afterwards."""

from __future__ import annotations

import os
import pwd
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from qinlian.core.files import Answer, AnswerFile, ResultFile
from qinlian.errors import StoreError
from qinlian.grading.editions import current_edition
from qinlian.quiz.answer_file import AnswerStore
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import read_lesson
from tests.hub.room import HubRoom


@dataclass
class Acknowledged:
    """What somebody was told is safe: submissions by (account, module), and the last saved word of each learner."""

    submissions: Counter[tuple[str, str]] = field(default_factory=Counter)
    results: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    saved: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: int = 0


class Crowd:
    """All learners of a room. Everything a learner does is done in a child process that has become them."""

    def __init__(self, room: HubRoom, modules: tuple[str, ...]) -> None:
        self.room, self.modules = room, modules
        self.accounts = [p.account for p in room.people if p.role == "学员"]
        self.told = Acknowledged()
        self._editions = {m: current_edition(room.state / "course" / "course", m) for m in modules}

    # -- what learners do

    def _as(self, account: str, work: Any) -> str:
        """Run ``work`` as the learner; returns what it returned, or ``!`` and why it was refused."""
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            said = "!died"
            try:
                os.close(ours)
                who = pwd.getpwnam(account)
                os.setgroups([])
                os.setgid(who.pw_gid)
                os.setuid(who.pw_uid)
                os.umask(0o077)
                said = str(work())
            except StoreError as error:
                said = f"!{error}"
            except BaseException as error:
                said = f"!!{type(error).__name__}: {error}"
            finally:
                os.write(theirs, said.encode())
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, "rb") as handle:
            said = handle.read().decode()
        os.waitpid(child, 0)
        assert not said.startswith("!!"), f"{account}: {said}"
        return said

    def _exchange(self, account: str) -> tuple[Exchange, Path]:
        home = self.room.state / "learners" / "homes" / account
        settings = ExchangeSettings(
            root=self.room.state / "learners" / "exchange",
            course_id="qinlian",
            learner=account,
            cache=home / ".local" / "share" / "jupyter" / "nbgrader_cache",
        )
        return Exchange(settings), home

    def submit(self, account: str, module: str) -> bool:
        """Answer something and hand it in; True when the learner was told that it was received."""
        exchange, home = self._exchange(account)
        edition = self._editions[module]
        word = secrets.token_hex(8)

        def work() -> str:
            folder = exchange.folder(home, module)
            exchange.fetch(module, folder)
            store = AnswerStore(folder, read_lesson(folder))
            reflections = [edition.ids.of(item.id) for item in edition.module.reflections]
            store.save(dict.fromkeys(reflections, f"心得 {word}"))
            return exchange.submit(folder, module).result

        said = self._as(account, work)
        if said.startswith("!"):
            self.told.refused += 1
            return False
        self.told.submissions[account, module] += 1
        self.told.results.setdefault((account, module), []).append(said)
        self.told.saved[account, module] = word
        return True

    def save(self, account: str, module: str) -> str:
        """Save an answer only; returns what the learner was told: empty when all is well, else the reason."""
        exchange, home = self._exchange(account)
        word = secrets.token_hex(8)
        reflections = [self._editions[module].ids.of(item.id) for item in self._editions[module].module.reflections]

        def work() -> str:
            folder = exchange.folder(home, module)
            exchange.fetch(module, folder)
            AnswerStore(folder, read_lesson(folder)).save(dict.fromkeys(reflections, f"心得 {word}"))
            return ""

        said = self._as(account, work)
        if not said:
            self.told.saved[account, module] = word
        return said.removeprefix("!")

    def some_submit(self, count: int, dice: random.Random) -> int:
        """``count`` submissions, one after the other; returns how many were acknowledged."""
        return sum(self.submit(dice.choice(self.accounts), dice.choice(self.modules)) for _ in range(count))

    # -- what must be true

    def _rows(self, query: str) -> list[Any]:
        engine = create_engine(self.room.db_url, hide_parameters=True)
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(query)))
        finally:
            engine.dispose()

    def settle(self, seconds: float = 90) -> None:
        """Wait until everything acknowledged is graded and its newest result is out."""
        until = time.monotonic() + seconds
        while True:
            missing = self._missing()
            if not missing:
                return
            assert time.monotonic() < until, f"not graded within {seconds} s: {missing}\n{self.room.logs()}"
            time.sleep(0.2)

    def _missing(self) -> list[str]:
        try:
            found = {(r.learner, r.module): r.n for r in self._rows(
                "SELECT learner, module, count(*) AS n FROM qinlian_attempt GROUP BY learner, module"
            )}  # fmt: skip
        except (OperationalError, ProgrammingError):
            # It is away, or no worker has made its tables yet.
            return ["the gradebook"]
        missing = [f"{who}: {found.get(who, 0)} of {n}" for who, n in self.told.submissions.items()
                   if found.get(who, 0) < n]  # fmt: skip
        feedback = self.room.state / "learners" / "exchange" / "qinlian" / "feedback"
        for who, names in self.told.results.items():
            if not (feedback / names[-1]).is_file():
                missing.append(f"{who}: no result")
        return missing

    def check(self) -> None:
        """Nothing lost, nothing doubled, nothing half-written. Call after ``settle``."""
        attempts = self._rows("SELECT learner, module, number, identity FROM qinlian_attempt")
        numbers: dict[tuple[str, str], list[int]] = {}
        for row in attempts:
            numbers.setdefault((row.learner, row.module), []).append(row.number)
        for who, found in numbers.items():
            assert sorted(found) == list(range(1, len(found) + 1)), f"{who}: numbers {sorted(found)}"
            assert len(found) == self.told.submissions[who], f"{who}: {len(found)} of {self.told.submissions[who]}"
        orphans = self._rows(
            "SELECT r.attempt FROM qinlian_response r LEFT JOIN qinlian_attempt a ON a.identity = r.attempt "
            "WHERE a.identity IS NULL"
        )
        assert not orphans, "answers without their attempt"
        half = self._rows(
            "SELECT a.identity FROM qinlian_attempt a LEFT JOIN qinlian_response r ON r.attempt = a.identity "
            "WHERE r.attempt IS NULL"
        )
        assert not half, "attempts without their answers"
        doubled = self._rows(
            "SELECT student_id, assignment_id FROM submitted_assignment "
            "GROUP BY student_id, assignment_id HAVING count(*) > 1"
        )
        assert not doubled, "a learner twice in nbgrader's gradebook"
        grades = self._rows(
            "SELECT sn.id, count(g.id) AS n, count(DISTINCT g.cell_id) AS d FROM submitted_notebook sn "
            "LEFT JOIN grade g ON g.notebook_id = sn.id GROUP BY sn.id"
        )
        assert all(row.n == row.d > 0 for row in grades), "grades missing or doubled"
        self._check_files()

    def _check_files(self) -> None:
        feedback = self.room.state / "learners" / "exchange" / "qinlian" / "feedback"
        for who, names in self.told.results.items():
            result = ResultFile.model_validate_json((feedback / names[-1]).read_bytes())
            assert result.module == who[1]
            assert result.state != "拒收", f"{who}: {result.notes}"
        for (account, module), word in self.told.saved.items():
            path = self.room.state / "learners" / "homes" / account / module / "answers.json"
            answers = AnswerFile.model_validate_json(path.read_bytes())
            given: list[Answer] = list(answers.answers.values())
            assert any(word in str(a.value) for a in given), f"{account}: an acknowledged answer is gone"
