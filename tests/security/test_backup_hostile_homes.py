"""What learners leave in their homes and in the exchange while somebody with all rights makes a backup."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qinlian.backup import gather
from qinlian.backup.making import Made, make_backup
from qinlian.backup.site import local_site
from tests.unit.backup_room import empty_repository, restored, used_classroom


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return used_classroom(tmp_path / "here")


@pytest.fixture
def home(root: Path) -> Path:
    return root / ".classroom" / "homes" / "learner"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Somebody else's file, outside the classroom."""
    path = tmp_path / "shadow"
    path.write_text("root's secret")
    return path


def _backup(root: Path, tmp_path: Path) -> tuple[Made, Path]:
    made = make_backup(local_site(root), tmp_path / "b.tar.gz")
    there = empty_repository(tmp_path / "there")
    restored(there, made.path)
    return made, there / ".classroom" / "homes" / "learner"


def test_links_are_not_followed_and_not_taken(root: Path, home: Path, secret: Path, tmp_path: Path) -> None:
    (home / "02-gifts" / "data.txt").symlink_to(secret)
    (home / "folder").symlink_to(secret.parent)
    made, there = _backup(root, tmp_path)
    assert made.warnings == ["链接或特殊文件 2 个，如 homes/learner/02-gifts/data.txt、homes/learner/folder"]
    assert not (there / "02-gifts" / "data.txt").exists()
    assert not (there / "folder").exists()


def test_somebody_elses_file_under_another_name_is_not_taken(
    root: Path, home: Path, secret: Path, tmp_path: Path
) -> None:
    os.link(secret, home / "mine.txt")
    made, there = _backup(root, tmp_path)
    assert "硬链接" in made.warnings[0]
    assert not (there / "mine.txt").exists()


def test_a_pipe_does_not_keep_it_waiting(root: Path, home: Path, tmp_path: Path) -> None:
    os.mkfifo(home / "pipe")
    os.mkfifo(root / ".classroom/exchange/qinlian/inbound/pipe")
    made, _ = _backup(root, tmp_path)
    assert "链接或特殊文件 2 个" in made.warnings[0]


def _swapping(monkeypatch: pytest.MonkeyPatch, name: str, swap: Callable[[], None]) -> None:
    """Let the learner act in the instant between the look at ``name`` and its opening."""
    real = os.stat

    def stat(path: Any, **where: Any) -> os.stat_result:
        found = real(path, **where)
        if path == name and "dir_fd" in where:
            swap()
        return found

    monkeypatch.setattr(gather.os, "stat", stat)


def _read(home: Path) -> dict[str, bytes]:
    """All that is read of a home."""
    found = gather.walk(home, "", lambda _: False, 1, gather.LeftOut())
    return {one.path: os.read(one.handle, 100) for one in found if one.handle is not None}


def test_a_folder_that_becomes_a_link_leads_nowhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "answers.json").write_text("root's secret")
    inside = home / "03-x"
    inside.mkdir()

    def swap() -> None:
        inside.rename(home / ".aside")
        inside.symlink_to(outside)

    _swapping(monkeypatch, "03-x", swap)
    assert b"root's secret" not in _read(home).values()
    assert inside.is_symlink()


def test_a_file_that_becomes_a_link_or_a_pipe_is_not_read(
    home: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [lambda p: p.symlink_to(secret), os.mkfifo, lambda p: p.hardlink_to(secret)]
    for n, become in enumerate(kinds):
        path = home / f"swapped{n}"
        path.write_text("mine")

        def swap(path: Path = path, become: Callable[[Path], object] = become) -> None:
            path.unlink()
            become(path)

        with monkeypatch.context() as patch:
            _swapping(patch, path.name, swap)
            assert b"root's secret" not in _read(home).values()
        path.unlink()


def test_a_folder_swapped_while_it_is_read_gives_what_was_in_it(root: Path, home: Path, secret: Path) -> None:
    inside = home / "03-x"
    inside.mkdir()
    (inside / "answers.json").write_text("mine")
    found = gather.walk(home, "", lambda _: False, 1, gather.LeftOut())
    for one in found:
        if one.path == "03-x":
            inside.rename(home / ".aside")
            inside.symlink_to(secret.parent)
        if one.path == "03-x/answers.json":
            assert one.handle is not None
            assert os.read(one.handle, 100) == b"mine"
            return
    raise AssertionError("the folder was not read to its end")


def test_a_file_that_never_ends_is_left_out(root: Path, home: Path, tmp_path: Path) -> None:
    with (home / "endless").open("wb") as file:
        file.truncate(10**12)
    made, there = _backup(root, tmp_path)
    assert "大于 100 MB 的文件 1 个，如 homes/learner/endless" in made.warnings
    assert not (there / "endless").exists()


def test_too_much_of_one_learner_leaves_out_no_answers(
    root: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "_COUNT", 30)
    (home / "00").mkdir()
    for n in range(100):
        (home / "00" / f"{n}").touch()
    other = root / ".classroom" / "homes" / "other" / "02-gifts"
    other.mkdir(parents=True)
    (other / "answers.json").write_text("other's")
    made, there = _backup(root, tmp_path)
    assert made.warnings[0].startswith("超出一人份额的内容")
    # What the course keeps there goes first, and nobody else has to suffer.
    assert (there / ".qinlian/notes/qinlian/02-gifts.json").is_file()
    assert (there.parent / "other" / "02-gifts" / "answers.json").read_text() == "other's"


def test_folders_without_end_are_left_out(root: Path, home: Path, tmp_path: Path) -> None:
    deep = home
    for _ in range(60):
        deep = deep / "d"
        deep.mkdir()
    made, there = _backup(root, tmp_path)
    assert "嵌套太深的文件夹" in made.warnings[0]
    assert (there / "02-gifts" / "answers.json").is_file()


def test_a_name_does_not_act_on_the_screen(root: Path, home: Path, tmp_path: Path) -> None:
    (home / "\x1b[31mred\n").symlink_to("/etc/passwd")
    made, _ = _backup(root, tmp_path)
    assert "\x1b" not in "".join(made.warnings)
    assert "\n" not in "".join(made.warnings)
