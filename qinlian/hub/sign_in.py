"""Signing in with 工号 and a password of one's own: what JupyterHub's configuration names.

``QinlianAuthenticator`` is FirstUseAuthenticator with what a class of people needs besides. Kept of it: bcrypt, the
address of the page that changes a password, and that the learner sets the first password. Not kept, since it
does not hold up:

- Whoever comes first owns the account: here a one-time code comes first.
- Its dbm file does not survive being killed and is read by one process at a time (``sign_in_store``).
- Hashing holds up the Hub's only thread (here it runs aside), and guesses are not limited (``guesses``).
- An account that exists can be told from one that does not, by the time an answer takes.
- Changing a password asks for no old one and leaves every other browser signed in; its page is English, and
  every request for it makes the chain of template loaders longer.
- A form that was left open too long ends in an error of the handler, whose ``_render`` takes no such arguments.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from firstuseauthenticator import FirstUseAuthenticator
from traitlets import Integer, Unicode, default

from qinlian.errors import SignInError
from qinlian.hub.gate import RosterGate
from qinlian.hub.listed import Listed
from qinlian.hub.pages import page_handlers
from qinlian.hub.sessions import end_sessions
from qinlian.hub.sign_in_desk import Refusal, SignInDesk, available
from qinlian.hub.sign_in_pages import ChangePasswordHandler, SignInHandler
from qinlian.hub.sign_in_store import SignInStore

__all__ = ["QinlianAuthenticator"]


class QinlianAuthenticator(RosterGate, FirstUseAuthenticator):  # type: ignore[misc]
    """People of the roster, by 工号 and password."""

    store_path = Unicode(config=True, help="The file of passwords and one-time codes, in a folder that is root's alone")
    proxies = Integer(
        1,
        config=True,
        help="How many proxies of ours stand before the Hub; 2 with a front server before configurable-http-proxy. "
        "Addresses are counted by what the outermost of them saw.",
    )

    @default("check_passwords_on_startup")
    def _check_passwords_on_startup(self) -> bool:
        return False

    @cached_property
    def store(self) -> SignInStore:
        """The passwords."""
        return SignInStore(Path(self.store_path))

    @cached_property
    def desk(self) -> SignInDesk:
        """What decides."""
        return SignInDesk(self.roster, self.store)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The person who signs in. None for a refusal, which ``handler.refusal`` then tells."""

        def work() -> Listed:
            number, password = data.get("number", ""), data.get("password", "")
            with available():
                desk = self.desk
            if data.get("step") != "first":
                return desk.sign_in(number, password, handler.address, handler.device)
            code, again = data.get("code", ""), data.get("again", "")
            return desk.first_sign_in(number, code, password, again, handler.address, handler.device)

        try:
            person = await self.aside(work)
        except Refusal as refusal:
            handler.refusal = refusal
            self.note(data["username"], refusal)
            return None
        return {"name": person.account, "user_info": self.user_info(person)}

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> bool | dict[str, Any]:
        """As the roster's gate; and False, once, after an administrator's reset."""
        try:
            mark = await self.look_up(lambda: self.store.to_end(user.name))
            if mark:
                end_sessions(user.db, user.orm_user)
                await self.look_up(lambda: self.store.ended(user.name, mark))
                return False
        except (Refusal, SignInError) as error:
            # As with the roster: nobody need leave because a disk is busy or full.
            self.log.error("Whether %s was reset cannot be seen: %s", user.name, error)
        return await super().refresh_user(user, handler, **kwargs)

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """The page of signing in, that of changing the password, and their files."""
        return [(r"/login", SignInHandler), (r"/auth/change-password", ChangePasswordHandler), *page_handlers()]
