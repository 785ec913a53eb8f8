"""The file of passwords and one-time codes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qinlian.errors import SignInError
from qinlian.hub import sign_in_store
from qinlian.hub.guesses import Guesses, Visitor
from qinlian.hub.sign_in_store import CODE_DAYS, SignInStore
from tests.sign_in_room import GOOD, OTHER, Clock, do_not_wait_for_the_disk, hash_quickly

DAY = 86_400


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> SignInStore:
    return SignInStore(tmp_path / "sign-in.sqlite", clock)


def test_only_its_owner_can_read_the_file(tmp_path: Path, store: SignInStore):
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    store.path.chmod(0o644)
    SignInStore(store.path)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_link_in_the_file_s_place_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / "sign-in.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SignInError):
        SignInStore(tmp_path / "sign-in.sqlite")


def test_a_code_sets_the_first_password(store: SignInStore):
    code = store.issue("ql1")
    assert not store.check("ql1", GOOD)
    assert store.check_code("ql1", code)
    assert store.redeem("ql1", code, GOOD)
    assert store.check("ql1", GOOD)
    assert not store.check("ql1", OTHER)
    assert not store.check("ql2", GOOD)


def test_a_code_is_good_once_and_for_its_account_alone(store: SignInStore):
    code = store.issue("ql1")
    store.issue("ql2")
    assert not store.redeem("ql2", code, OTHER)
    assert store.redeem("ql1", code, GOOD)
    assert not store.redeem("ql1", code, OTHER)
    assert not store.check_code("ql1", code)
    assert store.check("ql1", GOOD)


def test_a_code_sets_one_password_however_many_ask_at_once(store: SignInStore):
    code = store.issue("ql1")
    wanted = [f"密码第{number}号好记的话" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda password: store.redeem("ql1", code, password), wanted))
    assert done.count(True) == 1
    assert store.check("ql1", wanted[done.index(True)])


def test_a_code_expires(store: SignInStore, clock: Clock):
    code = store.issue("ql1")
    clock.forward(CODE_DAYS * DAY - 1)
    assert store.check_code("ql1", code)
    clock.forward(2)
    assert not store.redeem("ql1", code, GOOD)
    assert store.standing("ql1").code_until is None


def test_a_new_code_voids_the_one_before_and_leaves_the_password(store: SignInStore):
    store.set_password("ql1", GOOD)
    first, second = store.issue("ql1"), store.issue("ql1")
    assert not store.redeem("ql1", first, OTHER)
    assert store.check("ql1", GOOD)
    assert store.redeem("ql1", second, OTHER)
    assert not store.check("ql1", GOOD)


def test_changing_the_password_voids_an_unused_code(store: SignInStore):
    code = store.issue("ql1")
    store.set_password("ql1", GOOD)
    assert not store.redeem("ql1", code, OTHER)


def test_a_reset_takes_password_locks_and_known_browsers_away(store: SignInStore):
    guesses, here = Guesses(store), Visitor("ql1", "10.0.0.1", "d" * 32)
    store.set_password("ql1", GOOD)
    guesses.succeeded(here)
    for _ in range(5):
        guesses.begin(here)
    assert guesses.begin(here)
    code = store.reset("ql1")
    assert not store.check("ql1", GOOD)
    assert guesses.begin(here) == 0
    assert store.redeem("ql1", code, OTHER)


def test_a_reset_asks_the_hub_once_to_end_what_is_open(store: SignInStore):
    assert store.to_end("ql1") == ""
    store.reset("ql1")
    mark = store.to_end("ql1")
    store.reset("ql1")
    later = store.to_end("ql1")
    store.ended("ql1", mark)
    assert store.to_end("ql1") == later != mark
    store.ended("ql1", later)
    assert store.to_end("ql1") == ""


def test_many_codes_are_issued_together_to_those_who_need_one(store: SignInStore, monkeypatch: pytest.MonkeyPatch):
    do_not_wait_for_the_disk(monkeypatch)
    store.set_password("ql3", GOOD)
    people = [f"ql{number}" for number in range(250)]
    codes = store.issue_all(store.without_sign_in(people))
    assert sorted(codes) == sorted(set(people) - {"ql3"})
    assert store.without_sign_in(people) == []
    assert store.check_code("ql249", codes["ql249"])


def test_the_file_holds_no_password_no_code_and_no_name_that_was_typed(store: SignInStore):
    code = store.issue("ql1")
    store.set_password("ql2", "plain words in here")
    Guesses(store).begin(Visitor("qlmy-secret-password", "192.0.2.77", "d" * 32))
    kept = store.path.read_bytes()
    for secret in (code, "plain words", "my-secret-password", "192.0.2.77", "d" * 32):
        assert secret.encode() not in kept


def test_it_is_the_same_after_a_restart(store: SignInStore):
    code = store.issue("ql1")
    store.set_password("ql2", GOOD)
    again = SignInStore(store.path, store.clock)
    assert again.check("ql2", GOOD)
    assert again.redeem("ql1", code, OTHER)
    assert again.name("ql1") == store.name("ql1")


def test_what_cannot_be_read_is_told_in_chinese(tmp_path: Path, store: SignInStore):
    store.path.write_bytes(b"no database at all" * 100)
    with pytest.raises(SignInError, match="读写不了；请检查磁盘空间"):
        store.check("ql1", GOOD)
    with pytest.raises(SignInError):
        SignInStore(store.path)
    with pytest.raises(SignInError):
        SignInStore(tmp_path / "no folder" / "sign-in.sqlite")


def test_a_lock_that_is_not_let_go_is_told(store: SignInStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sign_in_store, "_WAIT", 0.05)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SignInError):
        store.set_password("ql1", GOOD)
    other.execute("ROLLBACK")
    store.set_password("ql1", GOOD)
    assert store.check("ql1", GOOD)
    other.close()


_WRITER = """
import sys
from pathlib import Path
from qinlian.hub import passwords, sign_in_store
passwords._PASSWORD_ROUNDS = passwords._CODE_ROUNDS = 4
store = sign_in_store.SignInStore(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    store.set_password(f"ql{number}", f"password {number}")
    print(number, flush=True)
    number += 1
"""


@pytest.mark.slow
def test_every_password_that_was_acknowledged_outlives_a_kill(tmp_path: Path):
    path, dice, acknowledged = tmp_path / "sign-in.sqlite", random.Random(7), -1
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(25):
        command = [sys.executable, "-c", _WRITER, str(path), str(acknowledged + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            time.sleep(dice.random() * 0.15)
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        acknowledged = max(int(line) for line in lines if line.endswith("\n") and line.strip())
        store = SignInStore(path)
        with sqlite3.connect(path) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store.check(f"ql{acknowledged}", f"password {acknowledged}")
    with sqlite3.connect(path) as database:
        kept = {row[0] for row in database.execute("SELECT account FROM sign_in WHERE password IS NOT NULL")}
    assert kept >= {f"ql{number}" for number in range(acknowledged + 1)}
    assert acknowledged > 40
