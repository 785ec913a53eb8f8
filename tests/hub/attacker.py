"""What an attacker on a Hub can ask for, and what the administrator sees of it."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.hub.room import HubRoom

__all__ = ["ask", "inbound", "own_token", "rows"]


def rows(room: HubRoom, query: str, **values: Any) -> list[Any]:
    """Ask the gradebook, as the administrator may."""
    engine = create_engine(f"sqlite:///file:{room.state / 'classroom' / 'gradebook.db'}?mode=ro&uri=true")
    with engine.connect() as connection:
        return list(connection.execute(text(query), values))


def inbound(room: HubRoom) -> Path:
    return room.state / "learners" / "exchange" / "qinlian" / "inbound"


def own_token(room: HubRoom, account: str) -> str:
    """The token of a learner's server, which the learner can read in its environment."""
    for process in room.processes(account):
        for word in (Path("/proc") / str(process) / "environ").read_bytes().split(b"\0"):
            if word.startswith(b"JUPYTERHUB_API_TOKEN="):
                return word.partition(b"=")[2].decode()
    raise AssertionError("no server of this learner runs")


def ask(url: str, token: str = "", method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    """Status and text of an answer; redirects are not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    headers = {"Authorization": f"token {token}"} if token else {}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
