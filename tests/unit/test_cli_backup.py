"""``qinlian backup`` and ``qinlian restore`` as somebody types them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qinlian import cli
from tests.unit.backup_room import empty_repository, grades, used_classroom


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run ``qinlian`` as a shell would; returns its exit status."""
    monkeypatch.setattr("sys.argv", ["qinlian", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return used_classroom(tmp_path / "here")


def test_out_and_back(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "backup", "--root", root, tmp_path / "b.tar.gz") == 0
    said = capsys.readouterr().out
    assert re.search(r"已备份到 .*b\.tar\.gz：\d+ 个文件，\d+\.\d MB（原 \d+\.\d MB）", said)
    assert "像保管试卷一样保管" in said
    there = empty_repository(tmp_path / "there")
    assert run(monkeypatch, "restore", "--root", there, tmp_path / "b.tar.gz") == 0
    said = capsys.readouterr().out
    assert "备份完好：课程 qinlian" in said
    assert "已恢复" in said
    assert grades(there) == [("a", 7.5)]


def test_a_folder_gets_a_file_with_the_time_in_its_name(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backups").mkdir()
    assert run(monkeypatch, "backup", "--root", root, tmp_path / "backups") == 0
    (made,) = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"qinlian-qinlian-\d{8}-\d{6}\.tar\.gz", made.name)


def test_checking_restores_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "backup", "--root", root, tmp_path / "b.tar.gz")
    there = empty_repository(tmp_path / "there")
    capsys.readouterr()
    assert run(monkeypatch, "restore", "--check", "--root", there, tmp_path / "b.tar.gz") == 0
    assert capsys.readouterr().out.startswith("备份完好：")
    assert [p.name for p in there.iterdir()] == ["nbgrader_config.py"]


def test_replacing_says_where_the_old_one_went(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "backup", "--root", root, tmp_path / "b.tar.gz")
    assert run(monkeypatch, "restore", "--root", root, tmp_path / "b.tar.gz") == 1
    assert "--replace" in capsys.readouterr().err
    assert run(monkeypatch, "restore", "--replace", "--root", root, tmp_path / "b.tar.gz") == 0
    for folder in re.findall(r"原来的移到了 (\S+)", capsys.readouterr().out):
        assert Path(folder).is_dir()


def test_what_was_left_out_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".classroom/homes/learner/link").symlink_to("/etc/passwd")
    assert run(monkeypatch, "backup", "--root", root, tmp_path / "b.tar.gz") == 0
    assert "没有收进备份：链接或特殊文件 1 个，如 homes/learner/link" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backup", "--root", "{empty}"), "这里还没有开过课"),
        (("backup", "--root", "{tmp}"), "没有 nbgrader_config.py"),
        (("backup", "--root", "{here}", "{tmp}/no/where.tar.gz"), "没有文件夹"),
        (("backup", "--root", "{here}", "{tmp}/disk/"), "没有文件夹"),
        (("backup", "--state", "{tmp}"), "没有 Hub 课堂"),
        (("restore", "--root", "{empty}", "{tmp}/none.tar.gz"), "没有找到文件"),
        (("restore", "--root", "{empty}", "{here}/nbgrader_config.py"), "不是 qinlian backup 写的备份"),
        (("restore", "--state", "{tmp}/s", "{tmp}/b.tar.gz"), "没有 Hub 课堂的设置"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_chinese_line(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    run(monkeypatch, "backup", "--root", root, tmp_path / "b.tar.gz")
    capsys.readouterr()
    places = {"tmp": tmp_path, "here": root, "empty": empty_repository(tmp_path / "empty")}
    assert run(monkeypatch, *(word.format(**places) for word in words)) == 1
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    assert "Traceback" not in line


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_the_help_pages_are_chinese(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    names = {"backup", "restore", "qinlian", "help", "root", "state", "homes", "database", "replace", "check"}
    words = set(re.findall(r"[A-Za-z]{4,}", capsys.readouterr().out))
    assert words <= names | {"Kubernetes", "PostgreSQL"}
