"""The worker: one failure stops nobody, costs no submission its turn, and is made good later."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from qinlian.core.files import ResultFile
from qinlian.errors import GradingError
from qinlian.grading import chunk as chunk_module
from qinlian.grading import results as results_module
from qinlian.grading.chunk import Chunk
from qinlian.grading.exclusive import Exclusive
from qinlian.grading.response_tables import ARRIVAL
from qinlian.grading.rounds import Rounds
from qinlian.grading.setting import Setting, lock_path
from qinlian.grading.shelf import Parcel
from qinlian.grading.summary import Summary
from qinlian.grading.worker import Worker, grade_module
from tests.classroom import QUIZ, Classroom, classroom_on
from tests.sample import MODULE
from tests.unit.grading_told import TEXT, all_done, told

pytestmark = pytest.mark.slow


def give_up(rounds: Rounds) -> None:
    """Let whatever waits fail three times, in the course of nature some minutes' work."""
    for _ in range(3):
        for turn in rounds.claims.next(1):
            with rounds.intake.arrivals.together() as connection:
                for folder in turn.folders:
                    rounds.intake.arrivals.failed(folder, "试过", 3)
                connection.execute(update(ARRIVAL).values(due=None))
            rounds.claims.release([turn.pair])


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return classroom_on(request.param, tmp_path, monkeypatch)


