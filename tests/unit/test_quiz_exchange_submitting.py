"""The learner's side of the exchange writes what nbgrader writes and loses nothing on the way."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qinlian.core.files import result_name
from qinlian.errors import StoreError
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from tests.unit.exchange_home import MODULE, answers, fetched_home, inbound, released_exchange


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return released_exchange(tmp_path)


@pytest.fixture
def home(tmp_path: Path, exchange: Exchange) -> Path:
    return fetched_home(tmp_path, exchange)


class TestSubmitting:
    def test_only_the_three_files_and_the_two_of_nbgrader_travel(self, exchange: Exchange, home: Path) -> None:
        (home / "日记.txt").write_text("与课程无关")
        (home / ".ipynb_checkpoints").mkdir()
        exchange.submit(home, MODULE)
        (folder,) = inbound(exchange)
        expected = ["90-sample.ipynb", "answers.json", "lesson.json", "submission_secret.txt", "timestamp.txt"]
        assert sorted(p.name for p in folder.iterdir()) == expected
        assert (folder / "answers.json").read_bytes() == answers("a1")

    def test_result_is_looked_for_under_the_name_the_secret_gives(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        secret = (inbound(exchange)[0] / "submission_secret.txt").read_text()
        assert sent.result == result_name(secret)
        assert sent.result not in repr(sent)

    def test_many_in_one_instant_are_all_kept_and_ordered(
        self, exchange: Exchange, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Stopped(datetime):
            @classmethod
            def now(cls, _tz: object = None) -> datetime:
                return datetime(2026, 5, 1, 8, tzinfo=UTC)

        monkeypatch.setattr("qinlian.quiz.exchange.datetime", Stopped)
        sent = [exchange.submit(home, MODULE) for _ in range(5)]
        assert list(exchange.submissions(MODULE)) == sent
        assert len(inbound(exchange)) == len({s.submitted_at for s in sent}) == 5

    def test_file_modes_do_not_depend_on_the_learners_umask(self, exchange: Exchange, home: Path) -> None:
        before = os.umask(0o077)
        try:
            exchange.submit(home, MODULE)
        finally:
            os.umask(before)
        (folder,) = inbound(exchange)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
        assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o644}

    def test_nothing_answered_is_not_submitted(self, exchange: Exchange, home: Path) -> None:
        (home / "answers.json").unlink()
        with pytest.raises(StoreError, match="还没有作答"):
            exchange.submit(home, MODULE)
        assert inbound(exchange) == []

    @pytest.mark.parametrize(
        ("data", "said"), [(b"{", "不完整"), (b"[" * 1_200_000, "超过 1 MB"), (b"\xff", "UTF-8"), (b"{}", "格式")]
    )
    def test_damaged_answers_are_refused_before_they_travel(
        self, exchange: Exchange, home: Path, data: bytes, said: str
    ) -> None:
        (home / "answers.json").write_bytes(data)
        with pytest.raises(StoreError, match=said):
            exchange.submit(home, MODULE)
        assert inbound(exchange) == []

    def test_a_failure_leaves_nothing_half_written(
        self, exchange: Exchange, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Path.rename

        def fails(self: Path, target: Path) -> Path:
            if Path(target).parent.name == "inbound":
                raise OSError(28, "No space left on device")
            return real(self, target)

        monkeypatch.setattr(Path, "rename", fails)
        with pytest.raises(StoreError, match="您的答案都在"):
            exchange.submit(home, MODULE)
        assert inbound(exchange) == []
        assert exchange.submissions(MODULE) == ()
        assert list((exchange._cache).glob("[!.]*")) == []

    def test_inbound_gone_is_said_in_chinese(self, exchange: Exchange, home: Path) -> None:
        inbound_folder = exchange.root / "qinlian" / "inbound"
        inbound_folder.rmdir()
        with pytest.raises(StoreError, match="暂时写不进"):
            exchange.submit(home, MODULE)

    def test_a_module_that_is_not_released_is_refused(self, exchange: Exchange, home: Path) -> None:
        for name in ("91-none", "../outbound", ".", ""):
            with pytest.raises(StoreError, match="还没有发布"):
                exchange.submit(home, name)

    def test_a_name_nbgrader_would_split_wrongly_is_refused(self, exchange: Exchange, home: Path) -> None:
        other = Exchange(ExchangeSettings(exchange.root, "qinlian", "xiao+zhou", exchange._cache.parent))
        with pytest.raises(StoreError, match="账号名"):
            other.submit(home, MODULE)


@pytest.mark.slow
def test_a_submission_is_what_nbgrader_itself_writes(exchange: Exchange, home: Path, tmp_path: Path) -> None:
    theirs_cache = tmp_path / "theirs"
    script = f"""
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeSubmit
from traitlets.config import Config
import sys
course = CourseDirectory(course_id="qinlian", assignment_id="{MODULE}", student_id="xiaozhou")
config = Config()
config.Exchange.root, config.Exchange.cache, config.Exchange.assignment_dir = sys.argv[1:4]
ExchangeSubmit(coursedir=course, authenticator=Authenticator(), config=config).start()
"""
    subprocess.run(
        [sys.executable, "-c", script, str(exchange.root), str(theirs_cache), str(home.parent)],
        check=True, capture_output=True, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    (theirs,) = inbound(exchange)
    exchange.submit(home, MODULE)
    (ours,) = [p for p in inbound(exchange) if p != theirs]

    def shape(folder: Path) -> dict[str, tuple[int, int]]:
        return {p.name: (stat.S_IMODE(p.stat().st_mode), p.stat().st_size) for p in folder.iterdir()}

    assert shape(ours) == shape(theirs)
    # Ours is sticky besides: what is in it stays its sender's.
    assert stat.S_IMODE(ours.stat().st_mode) == 0o1000 | stat.S_IMODE(theirs.stat().st_mode)
    pattern = r"xiaozhou\+90-sample\+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC\+[\w=-]{12}"
    for folder in (ours, theirs):
        assert re.fullmatch(pattern, folder.name)
        assert (folder / "timestamp.txt").read_text() == folder.name.split("+")[2]
        assert re.fullmatch("[0-9a-f]{128}", (folder / "submission_secret.txt").read_text())
    (cached_theirs,) = (theirs_cache / "qinlian").iterdir()
    (cached_ours,) = (p for p in exchange._cache.iterdir() if p.name[0] != ".")
    assert cached_theirs.name == theirs.name.rsplit("+", 1)[0]
    assert cached_ours.name == ours.name.rsplit("+", 1)[0]
    assert sorted(p.name for p in cached_ours.iterdir()) == sorted(p.name for p in cached_theirs.iterdir())
    reader = Exchange(ExchangeSettings(exchange.root, "qinlian", "xiaozhou", theirs_cache))
    assert [s.folder for s in reader.submissions(MODULE)] == [cached_theirs]
