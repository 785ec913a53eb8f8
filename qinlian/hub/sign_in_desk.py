"""What happens when somebody signs in, sets a first password or changes it; nothing here knows of web pages.

An account that is not on the roster, one without a password and a wrong password are refused in the same words
and after the same work, so that the page tells nobody who is on the roster.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qinlian.errors import SignInError
from qinlian.hub.guesses import Guesses, Visitor
from qinlian.hub.listed import Listed, RosterLookup
from qinlian.hub.passwords import complaint
from qinlian.hub.sign_in_store import SignInStore
from qinlian.roster.people import account_of

__all__ = ["Refusal", "SignInDesk", "account_typed", "admit", "available"]

_WRONG = "工号或密码不对。还没有设过密码的，请走“第一次登录”；忘了密码，请联系管理员重置"
_WRONG_CODE = "工号或首次登录码不对，也可能登录码已经用过或过了期。请核对，或向管理员要一个新的登录码"
_WRONG_OLD = "原密码不对，请重新输入；忘了密码，请联系管理员重置"
_ARCHIVED = "您已经不在名单上，不能登录。如果名单有误，请联系管理员"
_UNLISTED = "名单上没有您的工号，不能登录。请联系管理员核对名单"
_UNREADABLE = "登录服务暂时不可用，请过几分钟再试；仍不行请联系管理员"
_TOO_OFTEN = "试的次数太多了"
_NOBODY = "-"
"""In the place of an account where what was typed can be none: it is looked up like any other, and is not found."""


class Refusal(Exception):  # noqa: N818 - no error: an answer
    """Somebody is not let in: the sentence for them, an HTTP status, and seconds to wait before the next try."""

    def __init__(self, text: str, status: int = 403, wait: int = 0) -> None:
        super().__init__(text)
        self.text, self.status, self.wait = text, status, wait


def account_typed(number: str) -> str | None:
    """The account of a 工号 as people type it: any case, full-width letters and digits too; None for none."""
    try:
        return account_of(unicodedata.normalize("NFKC", number).strip())
    except ValueError:
        return None


def admit(roster: RosterLookup, account: str) -> Listed:
    """The person of ``account``. Raises Refusal for one who is not on the roster or archived."""
    with available():
        person = roster.find(account)
    if person is None:
        raise Refusal(_UNLISTED)
    if person.archived:
        raise Refusal(_ARCHIVED)
    return person


class SignInDesk:
    """Over a roster and a store; every method raises Refusal, and nothing else."""

    def __init__(self, roster: RosterLookup, store: SignInStore) -> None:
        self._roster, self._store, self._guesses = roster, store, Guesses(store)

    def sign_in(self, number: str, password: str, address: str, device: str) -> Listed:
        """The person that ``number`` and ``password`` belong to."""
        account = account_typed(number) or _NOBODY
        visitor = Visitor(account, address, device)
        return self._try(visitor, lambda: self._store.check(account, password), _WRONG)

    def first_sign_in(self, number: str, code: str, password: str, again: str, address: str, device: str) -> Listed:
        """The person whose one-time code that is, with ``password`` set from now on."""
        self._acceptable(password, again, number, code)
        account = account_typed(number) or _NOBODY
        visitor = Visitor(account, address, device, with_code=True)
        person = self._try(visitor, lambda: self._store.check_code(account, code), _WRONG_CODE)
        with available():
            if not self._store.redeem(account, code, password):
                raise Refusal(_WRONG_CODE)
        return person

    def change(self, account: str, old: str, password: str, again: str, address: str, device: str) -> None:
        """Put a new password in the place of ``old``, for somebody who has signed in."""
        self._acceptable(password, again, account.removeprefix("ql"))
        visitor = Visitor(account, address, device)
        self._try(visitor, lambda: self._store.check(account, old), _WRONG_OLD)
        with available():
            self._store.set_password(account, password)

    def _try(self, visitor: Visitor, fits: Callable[[], bool], wrong: str) -> Listed:
        with available():
            person = self._roster.find(visitor.account)
            wait = self._guesses.begin(visitor)
        if wait:
            raise Refusal(_TOO_OFTEN, 429, wait)
        with available():
            right = fits()
        if not right or person is None:
            raise Refusal(wrong)
        with available():
            self._guesses.succeeded(visitor)
        if person.archived:
            raise Refusal(_ARCHIVED)
        return person

    @staticmethod
    def _acceptable(password: str, again: str, number: str, code: str = "") -> None:
        if said := complaint(password, again, number, code):
            raise Refusal(said, 400)


@contextmanager
def available() -> Iterator[None]:
    """Turn trouble with the roster or the store into a refusal, so that it is never an open door."""
    try:
        yield
    except SignInError as error:
        raise Refusal(_UNREADABLE, 503) from error