class TestFailures:
    def broken(self, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Exception]) -> None:
        real = chunk_module.grade_submissions

        def grade(setting: Setting, module: str, learners: list[str], *rest: object) -> object:
            if "games" in learners:
                raise fault()
            return real(setting, module, learners, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(chunk_module, "grade_submissions", grade)

    def test_a_poison_submission_is_put_aside_after_three_tries_and_the_rest_goes_on(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("qinlian.grading.arrivals._BACK_OFF", (0.0, 0.0))
        real = Chunk._grade

        def poisoned(self: Chunk, module: str, parcels: list[Parcel]) -> list[Parcel]:
            bad = [p for p in parcels if p.arrival.learner == "games"]
            with self._surviving(bad):
                if bad:
                    raise RuntimeError("内部细节 /etc/secret")
            return real(self, module, [p for p in parcels if p not in bad])

        monkeypatch.setattr(Chunk, "_grade", poisoned)
        room.send("games", room.answers("games"))
        good = room.send("backup", room.answers("backup"))
        rounds = room.rounds()
        with caplog.at_level(logging.INFO, "qinlian.grading"):
            for _ in range(4):
                rounds.step()
        assert told(room, good).score == 80.0
        (arrival,) = rounds.intake.arrivals.of(learner="games")
        assert (arrival.state, arrival.tries) == ("停放", 3)
        assert "内部细节" not in caplog.text
        assert "games+" in caplog.text

    def test_what_was_put_aside_gets_another_chance_from_the_command(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = room.send("games", room.answers("games"))
        rounds = room.rounds()
        rounds.intake.take()
        give_up(rounds)
        assert room.rounds().step() == []
        assert grade_module(room.root, MODULE.id, pages=False).graded == 1
        assert told(room, sent).score == 80.0

    @pytest.mark.parametrize("place", ["placing", "grading"])
    def test_a_full_disk_costs_no_try(self, room: Classroom, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        target = {"placing": "shelf.Shelf.place", "grading": "bulk._write_aside"}[place]
        monkeypatch.setattr(f"qinlian.grading.{target}", Mock(side_effect=full))
        room.send("games", room.answers("games"))
        rounds, summary = room.rounds(), Summary()
        assert rounds.step(summary=summary) == []
        (arrival,) = rounds.intake.arrivals.of(learner="games")
        assert (arrival.state, arrival.tries, summary.failed) == ("已收", 0, 1)

    def test_a_release_that_is_being_made_anew_costs_no_try(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        rounds = room.rounds()
        rounds.intake.take()
        (room.root / "release" / MODULE.id).rename(room.root / "elsewhere")
        assert rounds.step() == []
        (arrival,) = rounds.intake.arrivals.of(learner="games")
        assert (arrival.state, arrival.tries) == ("已收", 0)

    def test_whose_submission_was_put_aside_is_told_and_a_new_worker_tries_again(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        rounds = room.rounds()
        rounds.intake.take()
        give_up(rounds)
        rounds.step()
        assert told(room, sent).state == "拒收"
        assert "重新提交" in told(room, sent).notes[0]
        Worker(room.setting).step()
        assert told(room, sent).score == 80.0

    def test_what_stands_in_its_place_is_graded_before_anybody_is_told_for_good(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room.send("games", room.answers("games"))
        rounds = room.rounds()
        rounds.intake.take()
        give_up(rounds)

        def away(*_: object, **__: object) -> None:
            raise OperationalError("SELECT 1", {}, Exception("gone"))

        with monkeypatch.context() as patch:
            patch.setattr(rounds, "again", away)
            with pytest.raises(OperationalError):
                rounds.tell_refused()
        (arrival,) = rounds.intake.arrivals.untold()
        assert arrival.state == "停放"
        rounds.tell_refused()
        assert rounds.intake.arrivals.untold(), "it is not tried at every step"
        monkeypatch.setattr(rounds, "_tell_from", 0.0)
        rounds.tell_refused()
        assert rounds.intake.arrivals.untold() == []

    def test_a_result_that_could_not_be_written_is_written_later(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.grading.chunk._DISK_WAIT", 0.0)
        bad, good = room.send("games", room.answers("games")), room.send("backup", room.answers("backup"))
        real = results_module.write_result

        def write(folder: Path, secret: str, result: ResultFile) -> bool:
            if secret == bad.secret:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(folder, secret, result)

        rounds = room.rounds()
        with monkeypatch.context() as patch:
            patch.setattr(results_module, "write_result", write)
            assert [p.arrival.learner for p in rounds.step()] == ["backup"]
        assert told(room, good).score == 80.0
        assert [p.arrival.learner for p in rounds.step()] == ["games"]
        assert told(room, bad).quizzes[QUIZ].attempt == 1

    def test_a_mark_whose_result_could_not_be_written_is_told_later(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = room.send("games", room.answers("games", text=TEXT))
        worker = Worker(room.setting)
        worker.step()
        room.mark("games", 17)
        with monkeypatch.context() as patch:
            patch.setattr(results_module, "write_result", Mock(side_effect=OSError(errno.ENOSPC, "full")))
            all_done(worker)
        assert told(room, sent).state == "待评阅"
        all_done(worker)
        assert told(room, sent).state == "已评分"

    def test_what_was_put_off_is_graded_though_its_folder_is_gone_from_the_exchange(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = room.send("games", room.answers("games"))
        worker = Worker(room.setting)
        monkeypatch.setattr("qinlian.grading.chunk._LOCKED_WAIT", 0.0)
        with monkeypatch.context() as patch:
            self.broken(patch, lambda: OperationalError("x", {}, Exception("database is locked")))
            worker.step()
        shutil.rmtree(sent.folder)
        worker.step()
        assert told(room, sent).score == 80.0
        assert not worker.rounds.claims.waiting()

    def test_a_busy_gradebook_costs_no_try(self, room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken(monkeypatch, lambda: OperationalError("x", {}, Exception("database is locked")))
        room.send("games", room.answers("games"))
        rounds = room.rounds()
        summary = Summary()
        assert rounds.step(summary=summary) == []
        (arrival,) = rounds.intake.arrivals.of(learner="games")
        assert (arrival.state, arrival.tries, summary.failed) == ("已收", 0, 1)

    def test_a_course_without_editions_blames_no_submission(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        kept = room.root / "course" / "editions"
        kept.rename(room.root / "elsewhere")
        rounds = room.rounds()
        summary = Summary()
        assert rounds.step(summary=summary) == []
        assert "存档" in next(iter(summary.reasons.values()))
        (arrival,) = rounds.intake.arrivals.of(learner="games")
        assert (arrival.state, arrival.tries) == ("已收", 0)
        (room.root / "elsewhere").rename(kept)
        grade_module(room.root, pages=False)
        assert told(room, sent).score == 80.0

    def test_one_process_at_a_time_takes_in(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        setting = room.setting
        other = Exclusive(setting.db_url, "qinlian intake", lock_path(setting.coursedir, "lock"))
        rounds = room.rounds()
        with other.held(0):
            with pytest.raises(GradingError, match="另一个评分程序"):
                rounds.intake.take(wait=0.1)
            assert rounds.take_in() == 0
        assert rounds.take_in() == 1

    def test_the_summary_says_in_chinese_what_came_of_it(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        (room.inbound / "nonsense").mkdir()
        summary = grade_module(room.root, None)
        assert summary.text() == "评分 1 份，拒收 1 份，发出结果 1 份、反馈页 1 份"
        assert summary.failed == 0
