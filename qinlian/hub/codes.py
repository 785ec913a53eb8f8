"""One-time codes for the first sign-in: who gets one, and the file that an administrator hands on from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from qinlian.core.zone import BEIJING
from qinlian.errors import RosterError
from qinlian.hub.settings import HubSettings
from qinlian.hub.sign_in_store import SignInStore
from qinlian.roster.people import Person
from qinlian.roster.workbook import write_codes

__all__ = ["CODES_NAME", "code_lines", "issue_codes", "new_code", "sign_in_store"]

CODES_NAME = "首次登录码"


def sign_in_store(hub: HubSettings) -> SignInStore:
    """Where the Hub keeps passwords and codes."""
    return SignInStore(hub.private / "sign-in.sqlite")


def issue_codes(people: Iterable[Person], hub: HubSettings, folder: Path, now: datetime) -> tuple[Path, int] | None:
    """Give a code to everybody who can neither sign in nor has a good code, and write them to a file in ``folder``.

    Where that cannot be written, to one in the Hub's own folder: a code that nobody can read is lost. None when
    nobody needs one, and where the institution's own sign-on lets people in.
    """
    if hub.single_sign_on:
        return None
    store = sign_in_store(hub)
    there = {person.account: person for person in people if not person.archived}
    chosen = [there[account] for account in store.without_sign_in(there)]
    if not chosen:
        return None
    codes = store.issue_all(person.account for person in chosen)
    for place in (folder, hub.private):
        path = _unused(place, now)
        try:
            write_codes(chosen, codes, path)
        except RosterError:
            if place is hub.private:
                raise
            continue
        _give_to_who_asked(path)
        break
    return path, len(chosen)


def _unused(folder: Path, now: datetime) -> Path:
    """Codes of an earlier import may not be handed on yet: their file is never written over."""
    path = folder / f"{CODES_NAME}.xlsx"
    return folder / f"{CODES_NAME}-{now.astimezone(BEIJING):%Y%m%d-%H%M%S}.xlsx" if path.exists() else path


def _give_to_who_asked(path: Path) -> None:
    """Whoever used sudo opens the file as themselves."""
    asked = os.environ.get("SUDO_UID", "")
    if asked.isdecimal() and os.geteuid() == 0:
        with suppress(OSError):
            os.chown(path, int(asked), -1, follow_symlinks=False)


def code_lines(issued: tuple[Path, int] | None) -> list[str]:
    """What to tell of the codes."""
    if issued is None:
        return []
    path, count = issued
    return [f"{count} 个人还没有登录过，首次登录码写在 {path}；请分别交给本人，交完就删掉这个文件"]


def new_code(account: str, hub: HubSettings) -> str:
    """A new code for one person, whose password and open sessions end with it. Raises RosterError."""
    if hub.single_sign_on:
        raise RosterError("这个课堂用单位的统一身份认证登录，没有首次登录码；忘了密码请到单位的系统里重设")
    return sign_in_store(hub).reset(account)
