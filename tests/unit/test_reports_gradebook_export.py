"""The gradebook as CSV: what is written is what is read again, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qinlian.errors import GradingError
from qinlian.reports.gradebook_export import csv_bytes, safe, write_csv
from qinlian.reports.table import gradebook_table
from qinlian.reports.worksheet import plain
from qinlian.roster.store import RosterStore
from tests.roster_room import NOW, PLACES, entry
from tests.sample import COURSE

HOSTILE = (
    '=HYPERLINK("http://x.example","点我")',
    "=cmd|' /C calc'!A0",
    "+86 10",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "'=1",
    '周"小"岚, 二组',
    "两\n行",
    "两\r\n行;=1",
    "𠮷野 é",
    "'普通",
)
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def unsafe(text: str) -> str:
    """The text that ``safe`` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(RUNS) else text


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


class TestText:
    @settings(max_examples=40, deadline=None)
    @given(st.text())
    def test_what_was_made_safe_is_found_again(self, text: str) -> None:
        assert unsafe(safe(text)) == text
        assert not safe(text).startswith(RUNS)

    @settings(max_examples=40, deadline=None)
    @given(st.text(alphabet="'=+-@\t\r\nＡ＝甲", max_size=6), st.text(alphabet="'=+-@\t\r\nＡ＝甲", max_size=6))
    def test_no_two_texts_become_the_same(self, one: str, other: str) -> None:
        assert (safe(one) == safe(other)) == (one == other)

    def test_plain_text_is_left_alone(self) -> None:
        for text in ("", "周晓岚", "'普通", "a=b", " =1", "ql001"):
            assert safe(text) == text


