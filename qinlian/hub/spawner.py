"""Starts a learner's server: as the learner's own unix user, within limits, with nothing left behind at its end."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner
from tornado import web
from traitlets import Dict, Unicode

from qinlian.authoring.secret import read_secret
from qinlian.core.files import letterbox_name
from qinlian.errors import SignInError
from qinlian.hub.accounts import end_all_of
from qinlian.hub.learner_server import learner_command, learner_environment
from qinlian.hub.listed import DatabaseRoster, Listed
from qinlian.hub.settings import HubSettings

__all__ = ["LIMITS", "LearnerSpawner"]

_MEGABYTE = 1_000_000
LIMITS = {
    resource.RLIMIT_NPROC: 96,
    resource.RLIMIT_NOFILE: 1024,
    resource.RLIMIT_FSIZE: 64 * _MEGABYTE,
    resource.RLIMIT_DATA: 1_000 * _MEGABYTE,
    resource.RLIMIT_CORE: 0,
}
"""A lesson needs a tenth of each: threads and processes, open files, bytes of one file, bytes of one process."""
_FIRST_TO_GO = "700"
"""When the machine runs out of memory, a learner's processes end before the gradebook's do."""


class LearnerSpawner(LocalProcessSpawner):  # type: ignore[misc]
    """One learner's server on this machine. Staff have none: their pages are services of the Hub."""

    state = Unicode(config=True, help="The Hub's state folder.")
    limits = Dict(LIMITS, config=True, help="Resource limits (numbers of the resource module) of every process.")

    @cached_property
    def _hub(self) -> HubSettings:
        return HubSettings.load(Path(self.state))

    def _learner(self) -> Listed:
        """Who this is, by the roster and not by anything the browser says."""
        try:
            person = DatabaseRoster(self._hub.db_url).find(self.user.name)
        except SignInError as error:
            raise web.HTTPError(503, str(error)) from error
        if person is None or person.archived:
            raise web.HTTPError(403, "您不在名单上；如有疑问请联系本单位的管理员")
        if person.role != "学员":
            raise web.HTTPError(403, "教师和管理员没有自己的学习空间；请从“教师工作台”进入")
        return person

    def get_env(self) -> dict[str, str]:
        """The server's environment: the Hub's own part, and where this learner's course is."""
        env: dict[str, str] = super().get_env()
        hub, learner = self._hub, self._learner()
        letterbox = letterbox_name(read_secret(hub.course_root / "course"), learner.account)
        own: dict[str, str] = learner_environment(
            home=hub.homes / learner.account,
            exchange=hub.exchange,
            course_id=hub.course_id,
            track=learner.track,
            letterbox=letterbox,
            settings=hub.state / "learner",
            name=learner.name,
        )
        return env | own

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Limits first, which only root may set, then the learner's own uid."""
        become = super().make_preexec_fn(name)
        limits = dict(self.limits)

        def prepare() -> None:
            for kind, most in limits.items():
                resource.setrlimit(int(kind), (most, most))
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
            os.umask(0o077)
            become()

        return prepare

    async def start(self) -> tuple[str, int]:
        """Start the server; what a learner left running earlier ends first."""
        self._learner()
        end_all_of(self.user.name)
        self.cmd = learner_command(self._hub.program)
        found: tuple[str, int] = await super().start()
        return found

    async def stop(self, now: bool = False) -> None:
        """Stop the server, and with it everything else that runs as this learner."""
        await super().stop(now=now)
        end_all_of(self.user.name)

    def run_post_stop_hook(self) -> Any:
        """The same for a server that ended by itself: the Hub does not stop what has stopped, but comes by here."""
        end_all_of(self.user.name)
        return super().run_post_stop_hook()
