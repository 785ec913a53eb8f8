"""Against guessing: who has to wait, how long, and who does not."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from qinlian.hub import guesses as module
from qinlian.hub.guesses import LONGEST, Guesses, Visitor
from qinlian.hub.sign_in_store import SignInStore
from tests.sign_in_room import Clock, do_not_wait_for_the_disk

HOUR = 3600
HERE = Visitor("ql1", "10.0.0.1", "a" * 32)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Guesses:
    do_not_wait_for_the_disk(monkeypatch)
    return Guesses(SignInStore(tmp_path / "sign-in.sqlite", clock))


def other(account: str = "ql1", address: str = "10.0.0.1", device: str = "b" * 32, with_code: bool = False) -> Visitor:
    return Visitor(account, address, device, with_code)


def fail(guesses: Guesses, visitor: Visitor, times: int) -> list[int]:
    return [guesses.begin(visitor) for _ in range(times)]


def test_five_may_fail_then_one_waits_longer_each_time(guesses: Guesses, clock: Clock):
    assert fail(guesses, HERE, 5) == [0] * 5
    waits = []
    for _ in range(7):
        waits.append(guesses.begin(HERE))
        clock.forward(waits[-1])
        assert guesses.begin(HERE) == 0
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    assert max(waits) == LONGEST


def test_attempts_while_waiting_are_not_counted(guesses: Guesses, clock: Clock):
    fail(guesses, HERE, 5)
    assert set(fail(guesses, HERE, 50)) == {60}
    clock.forward(60)
    assert guesses.begin(HERE) == 0


def test_the_wait_outlives_a_restart(guesses: Guesses, clock: Clock, tmp_path: Path):
    fail(guesses, HERE, 5)
    assert Guesses(SignInStore(tmp_path / "sign-in.sqlite", clock)).begin(HERE) == 60


def test_a_success_takes_the_count_back(guesses: Guesses):
    for _ in range(10):
        assert fail(guesses, HERE, 4) == [0] * 4
        guesses.succeeded(HERE)


def test_an_hour_later_everything_is_forgotten(guesses: Guesses, clock: Clock):
    fail(guesses, HERE, 5)
    clock.forward(HOUR + 1)
    assert fail(guesses, HERE, 5) == [0] * 5


def test_a_colleague_elsewhere_locks_nobody_out(guesses: Guesses):
    fail(guesses, other(address="10.0.0.99"), 6)
    assert guesses.begin(HERE) == 0


def test_a_browser_that_is_known_is_not_locked_by_others_not_even_from_the_same_office(guesses: Guesses):
    guesses.succeeded(HERE)
    for number in range(200):
        guesses.begin(other(address=f"10.1.{number}.1"))
    fail(guesses, other(), 50)
    assert guesses.begin(HERE) == 0


def test_a_known_browser_s_own_failures_count_for_it(guesses: Guesses):
    guesses.succeeded(HERE)
    fail(guesses, HERE, 5)
    assert guesses.begin(HERE) == 60
    # And for another account it is as unknown as any.
    assert guesses.begin(Visitor("ql2", HERE.address, HERE.device)) == 0


def test_an_account_is_counted_over_all_addresses(guesses: Guesses, clock: Clock):
    tried = sum(guesses.begin(other(address=f"10.2.{number}.1", device=f"{number:032x}")) == 0 for number in range(200))
    assert tried == 30
    assert sum(self_paced(guesses, clock) for _ in range(4)) < 4 * 16


def self_paced(guesses: Guesses, clock: Clock) -> int:
    """How many guesses at one account an hour allows somebody with as many addresses as they like."""
    until, tried = clock.now + HOUR, 0
    while clock.now < until:
        wait = guesses.begin(other(address=f"10.3.{tried}.{int(clock.now) % 250}"))
        if wait:
            clock.forward(wait)
        else:
            tried += 1
    return tried


def test_a_place_is_counted_over_all_accounts(guesses: Guesses, clock: Clock):
    tried = sum(guesses.begin(other(account=f"ql{number}")) == 0 for number in range(120))
    assert tried == 100
    assert guesses.begin(other(account="ql-new", address="10.0.0.2")) == 0
    clock.forward(60)
    assert guesses.begin(other(account="ql-another")) == 0


@pytest.fixture
def small_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place where twenty may fail, so that a test is quick."""
    monkeypatch.setattr(module, "_PLACE", replace(module._PLACE, free=20))


@pytest.mark.usefixtures("small_place")
def test_one_s_own_successes_do_not_give_a_place_more_guesses(guesses: Guesses):
    mine, tried = other(account="ql-mine"), 0
    for number in range(40):
        tried += guesses.begin(other(account=f"ql{number}")) == 0
        if guesses.begin(mine) == 0:
            guesses.succeeded(mine)
    assert tried <= 20


@pytest.mark.usefixtures("small_place")
def test_any_number_of_sign_ins_from_one_office_lock_nobody_out(guesses: Guesses):
    for number in range(50):
        visitor = other(account=f"ql{number}", device=f"{number:032x}")
        assert guesses.begin(visitor) == 0
        guesses.succeeded(visitor)


def test_playing_with_a_password_does_not_keep_anybody_from_their_first_sign_in(guesses: Guesses):
    fail(guesses, other(), 50)
    assert fail(guesses, other(with_code=True), 5) == [0] * 5
    assert guesses.begin(other(with_code=True)) == 60
    assert guesses.begin(other(address="10.9.9.9", with_code=True)) == 0


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer(guesses: Guesses, clock: Clock):
    fail(guesses, HERE, 5)
    clock.forward(-30 * 60)
    assert guesses.begin(HERE) <= LONGEST
    clock.forward(-365 * 86_400)
    assert guesses.begin(HERE) == 0


def test_many_at_once_win_nothing(guesses: Guesses):
    with ThreadPoolExecutor(20) as threads:
        waits = list(threads.map(lambda _: guesses.begin(HERE), range(60)))
    assert waits.count(0) == 5


def test_accounts_that_do_not_exist_are_counted_alike(guesses: Guesses):
    assert fail(guesses, other(account="ql-nobody"), 7) == fail(guesses, HERE, 7)


def test_the_number_of_rows_is_bounded(guesses: Guesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock):
    monkeypatch.setattr(module, "_ROWS", 60)
    for number in range(60):
        guesses.begin(other(account=f"ql{number}", address=f"10.4.{number}.1", with_code=True))
        clock.forward(0.1)
    for number in range(30):
        guesses.succeeded(Visitor("ql1", "10.0.0.1", f"{number:032x}"))
        clock.forward(0.1)
    with sqlite3.connect(tmp_path / "sign-in.sqlite") as database:
        assert database.execute("SELECT count(*) FROM guess").fetchone()[0] <= 60
        assert database.execute("SELECT count(*) FROM device").fetchone()[0] == 8