class TestFile:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=3, max_size=3), max_size=5))
    @example([list(HOSTILE[:3]), list(HOSTILE[9:12])])
    def test_text_comes_back_cell_by_cell(self, rows: list[list[str]]) -> None:
        heading, *found = read(csv_bytes(["甲", "乙", "丙"], rows))
        assert heading == ["甲", "乙", "丙"]
        assert [[unsafe(cell) for cell in row] for row in found] == [[plain(cell) for cell in row] for row in rows]
        assert not [cell for row in found for cell in row if cell.startswith(RUNS)]

    def test_excel_is_told_the_encoding_and_lines_end_as_it_writes_them(self) -> None:
        assert csv_bytes(["姓名", "得分"], [["周晓岚", 79.0]]) == '\ufeff"姓名","得分"\r\n"周晓岚",79\r\n'.encode()

    def test_numbers_stay_numbers_and_what_is_missing_is_empty(self) -> None:
        row = [-1.5, 100.0, 3, float("nan"), None, pd.NaT, pd.NA, datetime.fromisoformat("2026-11-22 09:30:59")]
        assert read(csv_bytes("abcdefgh", [row]))[1] == ["-1.5", "100", "3", "", "", "", "", "2026-11-22 09:30"]

    def test_only_its_owner_can_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "成绩.csv"
        path.touch(0o644)
        write_csv(pd.DataFrame({"姓名": ["周晓岚"]}), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert pd.read_csv(path)["姓名"].tolist() == ["周晓岚"]

    def test_where_nothing_can_be_written_the_reason_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = pd.DataFrame({"姓名": ["新"]})
        (tmp_path / "文件夹").mkdir()
        with pytest.raises(GradingError, match=r"没有这样的/成绩\.csv 写不进去：没有这个文件夹"):
            write_csv(table, tmp_path / "没有这样的" / "成绩.csv")
        with pytest.raises(GradingError, match="已有同名的文件夹"):
            write_csv(table, tmp_path / "文件夹")
        for error, said in ((PermissionError(13, "no"), "不让您写"), (OSError(28, "full"), "是不是满了")):
            monkeypatch.setattr("qinlian.reports.gradebook_export.replace_file", Mock(side_effect=error))
            with pytest.raises(GradingError, match=said):
                write_csv(table, tmp_path / "成绩.csv")

    def test_an_old_file_stays_when_the_new_one_cannot_be_made(self, tmp_path: Path) -> None:
        old = tmp_path / "成绩.csv"
        old.write_text("旧的", "utf-8")

        class Breaks:
            def __eq__(self, _: object) -> bool:
                raise RuntimeError("坏了")

            __hash__ = None  # type: ignore[assignment]

        with pytest.raises(RuntimeError):
            write_csv(pd.DataFrame({"姓名": [Breaks()]}), old)
        assert old.read_text("utf-8") == "旧的"
        assert list(tmp_path.iterdir()) == [old]

    def test_an_empty_gradebook_is_a_heading(self, tmp_path: Path) -> None:
        write_csv(gradebook_table(f"sqlite:///{tmp_path / 'none.db'}", COURSE), tmp_path / "成绩.csv")
        assert len(read((tmp_path / "成绩.csv").read_bytes())) == 1


@pytest.mark.slow
class TestThroughNbgrader:
    """``nbgrader export`` as an instructor runs it, in a course with this repository's nbgrader_config.py."""

    @pytest.fixture(scope="class")
    @classmethod
    def room(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        from tests.classroom import fresh_classroom

        room = fresh_classroom(tmp_path_factory.mktemp("export"))
        hostile = [entry(f"h{n}", name, PLACES[0], email="=a@x.example") for n, name in enumerate(HOSTILE)]
        plain_ones = [entry(f"p{n}", f"学员{n}", PLACES[n]) for n in range(4)]
        RosterStore(room.db_url).apply([*hostile, *plain_ones], NOW)
        room.due(NOW - timedelta(days=1))
        room.send("qlp0", room.answers("qlp0", right=6, text="一段话" * 30))
        room.send("qlp1", room.answers("qlp1", right=3))
        room.send("qlh0", room.answers("qlh0", right=4))
        room.rounds().step()
        room.mark("qlp0", 12.5)
        return room

    def export(self, room: Any, *options: str) -> bytes:
        made: Path = room.root / f"out{len(options)}.csv"
        command = [sys.executable, "-m", "nbgrader", "export", "--to", made.name, *options]
        done = subprocess.run(command, cwd=room.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return made.read_bytes()

    def test_every_name_survives_and_the_rest_is_what_nbgrader_itself_says(self, room: Any) -> None:
        ours = read(self.export(room))
        assert stat.S_IMODE((room.root / "out0.csv").stat().st_mode) == 0o600
        stock = self.export(room, "--exporter=nbgrader.plugins.CsvExportPlugin").decode()
        # Its own file falls apart at the names of the others.
        theirs = [line.split(",") for line in stock.splitlines() if ",qlp" in line or line.startswith("assignment,")]
        assert ours[0] == theirs[0]
        assert {len(row) for row in ours} == {len(theirs[0])}
        names = {row[3]: unsafe(row[4]) for row in ours[1:] if row[3].startswith("qlh")}
        assert names == {f"qlh{n}": name for n, name in enumerate(HOSTILE)}
        assert {unsafe(row[6]) for row in ours[1:] if row[3].startswith("qlh")} == {"=a@x.example"}
        assert len(theirs) == 5
        assert [_numbers(row) for row in ours if row[3].startswith("qlp")] == list(map(_numbers, theirs[1:]))
        assert [row[7:10] for row in ours if row[3] == "qlp0"] == [["92.5", "0", "92.5"]]

    def test_one_learner_and_one_module_can_be_asked_for(self, room: Any) -> None:
        rows = read(self.export(room, '--student=["qlp0"]', '--assignment=["90-sample"]'))
        assert [row[3] for row in rows[1:]] == ["qlp0"]
        assert len(read(self.export(room, '--student=["qlp0"]', '--assignment=["99-none"]', "--log-level=INFO"))) == 1

    def test_where_nothing_can_be_written_it_says_so_in_a_sentence(self, room: Any) -> None:
        command = [sys.executable, "-m", "nbgrader", "export", "--to", "没有/成绩.csv"]
        done = subprocess.run(command, cwd=room.root, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "写不进去" in done.stderr
        assert "Traceback" not in done.stderr


def _numbers(row: list[str]) -> list[object]:
    return [*row[:7], *map(float, row[7:])]
