"""Owners and modes of a Hub's folders come back by name, whatever number a name has on the new machine."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qinlian.backup.hubs import course_to_bring, restored_settings, save_settings
from qinlian.backup.making import make_backup
from qinlian.backup.reading import read_backup
from qinlian.backup.restoring import Restored, restore_backup
from qinlian.backup.site import hub_site
from qinlian.errors import BackupError
from qinlian.hub.settings import HubSettings, Ports

pytestmark = [pytest.mark.hub, pytest.mark.accounts]

ALICE, BOB = "qlbackup01", "qlbackup02"
FOLDER = f"{ALICE}+02-gifts+2026-11-22 08:00:00.000000 UTC+abcdefghijkl"


def _add(name: str, uid: int) -> None:
    subprocess.run(["useradd", "--uid", str(uid), "--user-group", "--no-create-home", name], check=True)


def _remove(name: str) -> None:
    subprocess.run(["userdel", "--force", name], check=False, capture_output=True)


@pytest.fixture
def people() -> Iterator[None]:
    _add(ALICE, 29_801)
    _add(BOB, 29_802)
    yield
    _remove(ALICE)
    _remove(BOB)


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="qinlian-backup-", dir="/srv"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _write(path: Path, text: str, owner: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    who = pwd.getpwnam(owner)
    for each in (path, path.parent):
        os.chown(each, who.pw_uid, who.pw_gid)
    path.chmod(mode)


@pytest.fixture
def hub(people: None, place: Path) -> HubSettings:
    """A Hub's folders in which two learners worked; nothing runs."""
    ports = Ports(proxy_api=1, hub=2, formgrader=3, staff=4)
    made = HubSettings(state=place / "state", course_id="qinlian", port=8123, ports=ports)
    made.save()
    inbound = made.exchange / "qinlian" / "inbound"
    _write(made.homes / ALICE / "02-gifts" / "answers.json", "alice's", ALICE, 0o600)
    _write(made.homes / BOB / "answers.json", "bob's", BOB, 0o600)
    os.chown(made.homes / ALICE, 29_801, 29_801)
    (made.homes / ALICE).chmod(0o700)
    made.homes.chmod(0o711)
    for name in ("answers.json", "timestamp.txt", "submission_secret.txt"):
        _write(inbound / FOLDER / name, "x", ALICE, 0o644)
    (inbound / FOLDER).chmod(0o777)
    inbound.chmod(0o1733)
    _write(made.course_root / "course" / "secret.txt", "0" * 64, "root", 0o600)
    _write(made.private / "learners.img.old", "x", "root", 0o600)
    _write(made.private / "logs" / "hub.log", "noise", "root", 0o600)
    made.classroom.mkdir()
    for path in (made.private / "jupyterhub.sqlite", made.private / "sign-in.sqlite", made.classroom / "gradebook.db"):
        with closing(sqlite3.connect(path)) as book:
            book.execute("CREATE TABLE t (x)")
            book.execute("INSERT INTO t VALUES (?)", (path.name,))
            book.commit()
    return made


def _restored(state: Path, backup: Path, *, replace: bool = False) -> Restored:
    contents = read_backup(backup)
    there = restored_settings(state, contents, None)
    return restore_backup(hub_site(there), backup, contents, replace=replace, settle=save_settings(there))


