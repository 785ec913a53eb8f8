"""``qinlian report`` as somebody types it, over a class."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from qinlian import cli
from tests.classroom import Classroom
from tests.report_room import COURSE, report_room

# A class is made for these: ten seconds.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return report_room(tmp_path_factory.mktemp("report"))


@pytest.fixture
def run(room: Classroom, monkeypatch: pytest.MonkeyPatch) -> Any:
    def ran(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["qinlian", "report", "--root", str(room.root), *arguments])
        monkeypatch.setattr("qinlian.cli.report.load", lambda _: COURSE)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return ran


def test_one_call_makes_page_workbook_and_csv(run: Any, tmp_path: Path, capsys: Any) -> None:
    html, xlsx, csv = (tmp_path / f"报表.{kind}" for kind in ("html", "xlsx", "csv"))
    assert run("--html", str(html), "--xlsx", str(xlsx), "--csv", str(csv)) == 0
    out = capsys.readouterr()
    assert str(html) in out.out
    assert "像名单一样保管" in out.out
    assert "读成绩册" in out.err
    assert "成绩总表（提交时间为北京时间）" not in out.out
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert load_workbook(xlsx).sheetnames[0] == "成绩总表"
    assert csv.read_bytes().startswith(b"\xef\xbb\xbf")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (html, xlsx, csv)} == {0o600}


@pytest.mark.parametrize("file", ["--xlsx", "--csv"])
def test_what_is_saved_is_not_printed_too(run: Any, tmp_path: Path, capsys: Any, file: str) -> None:
    assert run(file, str(tmp_path / "报表")) == 0
    assert "北京时间" not in capsys.readouterr().out


def test_without_a_file_the_gradebook_is_printed(run: Any, capsys: Any) -> None:
    assert run() == 0
    assert "成绩总表（提交时间为北京时间）" in capsys.readouterr().out


def test_without_a_font_the_page_is_made_and_the_command_says_so(
    run: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qinlian.reports import fonts

    fonts._found.cache_clear()
    monkeypatch.setattr(fonts, "_system_folders", list)
    monkeypatch.delenv(fonts.SETTING, raising=False)
    assert run("--html", str(tmp_path / "报表.html")) == 0
    fonts._found.cache_clear()
    assert "没有找到中文字体" in capsys.readouterr().out
    assert "@font-face" not in (tmp_path / "报表.html").read_text(encoding="utf-8")


def test_a_wrong_setting_of_the_font_is_an_error(
    run: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QINLIAN_FONT", str(tmp_path / "没有.ttf"))
    assert run("--html", str(tmp_path / "报表.html")) == 1
    assert "QINLIAN_FONT" in capsys.readouterr().err
    assert not (tmp_path / "报表.html").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--risks", "--html", "x"), "--risks 只能另存为 Excel"),
        (("--risks", "--csv", "x"), "--csv 是成绩总表"),
        (("--earlier", "x"), "--earlier 要和 --reflections"),
        (("--units", "x"), "--units 要和 --risks"),
    ],
)
def test_what_does_not_go_together_is_said(run: Any, capsys: Any, arguments: tuple[str, ...], why: str) -> None:
    assert run(*arguments) == 2
    assert why in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_said(run: Any, capsys: Any, tmp_path: Path) -> None:
    assert run("--html", str(tmp_path / "没有" / "报表.html")) == 1
    assert "报表写不进" in capsys.readouterr().err


def test_reflections_stay_their_own_page(run: Any, tmp_path: Path) -> None:
    assert run("--reflections", "--html", str(tmp_path / "心得.html")) == 0
    assert "· 心得</title>" in (tmp_path / "心得.html").read_text(encoding="utf-8")


def test_the_workbook_of_reflections_is_for_its_owner_alone(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "心得.xlsx"
    path.touch(0o644)
    assert run("--reflections", "--xlsx", str(path)) == 0
    assert load_workbook(path).sheetnames == ["心得"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
