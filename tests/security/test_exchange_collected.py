"""What was collected stays as it was, is counted once, and is read by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.core.files import result_name
from qinlian.grading.collect import QinlianCollect
from qinlian.grading.summary import Summary
from tests.classroom import QUIZ, Classroom, fresh_classroom
from tests.sample import MODULE
from tests.security.exchange_room import collect

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


class TestSecrets:
    def test_nobody_else_reads_the_secret_of_what_was_collected(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        collect(room, QinlianCollect)
        assert room.submitted("games").parent.stat().st_mode & 0o777 == 0o700
        secrets = list((room.root / ".classroom" / "submitted").rglob("submission_secret.txt"))
        assert len(secrets) == 2
        assert {p.stat().st_mode & 0o777 for p in secrets} == {0o600}

    def test_one_learner_cannot_fill_the_graders_disk(self, room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qinlian.grading.intake._HELD", 2)
        for _ in range(4):
            room.send("games", room.answers("games"))
        room.send("backup", room.answers("backup"))
        rounds = room.rounds()
        kept = [p.arrival.learner for p in rounds.intake.take()]
        assert sorted(kept) == ["backup", "games", "games"]
        states = [a.state for a in rounds.intake.arrivals.of(learner="games")]
        assert sorted(states) == ["已收", "已收", "等待", "等待"]


class TestAfterCollecting:
    """The learner still owns the folder in the exchange."""

    def test_what_was_taken_is_not_read_again(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=2))
        rounds = room.rounds()
        rounds.step()
        before = room.scores("games")
        better = room.send("other", room.answers("games", right=6))
        (sent.folder / "answers.json").write_bytes((better.folder / "answers.json").read_bytes())
        rounds.again(MODULE.id, Summary())
        collect(room, QinlianCollect)
        assert room.scores("games") == before

    def test_a_secret_serves_once_so_that_no_attempt_can_be_given_again(self, room: Classroom) -> None:
        one = room.send("games", room.answers("games", right=2))
        rounds = room.rounds()
        rounds.step()
        result = (room.outbox / result_name(one.secret)).read_bytes()
        two = room.send("games", room.answers("games", right=6))
        (two.folder / "submission_secret.txt").write_text(one.secret)
        assert rounds.step() == []
        assert room.scores("games")[QUIZ][0] == pytest.approx(80 / 3, abs=0.01)
        assert (room.outbox / result_name(one.secret)).read_bytes() == result

    def test_somebody_elses_folder_copied_is_not_taken_twice(self, room: Classroom) -> None:
        one = room.send("games", room.answers("games"))
        copy = room.send("backup", room.answers("games"))
        (copy.folder / "submission_secret.txt").write_text(one.secret)
        assert len(room.rounds().step()) == 1
        taken = [p.name for p in room.submitted("games").parent.parent.iterdir() if p.name[:1] != "."]
        assert len(taken) == 1
