"""What stock nbgrader publishes through the exchange, and ours does not; each shown on both."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from nbgrader.exchange.default import ExchangeReleaseAssignment, ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash

from qinlian.grading.release import QinlianReleaseFeedback, unfit
from tests.classroom import Classroom, fresh_classroom
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


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
