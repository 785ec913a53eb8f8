"""Passwords and one-time codes: how they are made, what is asked of them, how they are kept."""

from __future__ import annotations

import base64
import hashlib
import secrets
import unicodedata
from itertools import pairwise

import bcrypt

__all__ = ["CODE_LENGTH", "LEAST", "code_fits", "complaint", "hash_code", "hash_password", "new_code", "password_fits"]

LEAST = 10
"""Characters a password must have."""
CODE_LENGTH = 10
_MOST = 200
_FEWEST_DIFFERENT = 5
# What is read aloud or copied by hand: no 0 and O, no 1, I and L.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc", "qazwsxedcrfv", "password")
# Two to the power of these. A code is drawn from 8e14, so that a short hash already keeps it for the weeks
# that it is good for, and an import of twenty thousand people takes a minute, not hours.
_PASSWORD_ROUNDS = 12
_CODE_ROUNDS = 6
# Made of something that nobody knows, with the rounds above: compared with where there is nothing to compare with,
# so that an account that does not exist costs as much.
_NO_PASSWORD = b"$2b$12$pItRkoVNB9f4UCrH31pLbena33mfID/.WTc5d.V4eoeF2IuRvs4W."
_NO_CODE = b"$2b$06$8pW32gBGVDsBXNLrtmMOVuv.ONAMJRY5Te5YGBgIv8U/l94.IeruK"


def new_code() -> str:
    """A new one-time code, from letters and digits that are not taken for one another."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def hash_password(password: str) -> bytes:
    """What is kept of ``password``."""
    return bcrypt.hashpw(_folded(password), bcrypt.gensalt(_PASSWORD_ROUNDS))


def password_fits(password: str, kept: bytes | None) -> bool:
    """Whether ``password`` is the one that ``kept`` was made of; None fits nothing and takes as long."""
    return bcrypt.checkpw(_folded(password), kept or _NO_PASSWORD) and kept is not None


def hash_code(code: str) -> bytes:
    """What is kept of a one-time code."""
    return bcrypt.hashpw(_folded(_tidy(code)), bcrypt.gensalt(_CODE_ROUNDS))


def code_fits(code: str, kept: bytes | None) -> bool:
    """Whether ``code``, as people type it, is the one that ``kept`` was made of; as ``password_fits``."""
    return bcrypt.checkpw(_folded(_tidy(code)), kept or _NO_CODE) and kept is not None


def complaint(password: str, again: str, number: str, code: str = "") -> str | None:
    """What is wrong with a new password, as a sentence; None when it will do.

    It depends on what was typed alone, so it tells nothing of any account.
    """
    plain = unicodedata.normalize("NFKC", password)
    if plain != unicodedata.normalize("NFKC", again):
        return "两次输入的密码不一样，请重新输入"
    if len(plain) < LEAST:
        return f"密码至少要 {LEAST} 个字符，可以用一句自己好记的话"
    if len(plain) > _MOST:
        return f"密码最多 {_MOST} 个字符"
    bare = plain.casefold()
    for known, what in ((number, "工号"), (_tidy(code), "首次登录码")):
        known = unicodedata.normalize("NFKC", known).strip().casefold()
        # A short number may stand in a good password by chance.
        if known and known in bare and len(bare) - len(known) < LEAST // 2:
            return f"不能用{what}当密码，只在前后加几个字符也不行；请换一个"
    if len(set(bare)) < _FEWEST_DIFFERENT or _is_a_row(bare):
        return "这个密码太容易猜到，请换一个"
    return None


def _is_a_row(text: str) -> bool:
    """1234567890, keyboard rows, and the same with a few characters more."""
    if any(row in text and len(text) - len(row) < LEAST // 2 for row in _KEYBOARD):
        return True
    steps = [ord(b) - ord(a) for a, b in pairwise(text)]
    return any(steps.count(step) > len(steps) - 3 for step in (1, -1))


def _tidy(code: str) -> str:
    return "".join(unicodedata.normalize("NFKC", code).upper().replace("-", "").split())


def _folded(text: str) -> bytes:
    # bcrypt takes 72 bytes and no NUL; 25 Chinese characters are longer. Full-width letters, which an input method
    # may leave, are the same password.
    return base64.b64encode(hashlib.sha256(unicodedata.normalize("NFKC", text).encode("utf-8", "replace")).digest())
