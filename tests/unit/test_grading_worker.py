"""The worker: in the order of arrival, one failure stops nobody, and what changes later reaches the learner."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError

from qinlian.core.files import ResultFile
from qinlian.errors import GradingError
from qinlian.grading import results as results_module
from qinlian.grading import rounds as rounds_module
from qinlian.grading.assess import assess_folder
from qinlian.grading.rounds import Rounds, Summary
from qinlian.grading.setting import Setting, grading_lock
from qinlian.grading.worker import READY, Worker, grade_module
from tests.classroom import QUIZ, REFLECTION, REPOSITORY, Classroom, Sent, fresh_classroom
from tests.sample import IDS, MODULE

pytestmark = pytest.mark.slow
TEXT = "我遇到过一件小事。"


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


def told(room: Classroom, sent: Sent) -> ResultFile:
    found = room.result(sent)
    assert found is not None
    return found


class TestAttempts:
    def test_a_second_attempt_draws_what_was_not_drawn_and_the_best_counts(self, room: Classroom) -> None:
        rounds = room.rounds()
        first = room.send("games", room.answers("games", right=3))
        rounds.step()
        seen = told(room, first).quizzes[QUIZ].seen
        second = room.send("games", room.answers("games", right=1, attempt=2, seen=seen))
        rounds.step()
        quiz = told(room, second).quizzes[QUIZ]
        assert (quiz.attempt, quiz.score, quiz.counted) == (2, 13.33, 40.0)
        assert not set(seen) & set(quiz.drawn)
        assert room.scores("games")[QUIZ][0] == 40.0

    def test_two_that_wait_together_are_two_attempts_in_their_order(self, room: Classroom) -> None:
        room.send("games", room.answers("games", right=2))
        last = room.send("games", room.answers("games", right=3))
        summary = Summary()
        room.rounds().step(summary=summary)
        quiz = told(room, last).quizzes[QUIZ]
        assert (summary.recorded, summary.graded) == (1, 1)
        assert (quiz.attempt, quiz.score) == (2, 40.0)

    def test_grading_again_adds_no_attempt(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=2))
        rounds = room.rounds()
        rounds.step()
        before = told(room, sent)
        rounds.again(MODULE.id, Summary())
        assert told(room, sent) == before

    def test_a_late_attempt_after_one_on_time_is_recorded_and_changes_nothing(self, room: Classroom) -> None:
        rounds = room.rounds()
        room.send("games", room.answers("games", right=2, text=TEXT))
        rounds.step()
        room.mark("games", 15)
        room.due(datetime.now(UTC))
        time.sleep(0.05)
        before = room.scores("games"), (room.submitted("games") / "timestamp.txt").read_text()
        late = room.send("games", room.answers("games", right=6, text="另一篇"))
        rounds.step()
        assert (room.scores("games"), (room.submitted("games") / "timestamp.txt").read_text()) == before
        assert told(room, late).late
        assert told(room, late).quizzes[QUIZ].counted == 26.67

    def test_a_late_attempt_counts_when_none_was_on_time(self, room: Classroom) -> None:
        room.due(datetime.now(UTC) - timedelta(hours=1))
        sent = room.send("games", room.answers("games", right=3))
        room.rounds().step()
        assert told(room, sent).late
        assert room.scores("games")[QUIZ][0] == 40.0


class TestReveal:
    def test_while_attempts_remain_only_score_and_topics_are_told(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=2))
        room.rounds().step()
        quiz = told(room, sent).quizzes[QUIZ]
        assert (quiz.final, quiz.revealed, quiz.items) == (False, False, ())
        assert quiz.topics

    def test_a_pass_opens_key_and_explanation(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=6))
        room.rounds().step()
        quiz = told(room, sent).quizzes[QUIZ]
        assert quiz.passed
        assert all(i.key is not None and i.explanation.startswith("<p>") and i.citations for i in quiz.items)

    def test_closing_opens_them_without_anybody_doing_anything(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=2))
        worker = Worker(room.setting)
        worker.step()
        assert told(room, sent).quizzes[QUIZ].items == ()
        room.due(datetime.now(UTC) + timedelta(milliseconds=200))
        time.sleep(0.3)
        worker._looked = 0.0
        worker.step()
        assert told(room, sent).quizzes[QUIZ].items != ()

    def test_explanations_name_options_by_the_letters_the_learner_saw(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=6))
        room.rounds().step()
        for item in told(room, sent).quizzes[QUIZ].items:
            ours = next(i for i in MODULE.items if IDS.of(i.id) == item.item)
            assert IDS.relettered(ours, ours.explanation) in item.explanation


class TestReflections:
    def test_a_reflection_waits_for_its_reader_then_its_mark_and_comment_arrive(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=3, text=TEXT))
        worker = Worker(room.setting)
        worker.step()
        public = IDS.of(REFLECTION)
        assert told(room, sent).state == "待评阅"
        assert told(room, sent).reflections[public].state == "待评阅"
        room.mark("games", 17, "写得<具体>")
        worker._looked = 0.0
        worker.step()
        found = told(room, sent)
        assert (found.state, found.score, found.max_score) == ("已评分", 57.0, 100.0)
        assert (found.reflections[public].score, found.reflections[public].comment) == (17.0, "写得<具体>")

    def test_a_comment_alone_is_told_too(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", text=TEXT))
        worker = Worker(room.setting)
        worker.step()
        room.mark("games", 10, "一")
        worker._looked = 0.0
        worker.step()
        room.mark("games", 10, "二")
        worker._looked = 0.0
        worker.step()
        assert told(room, sent).reflections[IDS.of(REFLECTION)].comment == "二"

    def test_no_reflection_is_no_task_for_the_reader(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        room.rounds().step()
        assert told(room, sent).state == "已评分"
        assert told(room, sent).reflections[IDS.of(REFLECTION)].state == "未作答"

    def test_a_second_attempt_with_the_same_text_keeps_the_mark(self, room: Classroom) -> None:
        rounds = room.rounds()
        first = room.send("games", room.answers("games", right=2, text=TEXT))
        rounds.step()
        room.mark("games", 15)
        seen = told(room, first).quizzes[QUIZ].seen
        second = room.send("games", room.answers("games", right=3, text=TEXT, attempt=2, seen=seen))
        rounds.step()
        assert room.scores("games")[REFLECTION] == (None, 15.0, False)
        assert told(room, second).score == 55.0


class TestFailures:
    def broken(self, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Exception]) -> None:
        real = rounds_module.grade_submissions

        def grade(setting: Setting, module: str, learners: list[str], *rest: object) -> object:
            if "games" in learners:
                raise fault()
            return real(setting, module, learners, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(rounds_module, "grade_submissions", grade)

    def test_a_poison_submission_is_put_aside_after_three_tries_and_the_rest_goes_on(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("qinlian.grading.intake.time.monotonic", iter(range(0, 10**6, 100)).__next__)
        real = Rounds._grade

        def poisoned(self: Rounds, module: str, parcels: list, summary: Summary, progress: object) -> list:  # type: ignore[type-arg]
            bad = [p for p in parcels if p.arrival.learner == "games"]
            with self._surviving(bad, summary):
                if bad:
                    raise RuntimeError("内部细节 /etc/secret")
            return real(self, module, [p for p in parcels if p not in bad], summary, progress)  # type: ignore[arg-type]

        monkeypatch.setattr(Rounds, "_grade", poisoned)
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
        (parcel,) = rounds.intake.take()
        for _ in range(3):
            rounds.intake.failed(parcel, "试过")
        assert room.rounds().step() == []
        assert grade_module(room.root, MODULE.id, pages=False).graded == 1
        assert told(room, sent).score == 80.0

    @pytest.mark.parametrize("place", ["placing", "grading"])
    def test_a_full_disk_costs_no_try(self, room: Classroom, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        target = {"placing": "intake.Intake.place", "grading": "bulk._write_aside"}[place]
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
        (parcel,) = rounds.intake.take()
        for _ in range(3):
            rounds.intake.failed(parcel, "试过")
        rounds.step()
        assert told(room, sent).state == "拒收"
        assert "重新提交" in told(room, sent).notes[0]
        Worker(room.setting).step()
        assert told(room, sent).score == 80.0

    def test_a_result_that_could_not_be_written_is_written_later(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.grading.rounds._DISK_WAIT", 0.0)
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
            worker._looked = 0.0
            worker.step()
        assert told(room, sent).state == "待评阅"
        worker._looked, worker._stamp = 0.0, None
        worker.step()
        assert told(room, sent).state == "已评分"

    def test_what_was_put_off_is_graded_though_its_folder_is_gone_from_the_exchange(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = room.send("games", room.answers("games"))
        worker = Worker(room.setting)
        monkeypatch.setattr("qinlian.grading.rounds._LOCKED_WAIT", 0.0)
        with monkeypatch.context() as patch:
            self.broken(patch, lambda: OperationalError("x", {}, Exception("database is locked")))
            worker.step()
        shutil.rmtree(sent.folder)
        worker.step()
        assert told(room, sent).score == 80.0
        assert not worker.rounds.intake.waiting()

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
        room.rounds().step()
        assert told(room, sent).score == 80.0

    def test_worker_and_command_take_turns(self, room: Classroom) -> None:
        with (
            grading_lock(room.setting.coursedir),
            pytest.raises(GradingError, match="另一个评分程序"),
            grading_lock(room.setting.coursedir, wait=0.1),
        ):
            pass

    def test_the_summary_says_in_chinese_what_came_of_it(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        (room.inbound / "nonsense").mkdir()
        summary = grade_module(room.root, None)
        assert summary.text() == "评分 1 份，拒收 1 份，发出结果 1 份、反馈页 1 份"
        assert summary.failed == 0


class TestOneTruth:
    def test_the_result_is_what_assessing_the_kept_submission_gives(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", right=3))
        room.rounds().step()
        done = assess_folder(room.db_url, room.submitted("games"), "games", MODULE.id, room.root / "course")
        assert told(room, sent).quizzes[QUIZ].counted == done.grade.quiz(QUIZ).counted == room.scores("games")[QUIZ][0]

    def test_writing_an_unchanged_result_leaves_the_file_alone(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        rounds = room.rounds()
        rounds.step()
        before = {p.name: p.stat().st_mtime_ns for p in room.outbox.iterdir()}
        assert rounds.refresh(MODULE.id) == []
        assert {p.name: p.stat().st_mtime_ns for p in room.outbox.iterdir()} == before


class TestOutbox:
    """The folder results go out by: learners enter it and cannot list it."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [(0o2775, 0o2771), (0o2755, 0o2711), (0o711, 0o711)],
        ids=["shared by the graders", "one grader's", "closed already"],
    )
    def test_only_the_right_to_list_is_taken_away(self, room: Classroom, before: int, after: int) -> None:
        room.outbox.mkdir(exist_ok=True)
        room.outbox.chmod(before)
        room.send("games", room.answers("games"))
        room.rounds().step()
        assert room.outbox.stat().st_mode & 0o7777 == after

    def test_another_graders_folder_is_written_to_and_left_as_it_is(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room.outbox.mkdir(exist_ok=True)
        room.outbox.chmod(0o2775)
        sent = room.send("games", room.answers("games"))
        rounds = room.rounds()
        monkeypatch.setattr("qinlian.grading.results.os.geteuid", lambda: os.getuid() + 1)
        rounds.step()
        assert told(room, sent).score == 80.0
        assert room.outbox.stat().st_mode & 0o7777 == 0o2775


class TestProcess:
    def test_from_submission_to_result_in_three_seconds_and_a_clean_end(self, room: Classroom) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "qinlian.grading.worker", "--root", str(room.root)]
        with subprocess.Popen(
            command, env=environment, cwd=room.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == READY
                taken = []
                for learner in ("warmup", "games", "backup"):
                    sent = room.send(learner, room.answers(learner, text=TEXT))
                    began = time.monotonic()
                    while room.result(sent) is None and time.monotonic() - began < 30:
                        time.sleep(0.01)
                    taken.append(time.monotonic() - began)
                assert max(taken) < 3.0, taken
                pages = list(room.outbox.glob("*.html"))
                began = time.monotonic()
                while len(pages) < 3 and time.monotonic() - began < 30:
                    time.sleep(0.05)
                    pages = list(room.outbox.glob("*.html"))
                assert len(pages) == 3
            finally:
                process.send_signal(signal.SIGTERM)
                _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors
        assert "自动评分已停下" in errors

    def test_stopping_is_prompt(self, room: Classroom) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=Worker(room.setting).run, args=(stop,))
        thread.start()
        stop.set()
        thread.join(5)
        assert not thread.is_alive()

    def test_without_a_course_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(GradingError, match="不是课程的文件夹"):
            Setting.load(tmp_path)