def test_everything_belongs_to_whom_it_belonged_by_name(hub: HubSettings, place: Path) -> None:
    make_backup(hub_site(hub), place / "b.tar.gz")
    # On the new machine Alice has another number, and nobody knows Bob yet.
    _remove(ALICE)
    _remove(BOB)
    _add(ALICE, 29_811)
    found = _restored(place / "elsewhere", place / "b.tar.gz")
    assert found.strangers == {BOB}
    there = HubSettings.load(place / "elsewhere")
    assert there.state == place / "elsewhere"
    assert there.port == 8123
    answers = there.homes / ALICE / "02-gifts" / "answers.json"
    assert (answers.stat().st_uid, answers.stat().st_mode & 0o777) == (29_811, 0o600)
    assert (there.homes / BOB / "answers.json").stat().st_uid == 29_802
    folder = there.exchange / "qinlian" / "inbound" / FOLDER
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (29_811, 0o777)
    assert folder.parent.stat().st_mode & 0o7777 == 0o1733
    assert (there.homes.stat().st_mode & 0o777, (there.homes / ALICE).stat().st_mode & 0o777) == (0o711, 0o700)
    assert there.private.stat().st_mode & 0o777 == 0o700
    for name in ("jupyterhub.sqlite", "sign-in.sqlite"):
        with closing(sqlite3.connect(there.private / name)) as book:
            assert book.execute("SELECT x FROM t").fetchall() == [(name,)]
    assert not (there.private / "logs").exists()


def test_what_is_not_mounted_is_not_backed_up_as_if_it_were_empty(hub: HubSettings) -> None:
    (hub.private / "learners.img").touch()
    with pytest.raises(BackupError, match="学员的磁盘没有挂上"):
        hub_site(hub)


def test_a_disk_of_its_own_takes_what_is_restored_on_it(hub: HubSettings, place: Path) -> None:
    """And keeps what was there, aside, on itself: names do not change over from one disk to another."""
    make_backup(hub_site(hub), place / "b.tar.gz")
    state = place / "elsewhere"
    (state / "learners").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", state / "learners"], check=True)
    try:
        before = state / "learners" / "homes" / ALICE / "mine.txt"
        _write(before, "only here", ALICE, 0o600)
        found = _restored(state, place / "b.tar.gz", replace=True)
        assert (state / "learners" / "homes" / ALICE / "02-gifts" / "answers.json").read_text() == "alice's"
        assert not before.exists()
        (aside,) = (folder for folder in found.aside if folder.name == "homes")
        assert (aside / ALICE / "mine.txt").read_text() == "only here"
        # Nobody but root gets to it there either.
        done = subprocess.run(
            ["setpriv", "--reuid", BOB, "--regid", BOB, "--clear-groups", "ls", aside],
            capture_output=True,
            check=False,
        )
        assert done.returncode != 0
    finally:
        subprocess.run(["umount", state / "learners"], check=True)


def test_a_disk_that_is_full_changes_nothing(hub: HubSettings, place: Path) -> None:
    _write(hub.homes / BOB / "large.bin", "x" * 80_000_000, BOB, 0o600)
    make_backup(hub_site(hub), place / "b.tar.gz")
    contents = read_backup(place / "b.tar.gz")
    state = place / "elsewhere"
    (state / "learners").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", state / "learners"], check=True)
    try:
        with pytest.raises(BackupError, match="请先腾出空间"):
            _restored(state, place / "b.tar.gz")
        # And when it fills up only while it is unpacked.
        contents.size.clear()
        there = restored_settings(state, contents, None)
        with pytest.raises(OSError, match="No space left"):
            restore_backup(hub_site(there), place / "b.tar.gz", contents, settle=save_settings(there))
        assert list((state / "learners").iterdir()) == []
        assert not (state / "hub" / "settings.json").exists()
    finally:
        subprocess.run(["umount", state / "learners"], check=True)


def test_a_repository_with_another_key_is_noticed_before_it_replaces_the_course(hub: HubSettings, place: Path) -> None:
    repository = place / "repository"
    (repository / "course").mkdir(parents=True)
    assert course_to_bring(hub, repository) is None
    (repository / "course" / "course.yaml").touch()
    (repository / "course" / "secret.txt").write_text("1" * 64)
    assert course_to_bring(hub, repository) == (hub.course_root / "course", repository / "course")
    (repository / "course" / "secret.txt").write_text("0" * 64 + "\n")
    assert course_to_bring(hub, repository) is None
