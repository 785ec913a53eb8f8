"""What may be taken out of a folder in the exchange, and what may not."""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qinlian.core.files import ANSWERS_LIMIT
from qinlian.errors import SubmissionError
from qinlian.grading.editions import edition_of
from qinlian.grading.inbound import Folder, Unfinished, folder_name, open_inbound, printable, read_folder
from qinlian.grading.intake import submission_time
from qinlian.grading.submitted_notebook import notebook_note
from qinlian.notebooks.notebook import notebook_bytes, source_notebook
from tests.sample import COURSE, IDS, MODULE

STAMP = "2026-11-22 08:00:00.000000 UTC"
NAME = f"games+90-sample+{STAMP}+Zm9vYmFyYmF6"
SECRET = "ab" * 64

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="只有 root 能把文件交给别的用户")


def folder(inbound: Path, name: str = NAME, *, mode: int = 0o777, **files: bytes | None) -> Path:
    """A complete submission; ``files`` replace or (with None) drop answers, secret and timestamp."""
    made = inbound / name
    made.mkdir(parents=True)
    contents = {"answers": b"{}", "secret": SECRET.encode(), "timestamp": STAMP.encode()} | files
    names = {"answers": "answers.json", "secret": "submission_secret.txt", "timestamp": "timestamp.txt"}
    for key, data in contents.items():
        if data is not None:
            (made / names[key]).write_bytes(data)
    made.chmod(mode)
    return made


def read(inbound: Path, name: str = NAME, *, check_owner: bool = False) -> Folder:
    with open_inbound(inbound) as handle:
        return read_folder(handle, folder_name(name), check_owner=check_owner)


class TestNames:
    def test_a_name_of_nbgraders_is_learner_module_time_and_chance(self) -> None:
        name = folder_name(NAME)
        assert (name.learner, name.module) == ("games", "90-sample")
        assert name.claimed == datetime(2026, 11, 22, 8, tzinfo=UTC)

    def test_the_random_part_may_be_missing(self) -> None:
        assert folder_name(f"games+90-sample+{STAMP}").learner == "games"

    @pytest.mark.parametrize(
        "learner",
        ["..", "../root", "a/../b", ".hidden", "-rf", "", "a b", "张三", "a..b", "x" * 65, "a*", "a\nb", "[a]"],
    )
    def test_a_learner_whose_name_could_be_a_path_an_option_or_a_pattern_is_refused(self, learner: str) -> None:
        with pytest.raises(SubmissionError, match="学员名"):
            folder_name(f"{learner}+90-sample+{STAMP}+x")

    @pytest.mark.parametrize("module", ["..", "../course", "", "a b", ".kept"])
    def test_so_is_such_a_module(self, module: str) -> None:
        with pytest.raises(SubmissionError, match="模块名"):
            folder_name(f"games+{module}+{STAMP}+x")

    @pytest.mark.parametrize("text", ["", "games", "games+90-sample", "\udcff\udcfe"])
    def test_anything_else_is_no_submission(self, text: str) -> None:
        with pytest.raises(SubmissionError):
            folder_name(text)

    @pytest.mark.parametrize(
        "stamp",
        ["yesterday", "2026-13-01 08:00:00 UTC", "2026-11-22 08:00:00 CST", "2026-11-22 08:00:00 +0800", "9" * 60],
    )
    def test_a_time_that_means_nothing_is_left_out_not_guessed(self, stamp: str) -> None:
        assert folder_name(f"games+90-sample+{stamp}+x").claimed is None

    def test_a_name_that_is_no_text_can_still_be_logged(self) -> None:
        assert printable("a\udcff\x1b[31m") == "a\\xff\\x1b[31m"


