"""What the tests of signing in share: a clock to turn, a roster of a few people, and quick hashing."""

from __future__ import annotations

import sqlite3

import bcrypt
import pytest

from qinlian.errors import SignInError
from qinlian.hub import passwords
from qinlian.hub.listed import Listed
from qinlian.hub.sign_in_store import SignInStore

GOOD = "一句自己好记的话就行了"
OTHER = "另一句自己好记的话也行"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class People:
    """The roster's port over a few people; ``broken`` is one that cannot be read."""

    def __init__(self, *people: Listed) -> None:
        self.people = {person.account: person for person in people}
        self.broken = False

    def find(self, account: str) -> Listed | None:
        if self.broken:
            raise SignInError("名单数据库读不出来")
        return self.people.get(account)


ZHANG = Listed("ql10001", "张三", "学员", archived=False)
GONE = Listed("ql10002", "李四", "学员", archived=True)
NEW = Listed("qla-7", "王五", "学员", archived=False)


def hash_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work everywhere, but little of it."""
    nothing = bcrypt.hashpw(b"nothing", bcrypt.gensalt(4))
    for name, value in {
        "_PASSWORD_ROUNDS": 4,
        "_CODE_ROUNDS": 4,
        "_NO_PASSWORD": nothing,
        "_NO_CODE": nothing,
    }.items():
        monkeypatch.setattr(passwords, name, value)


def do_not_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that count and do not pull the plug."""
    connect = SignInStore._connect

    def quickly(store: SignInStore) -> sqlite3.Connection:
        database = connect(store)
        database.execute("PRAGMA synchronous = OFF")
        return database

    monkeypatch.setattr(SignInStore, "_connect", quickly)
