"""What stock nbgrader lets through the exchange, and ours does not; each shown on both."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseAssignment, ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from qinlian.core.files import result_name
from qinlian.errors import GradingError
from qinlian.grading.collect import QinlianCollect
from qinlian.grading.inbound import closed_to_others
from qinlian.grading.intake import Intake
from qinlian.grading.release import QinlianReleaseFeedback, unfit
from qinlian.grading.rounds import Summary
from tests.classroom import QUIZ, Classroom, Sent, fresh_classroom
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="只有 root 能把文件夹交给别的用户")
GAMES = 5  # Debian's user "games", on every machine


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


def collect(room: Classroom, kind: type[ExchangeCollect], *, check_owner: bool = False, **traits: object) -> None:
    """Run one of the two collects as ``nbgrader collect`` does."""
    setting = room.setting
    config = Config(setting.config)
    config.QinlianCollect.check_owner = config.ExchangeCollect.check_owner = check_owner
    kind(
        coursedir=setting.fresh_coursedir(MODULE.id),
        authenticator=setting.authenticator(),
        config=config,
        log=logging.getLogger("qinlian.grading"),
        **traits,
    ).start()


def to(uid: int, sent: Sent) -> Sent:
    for path in (sent.folder, *sent.folder.iterdir()):
        os.chown(path, uid, -1, follow_symlinks=False)
    return sent


class TestLinks:
    """A symbolic link in a submission can publish any file the grader can read."""

    def linked(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        key = next((room.root / "course" / "editions" / MODULE.id).glob("*.json"))
        (sent.folder / "notes.html").symlink_to(key)
        (sent.folder / "gradebook.db").symlink_to(room.root / ".classroom" / "gradebook.db")

    def test_stock_copies_what_a_link_points_at(self, room: Classroom) -> None:
        self.linked(room)
        collect(room, ExchangeCollect)
        stolen = room.submitted("games")
        assert b"explanation" in (stolen / "notes.html").read_bytes()
        assert (stolen / "gradebook.db").read_bytes().startswith(b"SQLite")

    def test_ours_takes_four_names_and_never_through_a_link(self, room: Classroom) -> None:
        self.linked(room)
        collect(room, QinlianCollect)
        assert sorted(p.name for p in room.submitted("games").iterdir()) == [
            f"{MODULE.id}.ipynb",
            "answers.json",
            "submission_secret.txt",
            "timestamp.txt",
        ]

    def test_stock_copies_what_a_whole_folder_points_at(self, room: Classroom) -> None:
        (room.inbound / f"games+{MODULE.id}+2026-11-22 08:00:00 UTC+x").symlink_to(room.root / "course" / "editions")
        collect(room, ExchangeCollect)
        assert list(room.submitted("games").rglob("*.json"))

    def test_ours_refuses_it(self, room: Classroom) -> None:
        (room.inbound / f"games+{MODULE.id}+2026-11-22 08:00:00 UTC+x").symlink_to(room.root / "course" / "editions")
        collect(room, QinlianCollect)
        assert not room.submitted("games").exists()

    def test_stock_hangs_on_a_pipe_or_fails_the_class(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        os.mkfifo(sent.folder / "pipe")
        room.send("backup", room.answers("backup"))
        with pytest.raises(Exception, match="named pipe"):
            collect(room, ExchangeCollect)

    def test_ours_passes_over_it(self, room: Classroom) -> None:
        sent = room.send("games", room.answers("games"))
        os.mkfifo(sent.folder / "pipe")
        room.send("backup", room.answers("backup"))
        collect(room, QinlianCollect)
        assert (room.submitted("games") / "answers.json").is_file()
        assert (room.submitted("backup") / "answers.json").is_file()


@needs_root
class TestOwner:
    """A folder named for somebody else."""

    def forged(self, room: Classroom) -> Sent:
        return to(GAMES, room.send("backup", room.answers("backup")))

    def test_stock_takes_it_with_a_warning(self, room: Classroom) -> None:
        self.forged(room)
        collect(room, ExchangeCollect, check_owner=True)
        assert (room.submitted("backup") / "answers.json").is_file()

    def test_ours_refuses_it_and_says_so_to_its_sender(self, room: Classroom) -> None:
        sent = self.forged(room)
        rounds = room.rounds()
        rounds.intake = Intake(rounds.setting.coursedir, room.inbound, check_owner=True, log=rounds.setting.log)
        assert rounds.step() == []
        assert not room.submitted("backup").exists()
        told = room.result(sent)
        assert told is not None
        assert (told.state, told.score, told.quizzes) == ("拒收", 0.0, {})
        assert "不属于它所写的学员" in told.notes[0]

    def test_ours_takes_the_learners_own(self, room: Classroom) -> None:
        to(GAMES, room.send("games", room.answers("games")))
        collect(room, QinlianCollect, check_owner=True)
        assert (room.submitted("games") / "answers.json").is_file()


class TestOwnerByName:
    """The same on a machine where files cannot be given away: whoever runs the test is called games."""

    @pytest.fixture(autouse=True)
    def _games(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qinlian.grading.inbound._owner", {os.getuid(): "games"}.get)

    def test_ours_refuses_anothers_name(self, room: Classroom, caplog: pytest.LogCaptureFixture) -> None:
        room.send("backup", room.answers("backup"))
        collect(room, QinlianCollect, check_owner=True)
        assert not room.submitted("backup").exists()
        assert "不属于它所写的学员" in caplog.text

    def test_ours_takes_ones_own(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        collect(room, QinlianCollect, check_owner=True)
        assert (room.submitted("games") / "answers.json").is_file()


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


class TestOneUser:
    """Owners may go unchecked only where nobody but the grader gets to the exchange."""

    def test_an_exchange_that_others_reach_is_not_graded_without_checking_owners(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.grading.intake.closed_to_others", lambda _: False)
        with pytest.raises(GradingError, match="核对"):
            room.rounds()
        with pytest.raises(ExchangeError, match="核对"):
            collect(room, QinlianCollect)

    def test_closed_is_a_folder_of_ones_own_on_the_way(self, tmp_path: Path) -> None:
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        # pytest's own folders are closed: ask of a folder that is not below them.
        assert closed_to_others(inner)
        assert closed_to_others(inner / "missing")
        assert not closed_to_others(Path("/usr"))

    def test_without_the_classrooms_mark_owners_are_checked(self, room: Classroom) -> None:
        (room.root / ".classroom" / "one-user").unlink()
        factory = room.setting.factory()
        assert factory.Collect(coursedir=room.setting.coursedir, config=room.setting.config).check_owner


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


class TestRelease:
    def release(self, room: Classroom, kind: type[ExchangeReleaseAssignment]) -> None:
        setting = room.setting
        kind(
            coursedir=setting.fresh_coursedir(MODULE.id),
            authenticator=setting.authenticator(),
            config=setting.config,
            log=logging.getLogger("qinlian.grading"),
            force=True,
        ).start()

    def test_stock_publishes_answers_that_would_overwrite_everybodys(self, room: Classroom) -> None:
        (room.root / "release" / MODULE.id / "answers.json").write_text("{}")
        self.release(room, ExchangeReleaseAssignment)
        assert (room.inbound.parent / "outbound" / MODULE.id / "answers.json").is_file()

    def unfit(self, room: Classroom, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setattr("qinlian.grading.release.load_identity", lambda _: IDS)
        return unfit(
            COURSE,
            MODULE,
            room.root / "course",
            room.root / "source" / MODULE.id,
            room.root / "release" / MODULE.id,
            room.setting.config,
        )

    def test_what_the_build_made_is_fit(self, room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.unfit(room, monkeypatch) == ""

    @pytest.mark.parametrize("step", ["source", "release"])
    def test_ours_refuses_answers_of_anybody(self, room: Classroom, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        (room.root / step / MODULE.id / "answers.json").write_text("{}")
        assert "覆盖每个学员的答案" in self.unfit(room, monkeypatch)

    @pytest.mark.parametrize("step", ["source", "release"])
    @pytest.mark.parametrize("name", ["lesson.json", f"{MODULE.id}.ipynb"])
    def test_ours_refuses_what_is_not_what_the_course_gives(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch, step: str, name: str
    ) -> None:
        path = room.root / step / MODULE.id / name
        path.write_bytes(path.read_bytes().replace(b"90-exam", b"91-exam", 1))
        assert "qinlian build" in self.unfit(room, monkeypatch)

    def test_ours_refuses_a_file_that_does_not_belong_there(
        self, room: Classroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (room.root / "release" / MODULE.id / "key.txt").symlink_to(room.root / "course")
        assert "key.txt" in self.unfit(room, monkeypatch)


class TestFeedback:
    def send_out(self, room: Classroom, kind: type[ExchangeReleaseFeedback]) -> None:
        setting = room.setting
        kind(
            coursedir=setting.fresh_coursedir(MODULE.id),
            authenticator=setting.authenticator(),
            config=setting.config,
            log=logging.getLogger("qinlian.grading"),
        ).start()

    def pages(self, room: Classroom) -> str:
        """A page of nobody's notebook, which a submission with an extra notebook would leave; returns its name."""
        folder = room.root / ".classroom" / "feedback" / "games" / MODULE.id
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text("2026-11-22 08:00:00 UTC")
        (folder / "submission_secret.txt").write_text("s" * 64)
        (folder / f"{MODULE.id}.html").write_text("<p>结果</p>")
        (folder / "stolen.html").symlink_to(room.root / ".classroom" / "gradebook.db")
        return f"{notebook_hash(secret='s' * 64, notebook_id='stolen')}.html"

    def test_stock_publishes_any_page_also_through_a_link(self, room: Classroom) -> None:
        stolen = self.pages(room)
        self.send_out(room, ExchangeReleaseFeedback)
        assert (room.outbox / stolen).read_bytes().startswith(b"SQLite")

    def test_ours_publishes_known_notebooks_only(self, room: Classroom) -> None:
        stolen = self.pages(room)
        self.send_out(room, QinlianReleaseFeedback)
        assert not (room.outbox / stolen).exists()
        known = f"{notebook_hash(secret='s' * 64, notebook_id=MODULE.id)}.html"
        assert [p.name for p in room.outbox.iterdir()] == [known]

    def test_nobody_can_list_what_goes_out(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        room.rounds().step()
        assert room.outbox.stat().st_mode & 0o777 == 0o711
        assert all(p.stat().st_mode & 0o777 == 0o644 for p in room.outbox.iterdir())


def test_without_an_exchange_collect_says_so_in_chinese(room: Classroom) -> None:
    room.inbound.rmdir()
    with pytest.raises(ExchangeError, match="收件文件夹还不存在"):
        collect(room, QinlianCollect)
