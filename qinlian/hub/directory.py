"""The Hub's own list of users and groups, brought in line with the roster through its REST API.

Only people of the roster are touched: whoever the Hub knows besides stays as they are.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from qinlian.database import chunks
from qinlian.errors import HubError
from qinlian.roster.people import Person

__all__ = ["INSTRUCTORS", "LEARNERS", "DirectoryChanges", "HubApi", "synchronise"]

_PAGE, _ANSWER_WITHIN = 200, 60.0
_PATIENCE, _PAUSE = 150.0, 0.25
"""JupyterHub takes a minute to stop a server that does not want to."""
_PAGINATED = "application/jupyterhub-pagination+json"


LEARNERS, INSTRUCTORS = "nbgrader-{course}", "formgrade-{course}"
"""The Hub's groups of a course, as nbgrader names them: who learns, and who may use formgrader and the staff pages."""


class DirectoryChanges(BaseModel):
    """What was done, as accounts."""

    model_config = ConfigDict(frozen=True)

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def text(self) -> str:
        """One line; empty when nothing was to do."""
        parts = [
            f"{what} {len(who)} 个"
            for what, who in (
                ("新增用户", self.added),
                ("删除用户", self.removed),
                ("停止服务器", self.stopped),
                ("入组", self.joined),
                ("退组", self.left),
            )
            if who
        ]
        return f"Hub：{'，'.join(parts)}" if parts else ""


@dataclass(frozen=True)
class _User:
    """One user as the Hub has it; ``busy`` while a server starts or stops."""

    name: str
    has_server: bool
    busy: bool


class HubApi:
    """The few calls that are needed, with a service's token. Every method raises HubError."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url.rstrip("/"), token
        # The Hub is on this machine: no proxy of the environment stands between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def users(self) -> dict[str, _User]:
        """Every user, by name."""
        return {user.name: user for user in self._users()}

    def _users(self) -> Iterator[_User]:
        offset: int | None = 0
        while offset is not None:
            page = self._ask("GET", f"/users?offset={offset}&limit={_PAGE}")
            yield from map(_user, page["items"])
            following = page["_pagination"]["next"]
            offset = following["offset"] if following else None

    def add_users(self, names: list[str]) -> None:
        """Make users; those who are there already stay."""
        self._ask("POST", "/users", {"usernames": names}, fine=(409,))

    def delete_user(self, name: str) -> None:
        """Stop the user's server and delete the user, and with it every session and token."""
        end = time.monotonic() + _PATIENCE
        while True:
            found = self._ask("GET", f"/users/{quote(name)}", fine=(404,))
            if found is None:
                return
            # Deleted while a server starts, a user would leave that server behind.
            waits = _user(found).busy
            if not waits:
                answer = self._ask("DELETE", f"/users/{quote(name)}", fine=(400, 404), status=True)
                if answer != 400:
                    return
            if time.monotonic() > end:
                raise HubError(
                    f"{name} 的服务器一直没有停下来，Hub 里还留着这个用户；过一会儿再运行 qinlian roster sync"
                )
            time.sleep(_PAUSE)

    def stop_server(self, name: str) -> None:
        """Stop a user's server; it may take a while longer than this call."""
        self._ask("DELETE", f"/users/{quote(name)}/server", fine=(400, 404))

    def members(self, group: str) -> set[str]:
        """Who is in a group, which is made where there is none."""
        found = self._ask("GET", f"/groups/{quote(group)}", fine=(404,))
        if found is None:
            found = self._ask("POST", f"/groups/{quote(group)}", {})
        return set(found["users"])

    def join(self, group: str, names: list[str]) -> None:
        """Put users into a group."""
        self._ask("POST", f"/groups/{quote(group)}/users", {"users": names})

    def leave(self, group: str, names: list[str]) -> None:
        """Take users out of a group."""
        self._ask("DELETE", f"/groups/{quote(group)}/users", {"users": names})

    def _ask(
        self, method: str, path: str, body: Any = None, *, fine: tuple[int, ...] = (), status: bool = False
    ) -> Any:
        """The answer's JSON (with ``status`` its number); None for a refusal that is ``fine``."""
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self._token}", "Accept": _PAGINATED, "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=_ANSWER_WITHIN) as answer:
                text = answer.read()
                return answer.status if status else json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                if error.code in fine:
                    return error.code if status else None
                raise HubError(_refusal(error.code, method, path)) from None
        except (OSError, ValueError):
            raise HubError(
                "JupyterHub 没有回答；名单和系统账号已经更新。请确认 Hub 在运行，再运行 qinlian roster sync"
            ) from None


def _refusal(code: int, method: str, path: str) -> str:
    if code in (401, 403):
        return "JupyterHub 不认名单的令牌；重新启动 Hub（./run --hub），再运行 qinlian roster sync"
    asked = f"{method} {path.partition('?')[0]}：{code}"
    return f"JupyterHub 没有照办（{asked}）；看 Hub 的日志，改好后运行 qinlian roster sync"


def _user(model: dict[str, Any]) -> _User:
    servers = model.get("servers") or {}
    busy = bool(model.get("pending")) or any(server.get("pending") for server in servers.values())
    return _User(str(model["name"]), bool(model.get("server")) or bool(servers), busy)


def synchronise(people: Iterable[Person], hub: HubApi, course_id: str) -> DirectoryChanges:
    """Make the Hub's users and groups what the roster says; what was changed.

    Learners are users in the learners' group; 教师 and 管理员 in the instructors' group, and have no server.
    Who left is no user any more, so that sessions, tokens and a running server end. Raises HubError; what was
    done until then stays, and another run goes on from there.
    """
    everybody = {person.account: person for person in people}
    known = hub.users()
    there = [name for name, person in everybody.items() if not person.archived]
    removed = [name for name, person in everybody.items() if person.archived and name in known]
    for name in removed:
        hub.delete_user(name)
    added = [name for name in there if name not in known]
    for part in chunks(added):
        hub.add_users(list(part))
    stopped = [name for name in there if everybody[name].teaches and name in known and known[name].has_server]
    for name in stopped:
        hub.stop_server(name)
    joined, left = set[str](), set[str]()
    groups = {
        LEARNERS.format(course=course_id): {name for name in there if everybody[name].learns},
        INSTRUCTORS.format(course=course_id): {name for name in there if everybody[name].teaches},
    }
    for group, wanted in groups.items():
        members = hub.members(group)
        for part in chunks(sorted(wanted - members)):
            hub.join(group, list(part))
            joined.update(part)
        for part in chunks(sorted((members & everybody.keys()) - wanted)):
            hub.leave(group, list(part))
            left.update(part)
    return DirectoryChanges(
        added=tuple(added),
        removed=tuple(removed),
        stopped=tuple(stopped),
        joined=tuple(sorted(joined)),
        left=tuple(sorted(left)),
    )
