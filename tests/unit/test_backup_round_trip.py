"""A backup holds everything of a classroom, and a restore brings all of it back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from qinlian.backup.making import backup_name, make_backup
from qinlian.backup.reading import read_backup
from qinlian.backup.site import local_site
from qinlian.core.zone import BEIJING
from qinlian.errors import BackupError
from tests.unit.backup_room import FOLDER, backed_up, empty_repository, grades, picture, restored, used_classroom


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return used_classroom(tmp_path / "here")


def test_everything_comes_back_with_its_mode_and_time(root: Path, tmp_path: Path) -> None:
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    before = picture(root)
    del before["autograded/README.md"]
    assert picture(there) == before
    assert grades(there) == [("a", 7.5)]
    answers = there / ".classroom/homes/learner/02-gifts/answers.json"
    assert answers.stat().st_mtime == 1_790_000_000


def test_nothing_of_a_restore_is_left_lying_about(root: Path, tmp_path: Path) -> None:
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    assert {p.name for p in there.iterdir()} == {
        ".classroom", "autograded", "course", "nbgrader_config.py", "release", "source",
    }  # fmt: skip
    assert {p.name for p in tmp_path.iterdir()} == {"here", "there", "b.tar.gz"}


def test_the_file_is_for_its_owner_alone(root: Path, tmp_path: Path) -> None:
    assert backed_up(root, tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600


def test_a_backup_says_what_it_is(root: Path, tmp_path: Path) -> None:
    contents = read_backup(backed_up(root, tmp_path / "b.tar.gz"))
    header = contents.header
    assert (header.kind, header.course, header.database, header.format) == ("本机", "qinlian", "sqlite", 1)
    assert header.product
    assert header.made_at.tzinfo is not None
    # What was counted before is what was then copied.
    assert header.size == contents.size.total() - contents.size["arrivals.jsonl"]


def test_what_was_written_but_not_yet_committed_is_not_in_a_backup(root: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(root / ".classroom" / "gradebook.db")) as writer:
        writer.execute("INSERT INTO mark VALUES ('b', 1)")
        backup = backed_up(root, tmp_path / "b.tar.gz")
        writer.rollback()
    there = empty_repository(tmp_path / "there")
    restored(there, backup)
    assert grades(there) == [("a", 7.5)]


def test_a_backup_is_made_of_a_gradebook_whose_writer_died(root: Path, tmp_path: Path) -> None:
    book, dead = root / ".classroom" / "gradebook.db", tmp_path / "dead.db"
    with closing(sqlite3.connect(book)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.executemany("INSERT INTO mark VALUES (?, 0)", [(str(n) * 50,) for n in range(3000)])
        # As the disk looks when the machine goes out now: half a transaction, and the journal that undoes it.
        dead.write_bytes(book.read_bytes())
        Path(f"{dead}-journal").write_bytes(Path(f"{book}-journal").read_bytes())
        writer.rollback()
    dead.replace(book)
    Path(f"{dead}-journal").replace(f"{book}-journal")
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    assert grades(there) == [("a", 7.5)]


def test_a_damaged_gradebook_is_reported_and_not_backed_up(root: Path, tmp_path: Path) -> None:
    book = root / ".classroom" / "gradebook.db"
    book.write_bytes(book.read_bytes()[:4096] + b"\xff" * 4096)
    with pytest.raises(BackupError, match="没有备份"):
        backed_up(root, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_classroom_without_a_gradebook_yet_is_backed_up_as_it_is(root: Path, tmp_path: Path) -> None:
    (root / ".classroom" / "gradebook.db").unlink()
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    assert not (there / ".classroom" / "gradebook.db").exists()
    assert (there / ".classroom/homes/learner/02-gifts/answers.json").is_file()


def test_an_existing_file_is_never_overwritten(root: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_text("the only backup")
    with pytest.raises(BackupError, match="已经有"):
        backed_up(root, tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").read_text() == "the only backup"


def test_a_backup_that_fails_leaves_nothing(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    target.mkdir()

    def stop(what: str, done: int, total: int) -> None:
        if done > 100:
            raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        make_backup(local_site(root), target / "b.tar.gz", stop)
    assert list(target.iterdir()) == []


def test_what_is_being_written_stays_out(root: Path, tmp_path: Path) -> None:
    inbound = root / ".classroom/exchange/qinlian/inbound"
    (inbound / ".0123456789abcdef").mkdir()
    (root / ".classroom/submitted/demo01/.02-gifts-xyz").mkdir()
    (root / ".classroom/homes/learner/02-gifts/.new-abc").write_text("half")
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    assert [p.name for p in (there / ".classroom/exchange/qinlian/inbound").iterdir()] == [FOLDER]
    assert [p.name for p in (there / ".classroom/submitted/demo01").iterdir()] == ["02-gifts"]
    assert [p.name for p in (there / ".classroom/homes/learner/02-gifts").iterdir()] == ["answers.json"]


def test_a_submission_that_vanished_before_is_reported(root: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(root / ".classroom" / "gradebook.db")) as book:
        book.execute("CREATE TABLE qinlian_attempt (learner TEXT, module TEXT)")
        book.execute("INSERT INTO qinlian_attempt VALUES ('demo01', '02-gifts'), ('demo02', '02-gifts')")
        book.commit()
    made = make_backup(local_site(root), tmp_path / "b.tar.gz")
    assert len(made.warnings) == 1
    assert "1 份提交" in made.warnings[0]
    assert "demo02/02-gifts" in made.warnings[0]


def test_a_file_with_many_names_is_kept_once_and_has_them_all_again(root: Path, tmp_path: Path) -> None:
    """As lesson.json in every learner's graded folder."""
    first = root / "autograded" / "demo01" / "02-gifts" / "lesson.json"
    first.write_bytes(os.urandom(100_000))
    for n in range(20):
        other = root / "autograded" / f"demo1{n}" / "02-gifts" / "lesson.json"
        other.parent.mkdir(parents=True)
        other.hardlink_to(first)
    there = empty_repository(tmp_path / "there")
    backup = backed_up(root, tmp_path / "b.tar.gz")
    assert backup.stat().st_size < 150_000
    restored(there, backup)
    back = there / "autograded" / "demo119" / "02-gifts" / "lesson.json"
    assert back.read_bytes() == first.read_bytes()
    assert back.stat().st_nlink == 21


def test_names_that_are_no_text_come_back_byte_for_byte(root: Path, tmp_path: Path) -> None:
    odd = b"\xff\xfe\xe5\x90.txt"
    home = os.fsencode(root / ".classroom/homes/learner")
    Path(os.fsdecode(home + b"/" + odd)).write_text("mine")
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    assert odd in {os.fsencode(path.name) for path in (there / ".classroom/homes/learner").iterdir()}


def test_a_backup_is_called_by_course_and_time() -> None:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=BEIJING)
    assert backup_name("lianjie", moment) == f"qinlian-lianjie-{moment.astimezone():%Y%m%d-%H%M%S}.tar.gz"
