"""The worker: in the order of arrival, and what changes later reaches the learner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qinlian.errors import GradingError
from qinlian.grading.assess import assess_folder
from qinlian.grading.setting import Setting
from qinlian.grading.summary import Summary
from qinlian.grading.worker import READY, Worker
from tests.classroom import QUIZ, REFLECTION, REPOSITORY, Classroom, classroom_on
from tests.sample import IDS, MODULE
from tests.unit.grading_told import TEXT, all_done, told

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return classroom_on(request.param, tmp_path, monkeypatch)


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
        all_done(worker)
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
        all_done(worker)
        found = told(room, sent)
        assert (found.state, found.score, found.max_score) == ("已评分", 57.0, 100.0)
        assert (found.reflections[public].score, found.reflections[public].comment) == (17.0, "写得<具体>")

    def test_a_comment_alone_is_told_too(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games", text=TEXT))
        worker = Worker(room.setting)
        worker.step()
        room.mark("games", 10, "一")
        all_done(worker)
        room.mark("games", 10, "二")
        all_done(worker)
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
        monkeypatch.setattr("qinlian.grading.folders.os.geteuid", lambda: os.getuid() + 1)
        rounds.step()
        assert told(room, sent).score == 80.0
        assert room.outbox.stat().st_mode & 0o7777 == 0o2775


class TestProcess:
    def test_from_submission_to_result_without_anybodys_doing_and_a_clean_end(self, room: Classroom) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "qinlian.grading.worker", "--root", str(room.root)]
        with subprocess.Popen(
            command, env=environment, cwd=room.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == READY
                for learner in ("warmup", "games", "backup"):
                    sent = room.send(learner, room.answers(learner, text=TEXT))
                    began = time.monotonic()
                    while room.result(sent) is None and time.monotonic() - began < 30:
                        time.sleep(0.01)
                    assert room.result(sent), "not graded"
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
