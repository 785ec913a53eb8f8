"""Who is let in, in which words others are not, and after how much work."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from qinlian.hub.sign_in_desk import Refusal, SignInDesk, account_typed, admit
from qinlian.hub.sign_in_store import SignInStore
from tests.sign_in_room import GONE, GOOD, NEW, OTHER, ZHANG, Clock, People, hash_quickly

HERE = ("10.0.0.1", "a" * 32)


class Room:
    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.people = People(ZHANG, GONE, NEW)
        self.store = SignInStore(folder / "sign-in.sqlite", self.clock)
        self.desk = SignInDesk(self.people, self.store)
        for account in (ZHANG.account, GONE.account):
            self.store.set_password(account, GOOD)

    def refused(self, number: str, password: str, where: tuple[str, str] = HERE) -> Refusal:
        with pytest.raises(Refusal) as refusal:
            self.desk.sign_in(number, password, *where)
        return refusal.value

    def first_refused(self, number: str, code: str, password: str = GOOD, again: str | None = None) -> Refusal:
        with pytest.raises(Refusal) as refusal:
            self.desk.first_sign_in(number, code, password, password if again is None else again, *HERE)
        return refusal.value


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    hash_quickly(monkeypatch)
    return Room(tmp_path)


@pytest.mark.parametrize(
    ("typed", "account"),
    [
        ("10001", "ql10001"),
        (" １０００１ ", "ql10001"),
        ("A-7", "qla-7"),
        ("Ａ－７", "qla-7"),
        ("", None),
        ("张三", None),
        ("10 001", None),
        ("../etc", None),
        ("x" * 29, None),
        ("1\x001", None),
        ("'; drop table sign_in", None),
        ("٣٤٥", None),
    ],
)
def test_a_number_is_taken_as_people_type_it(typed: str, account: str | None):
    assert account_typed(typed) == account


def test_whoever_is_on_the_roster_comes_in_with_their_password(room: Room):
    assert room.desk.sign_in("10001", GOOD, *HERE) == ZHANG
    assert room.desk.sign_in("１０００１", GOOD, *HERE) == ZHANG


def test_a_wrong_password_and_an_unknown_account_are_refused_in_the_same_words(room: Room):
    refusals = [
        room.refused(number, password, (f"10.0.1.{n}", "b" * 32))
        for n, (number, password) in enumerate(
            [("10001", OTHER), ("99999", GOOD), ("A-7", GOOD), ("10002", OTHER), ("张三", GOOD), ("", ""), ("<b>", "")]
        )
    ]
    assert len({(r.text, r.status, r.wait) for r in refusals}) == 1
    assert refusals[0].status == 403


def test_a_password_without_a_place_on_the_roster_lets_nobody_in(room: Room):
    room.store.set_password("ql99999", GOOD)
    assert room.refused("99999", GOOD).text == room.refused("10001", OTHER).text


def test_somebody_archived_is_told_so_only_with_their_own_password(room: Room):
    assert "不在名单上" in room.refused("10002", GOOD).text
    assert "工号或密码不对" in room.refused("10002", OTHER).text


@pytest.mark.parametrize("first", [False, True])
def test_the_work_is_the_same_whether_an_account_exists_or_not(
    room: Room, monkeypatch: pytest.MonkeyPatch, first: bool
):
    work: list[bytes] = []
    check = bcrypt.checkpw

    def counted(password: bytes, kept: bytes) -> bool:
        work.append(kept[:7])
        return check(password, kept)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    room.store.issue("qla-7")
    seen = []
    for n, number in enumerate(("10001", "99999", "A-7", "张三", "10002")):
        work.clear()
        if first:
            room.first_refused(number, "ABCDEFGHJK")
        else:
            room.refused(number, OTHER, (f"10.0.1.{n}", "b" * 32))
        seen.append(tuple(work))
    assert len(set(seen)) == 1
    assert len(seen[0]) == 1


@pytest.mark.slow
def test_the_time_of_an_answer_does_not_tell_whether_an_account_exists(tmp_path: Path):
    room = Room(tmp_path)

    def seconds(number: str, n: int) -> float:
        # Time of this thread alone: other work on the machine does not count.
        begun = time.thread_time()
        room.refused(number, OTHER, (f"10.0.{n}.1", "b" * 32))
        return time.thread_time() - begun

    known = statistics.median(seconds("10001", n) for n in range(11))
    unknown = statistics.median(seconds("99999", n) for n in range(11))
    assert 0.7 < known / unknown < 1.4


def test_a_code_and_a_new_password_let_in_once(room: Room):
    code = room.store.issue("qla-7")
    assert room.desk.first_sign_in("ａ-７", code.lower(), GOOD, GOOD, *HERE) == NEW
    assert room.desk.sign_in("A-7", GOOD, *HERE) == NEW
    assert "已经用过" in room.first_refused("A-7", code, OTHER).text
    assert room.desk.sign_in("A-7", GOOD, *HERE) == NEW


def test_a_bad_new_password_does_not_use_the_code_up(room: Room):
    code = room.store.issue("qla-7")
    assert "至少要 10 个字符" in room.first_refused("A-7", code, "short").text
    assert "不一样" in room.first_refused("A-7", code, GOOD, OTHER).text
    assert room.desk.first_sign_in("A-7", code, GOOD, GOOD, *HERE) == NEW


def test_a_wrong_used_or_expired_code_and_an_unknown_account_are_told_alike(room: Room):
    used = room.store.issue("ql10001")
    room.desk.first_sign_in("10001", used, GOOD, GOOD, *HERE)
    expired = room.store.issue("qla-7")
    room.clock.forward(61 * 86_400)
    texts = {
        room.first_refused("10001", used).text,
        room.first_refused("A-7", expired).text,
        room.first_refused("99999", "ABCDEFGHJK").text,
        room.first_refused("张三", "").text,
    }
    assert len(texts) == 1


def test_somebody_archived_cannot_use_their_code(room: Room):
    code = room.store.issue("ql10002")
    assert "不在名单上" in room.first_refused("10002", code, OTHER).text
    assert room.store.check_code("ql10002", code)
    assert not room.store.check("ql10002", OTHER)


def test_codes_cannot_be_guessed_for_long(room: Room):
    refusals = [room.first_refused("A-7", f"ABCDEFGH{n:02}") for n in range(8)]
    assert [r.status for r in refusals] == [403] * 5 + [429] * 3
    assert refusals[5].wait == 60


def test_after_five_failures_even_the_right_password_has_to_wait(room: Room):
    for _ in range(5):
        room.refused("10001", OTHER)
    refusal = room.refused("10001", GOOD)
    assert (refusal.status, refusal.wait) == (429, 60)
    room.clock.forward(60)
    assert room.desk.sign_in("10001", GOOD, *HERE) == ZHANG


def test_a_roster_that_cannot_be_read_lets_nobody_in(room: Room):
    code = room.store.issue("qla-7")
    room.people.broken = True
    for refusal in (room.refused("10001", GOOD), room.refused("99999", GOOD), room.first_refused("A-7", code)):
        assert (refusal.status, refusal.text) == (503, "登录服务暂时不可用，请过几分钟再试；仍不行请联系管理员")
    with pytest.raises(Refusal, match="暂时不可用"):
        admit(room.people, "ql10001")
    room.people.broken = False
    # Nothing was counted and nothing used up.
    for _ in range(4):
        room.refused("10001", OTHER)
    assert room.desk.sign_in("10001", GOOD, *HERE) == ZHANG
    assert room.desk.first_sign_in("A-7", code, GOOD, GOOD, *HERE) == NEW


def test_a_store_that_cannot_be_read_lets_nobody_in(room: Room):
    room.store.path.write_bytes(b"no database" * 500)
    assert room.refused("10001", GOOD).status == 503


def test_a_change_asks_for_the_old_password(room: Room):
    with pytest.raises(Refusal, match="原密码不对"):
        room.desk.change("ql10001", "not it", OTHER, OTHER, *HERE)
    room.desk.change("ql10001", GOOD, OTHER, OTHER, *HERE)
    assert room.desk.sign_in("10001", OTHER, *HERE) == ZHANG
    assert room.refused("10001", GOOD).status == 403


def test_the_old_password_cannot_be_guessed_on_the_page_that_changes_it(room: Room):
    def status(old: str) -> int:
        with pytest.raises(Refusal) as refusal:
            room.desk.change("ql10001", old, OTHER, OTHER, *HERE)
        return refusal.value.status

    assert [status(f"guess {n}") for n in range(7)] == [403] * 5 + [429] * 2


def test_the_gate_admits_whoever_is_on_the_roster_and_not_archived(room: Room):
    assert admit(room.people, "ql10001") == ZHANG
    with pytest.raises(Refusal, match="已经不在名单上"):
        admit(room.people, "ql10002")
    with pytest.raises(Refusal, match="没有您的工号"):
        admit(room.people, "ql99999")


def test_a_refusal_holds_nothing_that_was_typed(room: Room):
    refusal: Any = room.refused("10001", "my secret words")
    assert "secret" not in refusal.text + str(refusal)
    assert "10001" not in refusal.text
