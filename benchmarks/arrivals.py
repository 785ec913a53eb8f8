"""Submissions as they would come to the exchange: who, when, with which answers, and a few that are no good.

Everything is decided beforehand from a seed and lies ready in a folder beside the exchange; sending
one is a rename, so that who sends costs the machine that grades next to nothing.
"""

from __future__ import annotations

import base64
import os
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.room import some_answers
from qinlian.core.drawing import draw
from qinlian.core.files import ANSWERS_LIMIT, result_name
from qinlian.grading.editions import Edition

__all__ = ["FIRST_UID", "Planned", "Sender", "Sent", "flood", "learner_name", "plan"]

STYLES = ("right", "mixed", "partial", "wrong", "mixed", "no-text")
BAD = ("truncated", "oversize", "forged")
BAD_EVERY, AGAIN_SHARE = 40, 0.1
FIRST_UID = 20001


@dataclass(frozen=True)
class Planned:
    """One submission to come, ``at`` so many seconds from the start."""

    at: float
    learner: str
    module: str
    attempt: int = 1
    bad: str = ""
    burst: bool = False


@dataclass
class Sent:
    """The same, on its way."""

    planned: Planned
    ready: Path
    secret: str
    appeared: float = 0.0
    answered: float = field(default=0.0, compare=False)

    @property
    def seconds(self) -> float:
        """From its appearance in the exchange to that of its result."""
        return self.answered - self.appeared


def learner_name(number: int) -> str:
    """An account as the roster makes them."""
    return f"ql{number:06d}"


def plan(modules: Sequence[str], count: int, seconds: float, burst: int, seed: int) -> list[Planned]:
    """``count`` submissions spread over ``seconds`` as independent people send them, ``burst`` of them at once.

    A tenth are second attempts, at least 20 seconds (or a fifth of the time) after the first. One in
    forty is no good: cut off, over a megabyte, or of somebody else's account.
    """
    chance = random.Random(seed)
    again = int((count - burst) * AGAIN_SHARE)
    first = count - again
    # The first few numbers are left to whoever tries the course out before the class comes.
    numbers = range(len(modules), len(modules) - (-first // 2))
    everybody = [(learner_name(n), module) for n in numbers for module in chance.sample(list(modules), 2)]
    pairs = chance.sample(everybody, first)
    # The gaps between arrivals that nobody arranged are exponential; scaled to fill the time exactly.
    times, moment = [], 0.0
    for _ in range(first - burst):
        moment += chance.expovariate(1.0)
        times.append(moment)
    scale = seconds / (moment or 1.0)
    found = []
    for number, (learner, module) in enumerate(pairs):
        bursts = number >= first - burst
        at = seconds / 2 if bursts else times[number] * scale
        bad = BAD[number // BAD_EVERY % len(BAD)] if number % BAD_EVERY == BAD_EVERY - 1 and not bursts else ""
        found.append(Planned(at, learner, module, bad=bad, burst=bursts))
    wait = min(20.0, seconds / 5)
    early = [p for p in found if not p.bad and not p.burst and p.at + wait < seconds]
    for one in chance.sample(early, min(again, len(early))):
        found.append(Planned(chance.uniform(one.at + wait, seconds), one.learner, one.module, attempt=2))
    return sorted(found, key=lambda p: (p.at, p.learner, p.module, p.attempt))


def flood(modules: Sequence[str], count: int, start: int) -> list[Planned]:
    """``count`` good submissions at one instant, of learners from number ``start`` on."""
    return [Planned(0.0, learner_name(start + n), modules[n % len(modules)]) for n in range(count)]


class Sender:
    """Makes submissions ready and sends them when their time comes."""

    def __init__(self, root: Path, editions: Mapping[str, Edition], notebooks: Mapping[str, bytes]) -> None:
        exchange = root / ".classroom" / "exchange" / "qinlian"
        self._inbound, self._outbox, self._ready = exchange / "inbound", exchange / "feedback", root / ".ready"
        self._editions, self._notebooks = editions, notebooks
        self._ready.mkdir(exist_ok=True)
        self._own = os.geteuid() == 0

    def prepare(self, planned: Planned) -> Sent:
        """Write the folder that this submission will be."""
        folder = self._ready / secrets.token_hex(8)
        folder.mkdir()
        secret = secrets.token_hex(64)
        (folder / f"{planned.module}.ipynb").write_bytes(self._notebooks[planned.module])
        (folder / "answers.json").write_bytes(self._answers(planned))
        (folder / "submission_secret.txt").write_text(secret)
        (folder / "timestamp.txt").write_text(_stamp())
        if self._own:
            uid = FIRST_UID + int(planned.learner[2:]) + (planned.bad == "forged")
            for path in (*folder.iterdir(), folder):
                os.chown(path, uid, -1)
        folder.chmod(0o777)
        return Sent(planned, folder, secret)

    def _answers(self, planned: Planned) -> bytes:
        edition = self._editions[planned.module]
        style = STYLES[int(planned.learner[2:]) % len(STYLES)]
        seen: tuple[str, ...] = ()
        if planned.attempt == 2:
            (quiz,) = edition.module.quizzes
            seen = draw(
                edition=edition.edition,
                quiz=quiz.id,
                learner=planned.learner,
                attempt=1,
                pool=edition.pools[quiz.id],
                count=quiz.count,
            )
        made = some_answers(edition, planned.learner, style, attempt=planned.attempt, seen=seen) or b""
        if planned.bad == "truncated":
            return made[: len(made) // 2]
        return made + b" " * ANSWERS_LIMIT if planned.bad == "oversize" else made

    def send(self, one: Sent) -> None:
        """Let it appear in the exchange, complete."""
        chance = base64.urlsafe_b64encode(os.urandom(9)).decode()
        name = f"{one.planned.learner}+{one.planned.module}+{_stamp()}+{chance}"
        one.ready.rename(self._inbound / name)
        one.appeared = time.time()

    def send_all(self, ready: Sequence[Sent]) -> float:
        """Send each at its time, counted from now; returns the longest that one was late, in seconds."""
        start, late = time.time(), 0.0
        for one in ready:
            wait = start + one.planned.at - time.time()
            if wait > 0:
                time.sleep(wait)
            self.send(one)
            late = max(late, one.appeared - start - one.planned.at)
        return late

    def wait(self, sent: Sequence[Sent], seconds: float) -> list[Sent]:
        """Wait for all results, up to so many seconds after the last was sent; returns those without one."""
        end, left = time.time() + seconds, list(sent)
        while left and time.time() < end:
            time.sleep(0.25)
            left = [one for one in left if not self.answered(one)]
        return left

    def answered(self, one: Sent) -> bool:
        """True when there is a result. The kernel tells when it took its name."""
        try:
            one.answered = (self._outbox / result_name(one.secret)).stat().st_ctime
        except FileNotFoundError:
            return False
        return True


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
