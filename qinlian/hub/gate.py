"""What both ways of signing in share: the roster decides who may come in, and who may stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Bool, Unicode, default

from qinlian.hub.listed import DatabaseRoster, Listed, RosterLookup
from qinlian.hub.sign_in_desk import Refusal, admit, available

__all__ = ["RosterGate"]

_T = TypeVar("_T")
_THREADS = 2
_QUEUE = 200


class RosterGate(Authenticator):  # type: ignore[misc]
    """An authenticator whose list of people is the roster in the gradebook's database.

    Only people who are on it and not archived come in, whatever the class it is mixed into would allow; somebody
    who is archived later is out within a minute. A role of the roster makes nobody an administrator of the Hub:
    that is root's trust on this machine, and is given by name in ``admin_users``, and taken by removing the name.
    Groups follow the roster through ``qinlian.hub.directory``, at every import, not here.
    """

    db_url = Unicode(config=True, help="SQLAlchemy's address of the gradebook's database, which the roster lies in")

    allow_all = Bool(False, help="Never, and no setting: the roster decides")

    @default("any_allow_config")
    def _any_allow_config(self) -> bool:
        return True

    @default("auth_refresh_age")
    def _auth_refresh_age(self) -> int:
        return 60

    @default("auth_refresh_strict")
    def _auth_refresh_strict(self) -> bool:
        # The token of a server that still runs must not outlive its owner's place on the roster.
        return True

    @cached_property
    def roster(self) -> RosterLookup:
        """Where people are looked up."""
        return DatabaseRoster(self.db_url)

    _waiting = 0

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, "sign-in")

    @cached_property
    def _lookups(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, "roster")

    async def look_up(self, work: Callable[[], _T]) -> _T:
        """``aside`` for what takes a moment: it does not queue behind the hashing of other people's passwords."""
        return await asyncio.get_running_loop().run_in_executor(self._lookups, work)

    async def aside(self, work: Callable[[], _T]) -> _T:
        """Run ``work`` without holding up the Hub, which has one thread for everybody. Raises what it raises."""
        if self._waiting >= _QUEUE:
            raise Refusal("现在登录的人太多，请稍后再试", 503, 60)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    async def check_allowed(self, username: str, authentication: dict[str, Any] | None = None) -> bool:
        """True for a person of the roster. Raises HTTPError, in Chinese, for anybody else."""
        try:
            person = await self.look_up(lambda: self._admit(username))
        except Refusal as refusal:
            self.note(username, refusal)
            raise web.HTTPError(refusal.status, refusal.text) from refusal
        if authentication is not None:
            authentication["user_info"] = self.user_info(person)
        return True

    def _admit(self, account: str) -> Listed:
        with available():
            roster = self.roster
        return admit(roster, account)

    def is_admin(self, handler: Any, authentication: dict[str, Any]) -> bool:
        """Whether the person is named in ``admin_users``; False takes the right away from who is no more."""
        return authentication["name"] in self.admin_users

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> bool | dict[str, Any]:
        """False, which means signing in again, for whoever is no longer on the roster; else as the class beneath."""
        try:
            await self.look_up(lambda: self._admit(user.name))
        except Refusal as refusal:
            # Nobody need leave in the middle of a lesson because the database restarts.
            if refusal.status == 503:
                return True
            self.note(user.name, refusal)
            return False
        refreshed: bool | dict[str, Any] = await super().refresh_user(user, handler, **kwargs)
        return refreshed

    def delete_user(self, user: Any) -> None:
        """Nothing more than JupyterHub's own: the roster decides, and a password is taken away by a reset."""
        Authenticator.delete_user(self, user)

    def note(self, account: str, refusal: Refusal) -> None:
        """Log a refusal; what was typed is in none of it."""
        cause = refusal.__cause__
        if refusal.status >= 500:
            self.log.error("Sign-in is not possible: %s", cause or refusal.text, exc_info=cause)
        else:
            self.log.warning("Sign-in of %s refused: %s", account, refusal.text)

    @staticmethod
    def user_info(person: Listed) -> dict[str, str]:
        """What the Hub keeps of a person, for its pages to call them by their name."""
        return {"name": person.name}
