"""Links, and folders of somebody else: what stock nbgrader lets through the exchange, and ours does not."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeCollect
from sqlalchemy import insert
from traitlets.config import Config

from qinlian.database import open_engine
from qinlian.errors import GradingError
from qinlian.grading.collect import QinlianCollect
from qinlian.grading.inbound import closed_to_others
from qinlian.grading.intake import Intake
from qinlian.grading.rounds import Rounds
from qinlian.grading.setting import Setting
from qinlian.roster.owners import RosterOwners
from qinlian.roster.tables import METADATA, PERSON
from tests.classroom import Classroom, Sent, fresh_classroom
from tests.sample import MODULE
from tests.security.exchange_room import collect

pytestmark = pytest.mark.slow
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="只有 root 能把文件夹交给别的用户")
GAMES = 5  # Debian's user "games", on every machine


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


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
        monkeypatch.setattr("qinlian.grading.collect.account_owner", {os.getuid(): "games"}.get)

    def test_ours_refuses_anothers_name(self, room: Classroom, caplog: pytest.LogCaptureFixture) -> None:
        room.send("backup", room.answers("backup"))
        collect(room, QinlianCollect, check_owner=True)
        assert not room.submitted("backup").exists()
        assert "不属于它所写的学员" in caplog.text

    def test_ours_takes_ones_own(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        collect(room, QinlianCollect, check_owner=True)
        assert (room.submitted("games") / "answers.json").is_file()


class TestOwnerByRoster:
    """In a cluster, where learners have numbers and no unix accounts."""

    @pytest.fixture
    def roster(self, room: Classroom) -> None:
        engine = open_engine(room.setting.db_url, METADATA)
        with engine.begin() as connection:
            row = {"account": "games", "number": "1", "name": "周", "unit": "省校", "department": "", "track": ""}
            row |= {"email": "", "role": "学员"}
            connection.execute(insert(PERSON).values(**row, uid=os.getuid(), changed_at=datetime(2026, 1, 1)))  # noqa: DTZ001

    @pytest.mark.usefixtures("roster")
    def test_ours_takes_what_belongs_to_the_learners_number(self, room: Classroom) -> None:
        room.send("games", room.answers("games"))
        collect(room, QinlianCollect, check_owner=True, owners="roster")
        assert (room.submitted("games") / "answers.json").is_file()

    @pytest.mark.usefixtures("roster")
    def test_ours_refuses_anothers_name(self, room: Classroom, caplog: pytest.LogCaptureFixture) -> None:
        room.send("backup", room.answers("backup"))
        collect(room, QinlianCollect, check_owner=True, owners="roster")
        assert not room.submitted("backup").exists()
        assert "不属于它所写的学员" in caplog.text

    def test_ours_refuses_a_number_that_nobody_has(self, room: Classroom, caplog: pytest.LogCaptureFixture) -> None:
        room.send("games", room.answers("games"))
        collect(room, QinlianCollect, check_owner=True, owners="roster")
        assert not room.submitted("games").exists()
        assert "不属于它所写的学员" in caplog.text

    def test_the_worker_asks_the_roster_where_the_course_says_so(self, room: Classroom) -> None:
        config = Config({"QinlianCollect": {"owners": "roster"}})
        rounds = Rounds(Setting.load(room.root, config))
        assert isinstance(rounds.intake._owner_of, RosterOwners)


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
