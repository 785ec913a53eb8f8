"""Names, times and half-written folders: what stock nbgrader lets through, and ours waits for or refuses."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeCollect

from qinlian.grading.collect import QinlianCollect
from qinlian.grading.intake import Intake
from tests.classroom import Classroom, Sent, fresh_classroom
from tests.sample import MODULE
from tests.security.exchange_room import collect

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


class TestNames:
    def test_stock_fails_the_class_over_one_bad_time(self, room: Classroom) -> None:
        room.send("games", room.answers("games"), claimed="yesterday at noon o'clock")
        room.send("backup", room.answers("backup"))
        with pytest.raises(ValueError, match="yesterday"):
            collect(room, ExchangeCollect)
        assert not room.submitted("backup").exists()

    def test_ours_takes_the_file_systems_time_for_it(self, room: Classroom) -> None:
        room.send("games", room.answers("games"), claimed="yesterday at noon o'clock")
        room.send("backup", room.answers("backup"))
        collect(room, QinlianCollect)
        stamp = (room.submitted("games") / "timestamp.txt").read_text()
        assert stamp.startswith(datetime.now(UTC).strftime("%Y-%m-%d"))
        assert (room.submitted("backup") / "answers.json").is_file()

    def test_stock_lets_a_learner_choose_the_time(self, room: Classroom) -> None:
        room.due(datetime.now(UTC) - timedelta(days=3))
        room.send("games", room.answers("games"), claimed="2020-01-01 00:00:00.000000 UTC")
        collect(room, ExchangeCollect)
        assert (room.submitted("games") / "timestamp.txt").read_text().startswith("2020")

    def test_ours_bounds_it_by_the_file_system(self, room: Classroom) -> None:
        room.due(datetime.now(UTC) - timedelta(days=3))
        sent = room.send("games", room.answers("games"), claimed="2020-01-01 00:00:00.000000 UTC")
        room.rounds().step()
        found = room.result(sent)
        assert found is not None
        assert found.late

    @pytest.mark.parametrize("learner", ["..", "...", "a..b", ".kept", "*", "-rf", "a\\b", "a\nb", "$(x)"])
    def test_ours_refuses_a_name_that_could_be_a_path_a_pattern_or_an_option(
        self, room: Classroom, learner: str
    ) -> None:
        folder = room.inbound / f"{learner}+{MODULE.id}+2026-11-22 08:00:00 UTC+x"
        folder.mkdir()
        before = {p for p in room.root.rglob("*") if ".kept" not in p.parts and p.name != "lock"}
        collect(room, QinlianCollect)
        after = {p for p in room.root.rglob("*") if ".kept" not in p.parts and p.name != "lock"}
        assert {p.name for p in after - before} <= {"gradebook.db-journal", ".grading", "submitted"}

    def test_names_that_are_no_text_are_refused_and_the_rest_is_taken(self, room: Classroom) -> None:
        os.mkdir(os.fsencode(room.inbound) + b"/\xff\xfe+x+y+z")  # noqa: PTH102 - not a text
        room.send("backup", room.answers("backup"))
        collect(room, QinlianCollect)
        assert (room.submitted("backup") / "answers.json").is_file()

    def test_a_module_that_is_not_of_the_course_is_refused(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        sent.folder.rename(room.inbound / f"games+77-nothing+2026-11-22 08:00:00 UTC+{'x' * 8}")
        room.rounds().step()
        told = room.result(sent)
        assert told is not None
        assert "不在本课程里" in told.notes[0]


class TestStillBeingWritten:
    def half(self, room: Classroom) -> Sent:
        sent = room.send("games", room.answers("games"))
        (sent.folder / "submission_secret.txt").unlink()
        sent.folder.chmod(0o755)
        return sent

    def test_stock_takes_half_a_submission(self, room: Classroom) -> None:
        self.half(room)
        collect(room, ExchangeCollect)
        assert not (room.submitted("games") / "submission_secret.txt").exists()

    def test_ours_waits_for_the_other_half(self, room: Classroom) -> None:
        sent = self.half(room)
        rounds = room.rounds()
        assert rounds.step() == []
        (sent.folder / "submission_secret.txt").write_text(sent.secret)
        assert rounds.step() == []
        sent.folder.chmod(0o777)
        assert [p.arrival.learner for p in rounds.step()] == ["games"]

    def test_a_shell_left_before_the_deadline_does_not_hold_a_place(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.grading.intake.TOLERANCE", timedelta(0))
        sent = room.send("games", room.answers("games"))
        answers = (sent.folder / "answers.json").read_bytes()
        (sent.folder / "answers.json").unlink()
        sent.folder.chmod(0o755)
        rounds = room.rounds()
        assert rounds.step() == []
        room.due(datetime.now(UTC))
        time.sleep(0.05)
        (sent.folder / "answers.json").write_bytes(answers)
        sent.folder.chmod(0o777)
        rounds.step()
        told = room.result(sent)
        assert told is not None
        assert told.late

    def test_and_gives_up_after_a_day(self, room: Classroom) -> None:
        self.half(room)
        clock = [datetime.now(UTC)]
        setting = room.setting
        intake = Intake(setting.coursedir, room.inbound, check_owner=False, clock=lambda: clock[0])
        assert intake.take() == []
        clock[0] += timedelta(days=1, minutes=1)
        intake.take()
        assert [r.reason for r in intake.refusals] == ["提交的文件夹一直没有写完，没有收；请重新提交"]


class TestRefused:
    def refused(self, room: Classroom) -> Sent:
        sent = room.send("games", room.answers("games"))
        sent.folder.rename(room.inbound / f"games+77-nothing+2026-11-22 08:00:00 UTC+{'x' * 8}")
        return sent

    def test_collecting_tells_the_sender_too(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        (sent.folder / "submission_secret.txt").write_bytes(b"x" * 40)
        (sent.folder / "timestamp.txt").unlink()
        (sent.folder / "timestamp.txt").symlink_to("/etc/passwd")
        collect(room, QinlianCollect)
        told = room.result(Sent(sent.folder, "x" * 40))
        assert told is not None
        assert (told.state, told.reflections) == ("拒收", {})
        assert "链接" in told.notes[0]

    def test_who_could_not_be_told_is_told_the_next_time(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = self.refused(room)
        with monkeypatch.context() as patch:
            patch.setattr("qinlian.grading.results.write_result", Mock(side_effect=OSError(28, "No space left")))
            room.rounds().step()
        assert room.result(sent) is None
        assert room.rounds().tell_refused() == 1
        assert room.result(sent) is not None
        assert room.rounds().tell_refused() == 0

    def test_a_module_that_is_being_made_anew_refuses_nobody(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        release = room.root / "release" / MODULE.id
        release.rename(room.root / "elsewhere")
        rounds = room.rounds()
        assert rounds.step() == []
        assert [a.state for a in rounds.intake.arrivals.of()] == ["等待"]
        (room.root / "elsewhere").rename(release)
        assert len(room.rounds().step()) == 1
        assert room.result(sent) is not None


def test_without_an_exchange_collect_says_so_in_chinese(room: Classroom) -> None:
    room.inbound.rmdir()
    with pytest.raises(ExchangeError, match="收件文件夹还不存在"):
        collect(room, QinlianCollect)
