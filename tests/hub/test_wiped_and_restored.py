"""The whole Hub is backed up while people work, wiped off the machine, restored, and goes on."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qinlian.hub.settings import GRADER
from tests.e2e.classroom import wait_until
from tests.hub.learner import Learner, full_marks
from tests.hub.room import HubRoom

pytestmark = [pytest.mark.hub, pytest.mark.accounts]

MODULE, ALICE, BOB = "05-procurement", "qlt903", "qlt904"


def _owners(folder: Path) -> dict[str, tuple[str, int]]:
    """Whose everything below a folder is, and who is let in."""
    return {
        str(path.relative_to(folder)): (pwd.getpwuid(path.lstat().st_uid).pw_name, path.lstat().st_mode)
        for path in sorted((folder, *folder.rglob("*")))
        if not {"logs", "pages", ".cache", "lock"}.intersection(path.parts) and path.suffix != ".pid"
    }


def _attempts(room: HubRoom) -> list[Any]:
    with closing(sqlite3.connect(f"file:{room.state}/classroom/gradebook.db?mode=ro", uri=True)) as book:
        return book.execute(
            "SELECT learner, number, identity FROM qinlian_attempt WHERE module = ?", (MODULE,)
        ).fetchall()


def _passwords(room: HubRoom) -> list[Any]:
    with closing(sqlite3.connect(room.state / "hub" / "sign-in.sqlite")) as store:
        return sorted(store.execute("SELECT account, password, code FROM sign_in").fetchall(), key=repr)


def _wipe(room: HubRoom) -> None:
    """As a new machine: no state, no accounts."""
    if os.path.ismount(room.state / "learners"):
        subprocess.run(["umount", room.state / "learners"], check=True)
    for path in room.state.iterdir():
        if path.name != "venv":
            shutil.rmtree(path)
    for person in room.people:
        subprocess.run(["userdel", "--force", person.account], check=False, capture_output=True)


def test_a_hub_comes_back(room: HubRoom) -> None:
    alice, bob = Learner(room, ALICE), Learner(room, BOB)
    for learner in (alice, bob):
        learner.fetch(MODULE)
        learner.submit(MODULE, full_marks(room, learner.account, MODULE))
    before = wait_until(lambda: alice.result(MODULE), 120, "alice's result")
    wait_until(lambda: bob.result(MODULE), 120, "bob's result")
    (alice.home / "notes.txt").write_text("mine")
    os.chown(alice.home / "notes.txt", pwd.getpwnam(ALICE).pw_uid, pwd.getpwnam(ALICE).pw_gid)

    done = room.qinlian("backup", str(room.folder / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    refused = room.qinlian("restore", "--replace", str(room.folder / "b.tar.gz"))
    assert refused.returncode == 1
    assert "正开着" in refused.stderr
    homes, attempts, passwords = _owners(room.state / "learners" / "homes"), _attempts(room), _passwords(room)
    assert room.stop() == 0
    _wipe(room)

    done = room.qinlian("restore", str(room.folder / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    # The grader is known on this machine, the learners are not yet: theirs goes by number.
    assert "还没有账号 qlt9" in done.stderr
    assert GRADER not in done.stderr
    room.start(roster=False)
    after = _owners(room.state / "learners" / "homes")
    assert {name: what for name, what in after.items() if name in homes} == homes
    assert (alice.home / "notes.txt").read_text() == "mine"
    assert _attempts(room) == attempts
    assert _passwords(room) == passwords
    assert (room.state / "hub" / "settings.json").stat().st_mode & 0o777 == 0o600
    # Nobody hands in anew, and results are there; who hands in again has a second attempt.
    assert wait_until(lambda: alice.result(MODULE), 120, "alice's result")["score"] == before["score"]
    seen = tuple(item for quiz in before["quizzes"].values() for item in quiz["seen"])
    bob.submit(MODULE, full_marks(room, BOB, MODULE, attempt=2, seen=seen))
    wait_until(lambda: len(_attempts(room)) == len(attempts) + 1, 120, "bob's second attempt")
    assert set(attempts) < set(_attempts(room))
