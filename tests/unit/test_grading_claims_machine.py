"""Three graders in any order, with deaths, sleep and failures: no attempt is lost, or graded by two at once.

The model knows nothing of the database: who took a pair last, whether that lease ran out, and what was
graded. The database must agree with it after every step.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qinlian.database import writing
from qinlian.errors import ClaimError
from qinlian.grading.claims import TRIES, Claims, Turn
from qinlian.grading.ledger import Ledger
from tests.unit.claims_story import Story

pytestmark = pytest.mark.slow

GRADERS = ("one", "two", "three")
LEARNERS = ("an", "bo", "li")
MODULES = ("01", "02")


class Graders(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="qinlian-claims-"))
        self.story = Story.begin(self.folder)
        self.lives = 0
        self.graders: dict[str, Claims] = {}
        self.at: dict[str, list[Turn]] = {}
        self.done: dict[str, set[str]] = {}
        self.owner: dict[tuple[str, str], str] = {}
        """Pair → the life that took it last and may still write."""
        self.killers: set[str] = set()
        self.arrived: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.begun: Counter[str] = Counter()
        self.settled: list[str] = []

    @initialize()
    def start(self) -> None:
        for name in GRADERS:
            self.born(name)

    def born(self, name: str) -> None:
        self.lives += 1
        self.graders[name] = self.story.grader(f"{name}-{self.lives}")
        self.at[name], self.done[name] = [], set()

    @rule(learner=st.sampled_from(LEARNERS), module=st.sampled_from(MODULES), kills=st.integers(0, 9))
    def arrive(self, learner: str, module: str, kills: int) -> None:
        folder = self.story.arrive(learner, module)
        self.arrived[learner, module].append(folder)
        if kills == 0:
            self.killers.add(folder)

    @rule(name=st.sampled_from(GRADERS), limit=st.integers(1, 4))
    def claim(self, name: str, limit: int) -> None:
        if self.at[name]:
            return
        me = self.graders[name].owner
        turns = self.graders[name].next(limit)
        for turn in turns:
            assert self.owner.get(turn.pair) in (None, me), "taken from somebody who still had it"
            self.owner[turn.pair] = me
            for folder in turn.folders:
                self.begun[folder] += 1
                assert self.begun[folder] <= TRIES or folder not in self.killers
            first = [f for f in self.arrived[turn.pair] if self.story.states()[f] == "已收"]
            assert list(turn.folders) == first[: len(turn.folders)], "out of order"
        tried = [turn for turn in turns if self.story.tries(turn.folders[0]) > 1]
        assert not tried or len(turns) == 1, "not alone"
        self.at[name] = turns

    @rule(name=st.sampled_from(GRADERS), data=st.data())
    def grade(self, name: str, data: st.DataObject) -> None:
        """Grade one of what is claimed: whether it can be written is the owner's right alone."""
        left = [(t, f) for t in self.at[name] for f in t.folders if f not in self.done[name]]
        if not left:
            return
        turn, folder = data.draw(st.sampled_from(left))
        if folder in self.killers:
            self.dies(name)
            return
        may = self.owner.get(turn.pair) == self.graders[name].owner
        try:
            with writing(self.story.engine) as connection:
                self.graders[name].renew(connection, [turn.pair])
            written = True
        except ClaimError:
            written = False
        assert written == may
        if written:
            self.done[name].add(folder)

    @rule(name=st.sampled_from(GRADERS))
    def settle(self, name: str) -> None:
        """Whatever is over is written down; what was not come to is given back."""
        turns, grader = self.at[name], self.graders[name]
        if not turns:
            return
        before = self.story.states()
        Ledger(turns, graded=set(self.done[name])).settle(self.story.arrivals, grader)
        after = self.story.states()
        for turn in turns:
            if self.owner.get(turn.pair) in (None, grader.owner):
                self.owner.pop(turn.pair, None)
                self.settled += [f for f in turn.folders if before[f] == "已收" and after[f] == "已评分"]
            for folder in turn.folders:
                if folder not in self.done[name]:
                    self.begun[folder] = max(0, self.begun[folder] - 1)
        self.at[name], self.done[name] = [], set()

    @rule(name=st.sampled_from(GRADERS))
    def sleeps(self, name: str) -> None:
        """Its leases run out while it is not looking; it goes on as if nothing were."""
        me = self.graders[name].owner
        self.story.run_out(me)
        self.owner = {pair: who for pair, who in self.owner.items() if who != me}

    @precondition(lambda self: any(self.at.values()))
    @rule(name=st.sampled_from(GRADERS))
    def dies(self, name: str) -> None:
        self.sleeps(name)
        self.born(name)

    @invariant()
    def at_most_one_owner_each(self) -> None:
        owners = self.story.owners()
        for pair, who in self.owner.items():
            assert owners[pair] == who
        assert not [f for f, count in Counter(self.settled).items() if count > 1]

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def finish(self) -> None:
        """Everybody dies; one that lives on grades the rest, dying of every killer it meets."""
        for name in GRADERS:
            self.story.run_out(self.graders[name].owner)
        for _ in range(400):
            self.born("one")
            grader: Any = self.graders["one"]
            alive = True
            while alive and (turns := grader.next(2)):
                if any(f in self.killers for t in turns for f in t.folders):
                    self.story.run_out(grader.owner)
                    alive = False
                else:
                    Ledger(turns, graded={f for t in turns for f in t.folders}).settle(self.story.arrivals, grader)
            if alive and not grader.waiting():
                break
        for folder, state in self.story.states().items():
            assert state in ("已评分", "停放")
            assert state == "停放" if folder in self.killers else True


Graders.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestGraders = Graders.TestCase
