"""Restoring is all or nothing, and never takes anything away from anybody."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from qinlian.backup.reading import read_backup
from qinlian.backup.restoring import _exchange, restore_backup
from qinlian.backup.site import local_site
from qinlian.errors import BackupError
from tests.unit.backup_room import CONFIG, backed_up, empty_repository, grades, picture, restored, used_classroom


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return backed_up(used_classroom(tmp_path / "here"), tmp_path / "b.tar.gz")


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """Another classroom, with work of its own."""
    root = used_classroom(tmp_path / "used")
    (root / ".classroom/homes/learner/02-gifts/answers.json").write_text('{"revision": 99}')
    (root / ".classroom/homes/learner/only-here.txt").write_text("mine")
    return root


def test_a_classroom_that_was_used_is_not_overwritten(backup: Path, used: Path) -> None:
    before = picture(used)
    with pytest.raises(BackupError, match="--replace"):
        restored(used, backup)
    assert picture(used) == before


def test_with_replace_the_old_one_goes_aside_whole(backup: Path, used: Path, tmp_path: Path) -> None:
    before = picture(used)
    found = restored(used, backup, replace=True)
    assert (used / ".classroom/homes/learner/02-gifts/answers.json").read_text() == '{"revision": 2}'
    assert not (used / ".classroom/homes/learner/only-here.txt").exists()
    (aside,) = {folder.parent for folder in found.aside}
    assert aside.stat().st_mode & 0o077 == 0
    now = picture(aside)
    lost = {name for name, what in before.items() if now.get(name) != what and (used / name).name != "README.md"}
    # The places themselves stay where they are; everything in them went.
    assert lost <= {".classroom", "course", "source", "release", "autograded", "nbgrader_config.py"}
    assert (aside / ".classroom" / "gradebook.db").is_file()


def test_a_course_that_was_never_released_makes_way(backup: Path, tmp_path: Path) -> None:
    fresh = empty_repository(tmp_path / "fresh")
    (fresh / "course").mkdir()
    (fresh / "course" / "course.yaml").write_text("课程: qinlian # 仓库里的\n")
    found = restored(fresh, backup)
    assert (fresh / "course" / "course.yaml").read_text() == "课程: qinlian\n"
    assert [(folder / "course.yaml").read_text() for folder in found.aside] == ["课程: qinlian # 仓库里的\n"]


def test_what_is_this_machines_stays(backup: Path, used: Path) -> None:
    (used / ".classroom" / "jupyter").mkdir()
    (used / ".classroom" / "jupyter" / "settings.json").write_text("here")
    restored(used, backup, replace=True)
    assert (used / ".classroom" / "jupyter" / "settings.json").read_text() == "here"
    assert (used / ".classroom" / "logs" / "worker.log").read_text() == "noise"


def test_an_open_classroom_is_left_alone(backup: Path, used: Path) -> None:
    before = picture(used)
    with (used / ".classroom" / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="正开着"):
            restored(used, backup, replace=True)
    assert picture(used) == before


def test_another_courses_backup_is_refused(backup: Path, tmp_path: Path) -> None:
    other = empty_repository(tmp_path / "other")
    (other / "nbgrader_config.py").write_text(CONFIG.replace('"qinlian"', '"other"'))
    with pytest.raises(BackupError, match="课程 qinlian 的备份"):
        restored(other, backup)


def test_a_backup_of_another_kind_of_database_is_refused(backup: Path, tmp_path: Path) -> None:
    other = empty_repository(tmp_path / "other")
    (other / "nbgrader_config.py").write_text(
        CONFIG.replace("f\"sqlite:///{classroom / 'gradebook.db'}\"", '"postgresql+psycopg://nobody@127.0.0.1:1/none"')
    )
    with pytest.raises(BackupError, match="备份里的成绩册是 SQLite，这里用的是 PostgreSQL"):
        restored(other, backup)


def test_a_disk_that_is_too_small_is_noticed_first(backup: Path, tmp_path: Path) -> None:
    there = empty_repository(tmp_path / "there")
    contents = read_backup(backup)
    contents.size["classroom"] = 10**18
    with pytest.raises(BackupError, match="请先腾出空间"):
        restore_backup(local_site(there), backup, contents)
    assert not (there / ".classroom" / "homes").exists()


def test_a_file_that_changed_after_it_was_checked_changes_nothing(backup: Path, used: Path) -> None:
    before, contents = picture(used), read_backup(backup)
    data = backup.read_bytes()
    backup.write_bytes(data[: len(data) - 200])
    with pytest.raises(BackupError):
        restore_backup(local_site(used), backup, contents, replace=True)
    assert picture(used) == before
    assert grades(used) == [("a", 7.5)]


def test_names_change_back_when_one_of_them_cannot(used: Path, tmp_path: Path) -> None:
    before = picture(used)
    aside = tmp_path / "aside"
    moves = [
        (used / "course", aside / "course"),
        (used / "release", aside / "release"),
        (used / "was-never-there", aside / "x"),
    ]
    with pytest.raises(FileNotFoundError):
        _exchange(local_site(used), {}, moves, lambda: None)
    assert picture(used) == before


def test_names_change_back_when_the_database_does_not_commit(used: Path, tmp_path: Path) -> None:
    before = picture(used)

    def refuse() -> None:
        raise BackupError("the server is gone")

    with pytest.raises(BackupError, match="gone"):
        _exchange(local_site(used), {}, [(used / "course", tmp_path / "aside" / "course")], refuse)
    assert picture(used) == before
