"""What a password and a one-time code must be, and what is kept of them."""

from __future__ import annotations

import pytest

from qinlian.hub import passwords
from qinlian.hub.passwords import (
    CODE_LENGTH,
    code_fits,
    complaint,
    hash_code,
    hash_password,
    new_code,
    password_fits,
)
from tests.sign_in_room import GOOD, hash_quickly


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


def test_a_code_is_ten_characters_that_are_not_taken_for_one_another():
    codes = [new_code() for _ in range(200)]
    assert len(set(codes)) == 200
    assert {len(code) for code in codes} == {CODE_LENGTH} == {10}
    assert not set("".join(codes)) & set("01OIL")


@pytest.mark.parametrize("typed", ["{}", " {} ", "{0[0]}{0[1]}-{0[2]}{0[3]}{0[4]} {0[5]}{0[6]}{0[7]}{0[8]}{0[9]}"])
def test_a_code_may_be_typed_in_groups(typed: str):
    code = new_code()
    assert code_fits(typed.format(code), hash_code(code))


def test_a_code_may_be_typed_small_or_full_width():
    code = new_code()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code)
    assert code_fits(code.lower(), hash_code(code))
    assert code_fits(wide, hash_code(code))
    assert not code_fits(code[:-1], hash_code(code))


def test_nothing_fits_where_nothing_is_kept():
    assert not password_fits("nothing", None)
    assert not code_fits("nothing", None)


def test_not_even_what_the_stand_in_was_made_of_fits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "_NO_PASSWORD", hash_password(GOOD))
    assert not password_fits(GOOD, None)


def test_passwords_are_told_apart_beyond_bcrypt_s_72_bytes():
    long = "廉" * 60
    assert password_fits(long, hash_password(long))
    assert not password_fits(long + "洁", hash_password(long))


def test_a_password_with_odd_characters_is_kept_and_fits():
    for odd in ("nul\0in the middle", "lone \ud800 surrogate", "🎋" * 12, " blanks at the ends "):
        assert password_fits(odd, hash_password(odd))
    assert not password_fits("nul", hash_password("nul\0in the middle"))


def test_what_an_input_method_makes_full_width_is_the_same_password():
    assert password_fits("ＡＢｃ１２３４５６７", hash_password("ABc1234567"))


def test_the_stand_ins_cost_what_the_real_ones_cost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    assert passwords._NO_PASSWORD.startswith(f"$2b${passwords._PASSWORD_ROUNDS:02}$".encode())
    assert passwords._NO_CODE.startswith(f"$2b${passwords._CODE_ROUNDS:02}$".encode())
    assert passwords._PASSWORD_ROUNDS >= 12


@pytest.mark.parametrize(
    ("password", "number", "code", "what"),
    [
        ("九个字的密码不够长", "10001", "", "至少要 10 个字符"),
        ("x" * 201, "10001", "", "最多 200"),
        ("20230010001", "20230010001", "", "不能用工号当密码"),
        ("ＷＣ２０２３００１００", "wc202300100", "", "不能用工号当密码"),
        ("wc202300100.", "WC202300100", "", "不能用工号当密码"),
        ("ABCDEFGHJK", "10001", "abcde-fghjk", "不能用首次登录码当密码"),
        ("1234567890", "77", "", "太容易猜到"),
        ("0987654321", "77", "", "太容易猜到"),
        ("qwertyuiop", "77", "", "太容易猜到"),
        ("Password123", "77", "", "太容易猜到"),
        ("aaaaaaaaaaab", "77", "", "太容易猜到"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(password: str, number: str, code: str, what: str):
    assert what in (complaint(password, password, number, code) or "")


@pytest.mark.parametrize(
    "password", [GOOD, "correct horse battery", "春江潮水连海平海上明月", "x7#kP2!mQ9", "77 is in here too"]
)
def test_a_sane_password_will_do(password: str):
    assert complaint(password, password, "77", "ABCDEFGHJK") is None


def test_the_two_must_be_the_same():
    assert complaint(GOOD, GOOD + "。", "77") == "两次输入的密码不一样，请重新输入"
