"""What learners leave in their homes and in the exchange while somebody with all rights makes a backup."""

from __future__ import annotations

import os
import threading
from pathlib import Path

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


@pytest.mark.slow
def test_a_folder_that_becomes_a_link_leads_nowhere(root: Path, home: Path, secret: Path, tmp_path: Path) -> None:
    """Again and again, while the backup is made."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "answers.json").write_text("root's secret")
    inside, aside = home / "03-x", home / "03-y"
    inside.mkdir()
    (inside / "answers.json").write_text("mine")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            inside.rename(aside)
            inside.symlink_to(outside)
            inside.unlink()
            aside.rename(inside)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for n in range(15):
            made = make_backup(local_site(root), tmp_path / f"{n}.tar.gz")
            there = empty_repository(tmp_path / f"there{n}")
            restored(there, made.path)
            for path in (there / ".classroom" / "homes").rglob("answers.json"):
                assert path.read_text() != "root's secret"
    finally:
        stop.set()
        thread.join()


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