class TestReading:
    def test_the_three_files_are_read(self, tmp_path: Path) -> None:
        folder(tmp_path, answers=b'{"a": 1}')
        found = read(tmp_path)
        assert (found.answers, found.secret, found.notes) == (b'{"a": 1}', SECRET, ())

    def test_without_answers_there_is_nothing_to_read_and_nothing_wrong(self, tmp_path: Path) -> None:
        folder(tmp_path, answers=None)
        assert read(tmp_path).answers is None

    @pytest.mark.parametrize("missing", ["secret", "timestamp"])
    def test_a_folder_still_being_written_waits(self, tmp_path: Path, missing: str) -> None:
        folder(tmp_path, **{missing: None})
        with pytest.raises(Unfinished):
            read(tmp_path)

    @pytest.mark.parametrize("empty", ["secret", "timestamp"])
    def test_so_does_one_whose_last_files_are_still_empty(self, tmp_path: Path, empty: str) -> None:
        folder(tmp_path, **{empty: b""})
        with pytest.raises(Unfinished):
            read(tmp_path)

    def test_so_does_one_that_was_not_yet_opened_to_everyone(self, tmp_path: Path) -> None:
        folder(tmp_path, mode=0o755)
        with pytest.raises(Unfinished):
            read(tmp_path)

    def test_so_does_one_that_is_still_closed_to_us(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """nbgrader's own submit, under umask 077, writes into a folder that only the learner may open."""
        folder(tmp_path, mode=0o700)
        real = os.open

        def closed(path: str, *rest: int, **names: int) -> int:
            if path == NAME:
                raise PermissionError(13, "Permission denied")
            return real(path, *rest, **names)

        monkeypatch.setattr(os, "open", closed)
        with pytest.raises(Unfinished):
            read(tmp_path)

    def test_answers_put_in_later_make_the_folder_as_late_as_they_are(self, tmp_path: Path) -> None:
        made = folder(tmp_path, answers=None)
        before = datetime.now(UTC)
        time.sleep(0.05)
        (made / "answers.json").write_bytes(b"{}")
        assert read(tmp_path).written > before

    def test_of_an_enormous_file_only_one_byte_over_the_limit_is_read(self, tmp_path: Path) -> None:
        made = folder(tmp_path)
        with (made / "answers.json").open("wb") as out:
            out.truncate(50 * ANSWERS_LIMIT)
        assert len(read(tmp_path).answers or b"") == ANSWERS_LIMIT + 1

    def test_a_symbolic_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "gradebook.db").write_text("秘密")
        made = folder(tmp_path / "in", answers=None)
        (made / "answers.json").symlink_to(tmp_path / "gradebook.db")
        found = read(tmp_path / "in")
        assert found.answers is None
        assert "链接" in found.notes[0]

    def test_a_hard_link_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("秘密")
        made = folder(tmp_path / "in", answers=None)
        os.link(tmp_path / "key", made / "answers.json")
        found = read(tmp_path / "in")
        assert found.answers is None
        assert "硬链接" in found.notes[0]

    def test_pipes_sockets_and_folders_are_refused_without_waiting_for_them(self, tmp_path: Path) -> None:
        kinds = {"pipe": "a" * 8, "socket": "b" * 8, "folder": "c" * 8}
        for kind, tail in kinds.items():
            made = folder(tmp_path, f"games+90-sample+{STAMP}+{tail}", answers=None)
            target = made / "answers.json"
            if kind == "pipe":
                os.mkfifo(target)
            elif kind == "folder":
                target.mkdir()
            else:
                with socket.socket(socket.AF_UNIX) as end:
                    os.chdir(made)
                    end.bind("answers.json")
                    os.chdir("/")
            found = read(tmp_path, made.name)
            assert (found.answers, len(found.notes)) == (None, 1)
            assert "不是普通文件" in found.notes[0]

    @needs_root
    def test_a_device_is_refused_unopened(self, tmp_path: Path) -> None:
        made = folder(tmp_path, answers=None)
        os.mknod(made / "answers.json", 0o020666, os.makedev(1, 5))
        assert "不是普通文件" in read(tmp_path).notes[0]

    def test_a_link_in_place_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(SubmissionError, match="不是一个文件夹"):
            read(tmp_path)

    def test_a_link_in_place_of_the_secret_refuses_the_whole(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(SECRET)
        made = folder(tmp_path / "in", secret=None)
        (made / "submission_secret.txt").symlink_to(tmp_path / "key")
        with pytest.raises(SubmissionError, match="凭证"):
            read(tmp_path / "in")

    @pytest.mark.parametrize("secret", [b"short", b"x" * 300, "密".encode() * 20, b"../" * 20, b"\x00" * 64])
    def test_a_secret_of_another_shape_refuses_the_whole(self, tmp_path: Path, secret: bytes) -> None:
        folder(tmp_path, secret=secret)
        with pytest.raises(SubmissionError, match="凭证"):
            read(tmp_path)

    @needs_root
    def test_a_folder_of_somebody_else_is_refused(self, tmp_path: Path) -> None:
        folder(tmp_path)
        with pytest.raises(SubmissionError, match="不属于它所写的学员"):
            read(tmp_path, check_owner=True)

    @needs_root
    def test_a_folder_of_the_learner_is_taken(self, tmp_path: Path) -> None:
        made = folder(tmp_path)
        for path in (made, *made.iterdir()):
            os.chown(path, 5, -1)  # 5 is games on Debian
        assert read(tmp_path, check_owner=True).answers == b"{}"

    @pytest.mark.parametrize(("owner", "taken"), [("games", True), ("someone-else", False), ("#20001", False)])
    def test_where_people_have_no_accounts_whoever_is_asked_says_whose_a_number_is(
        self, tmp_path: Path, owner: str, taken: bool
    ) -> None:
        made, asked = folder(tmp_path), list[int]()

        def owner_of(uid: int) -> str:
            asked.append(uid)
            return owner

        with open_inbound(tmp_path) as handle:
            if taken:
                assert read_folder(handle, folder_name(NAME), owner_of=owner_of).answers == b"{}"
            else:
                with pytest.raises(SubmissionError, match="不属于它所写的学员"):
                    read_folder(handle, folder_name(NAME), owner_of=owner_of)
        assert set(asked) == {made.stat().st_uid}

    @needs_root
    def test_a_file_of_somebody_else_in_the_learners_folder_is_not_taken(self, tmp_path: Path) -> None:
        made = folder(tmp_path)
        for path in (made, made / "timestamp.txt", made / "submission_secret.txt"):
            os.chown(path, 5, -1)
        found = read(tmp_path, check_owner=True)
        assert found.answers is None
        assert "不属于提交的人" in found.notes[0]


class TestTime:
    SEEN = datetime(2026, 11, 22, 9, tzinfo=UTC)

    def at(self, claimed: str, written: datetime) -> tuple[datetime, str]:
        name = folder_name(f"games+90-sample+{claimed}+x")
        made = Folder(name=name, secret=SECRET, answers=None, notebook=None, written=written)
        return submission_time(made, self.SEEN)

    def test_an_honest_time_stands(self) -> None:
        moment, note = self.at("2026-11-22 08:59:58.5 UTC", self.SEEN)
        assert (moment, note) == (datetime(2026, 11, 22, 8, 59, 58, 500000, tzinfo=UTC), "")

    def test_nobody_submits_before_the_file_was_written(self) -> None:
        moment, note = self.at("2026-11-01 08:00:00 UTC", self.SEEN - timedelta(minutes=1))
        assert moment == self.SEEN - timedelta(minutes=1)
        assert "慢了" in note

    def test_nobody_submits_after_we_saw_it(self) -> None:
        moment, note = self.at("2027-11-01 08:00:00 UTC", self.SEEN)
        assert moment == self.SEEN
        assert "快了" in note

    def test_a_clock_a_little_fast_costs_nothing_and_gains_nothing(self) -> None:
        assert self.at("2026-11-22 09:00:20 UTC", self.SEEN) == (self.SEEN, "")

    def test_an_unreadable_time_is_the_file_systems(self) -> None:
        moment, note = self.at("now", self.SEEN - timedelta(seconds=5))
        assert moment == self.SEEN - timedelta(seconds=5)
        assert "无法识别" in note

    def test_files_written_anew_by_a_restored_backup_make_nobody_late(self) -> None:
        assert self.at("2026-11-22 08:59:00 UTC", self.SEEN + timedelta(days=30))[0] < self.SEEN


class TestNotebook:
    RELEASED = (
        b'{"cells": [{"cell_type": "markdown", "source": ["# A\\n", "b"]}, {"cell_type": "code", "source": "x"}]}'
    )

    def test_the_released_cells_need_no_word(self) -> None:
        ran = self.RELEASED.replace(b'"source": "x"', b'"source": ["x"], "outputs": [1]')
        assert notebook_note(ran, self.RELEASED) == ""

    @pytest.mark.parametrize(
        "cells",
        [
            b'[{"cell_type": "markdown", "source": "# A\\nb"}]',
            b'[{"cell_type": "markdown", "source": "# A\\nb"}, {"cell_type": "code", "source": "y"}]',
            b'[{"cell_type": "code", "source": "x"}, {"cell_type": "code", "source": "x"}]',
        ],
    )
    def test_added_deleted_or_altered_cells_are_mentioned(self, cells: bytes) -> None:
        assert "增减或改动" in notebook_note(b'{"cells": ' + cells + b"}", self.RELEASED)

    def test_the_text_of_the_edition_that_was_answered_is_no_change(self) -> None:
        earlier = edition_of(COURSE, MODULE, IDS)
        mine = notebook_bytes(source_notebook(COURSE, MODULE, IDS))
        assert notebook_note(mine, self.RELEASED, lambda: earlier) == ""
        assert "增减或改动" in notebook_note(
            mine.replace("一盒茶叶".encode(), "两盒茶叶".encode()), self.RELEASED, lambda: earlier
        )
        assert "增减或改动" in notebook_note(mine, self.RELEASED)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"not json",
            b"[]",
            b'{"cells": 3}',
            b'{"cells": [{}]}',
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"cells": [' + b"9" * 5000,
        ],
    )
    def test_what_is_no_notebook_is_mentioned(self, data: bytes) -> None:
        assert "已损坏" in notebook_note(data, self.RELEASED)
