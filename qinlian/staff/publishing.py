"""Publishing that goes on while nobody waits for it: what is under way, and what came of it.

It takes nbgrader, with all its memory and seconds, so each runs in a process of its own, one at a time. A page that
waited for it would be cut off by a proxy, or closed.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from qinlian.errors import BuildError
from qinlian.staff.places import Places
from qinlian.staff.plan import PlannedModule

__all__ = ["Action", "Job", "Publisher", "publish"]

_log = logging.getLogger("qinlian.staff")
Action = Literal["release", "withdraw"]
_PATIENCE = 600.0
_TOLD_FOR = 600.0
"""Seconds for which the page still tells what came of it."""
_DONE = {"release": "发布好了，学员现在就能学", "withdraw": "收回来了，交过的都还在"}


@dataclass(frozen=True)
class Job:
    """One module being published or taken back; ``said`` is empty until it is done, or was not."""

    action: Action
    said: str = ""
    failed: bool = False

    @property
    def under_way(self) -> bool:
        """True until there is something to say."""
        return not self.said


class Publisher:
    """Does it in the background. What it knows goes with it: what is published is on the disk."""

    def __init__(self, places: Places, clock: Callable[[], float] = time.monotonic) -> None:
        self._places, self._clock = places, clock
        self._one = asyncio.Lock()
        self._jobs: dict[str, tuple[Job, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def jobs(self) -> dict[str, Job]:
        """Module → what is under way, or was until a while ago."""
        return {module: job for module, (job, until) in self._jobs.items() if job.under_way or self._clock() < until}

    def begin(self, module: PlannedModule, action: Action) -> bool:
        """Publish a module or take it back, unless something is being done with it already."""
        known = self._jobs.get(module.id)
        if known is not None and known[0].under_way:
            return False
        self._jobs[module.id] = (Job(action), 0.0)
        task = asyncio.create_task(self._run(module, action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _run(self, module: PlannedModule, action: Action) -> None:
        job = Job(action, "没有办成；请联系管理员查看日志", failed=True)
        try:
            async with self._one:
                await publish(self._places, module, action)
            job = Job(action, _DONE[action])
        except BuildError as error:
            job = Job(action, str(error), failed=True)
        except Exception:
            _log.exception("%s %s", action, module.id)
        finally:
            self._jobs[module.id] = (job, self._clock() + _TOLD_FOR)


async def publish(places: Places, module: PlannedModule, action: Action) -> None:
    """Publish a module, or take it back. Raises BuildError, in Chinese, when it was not done."""
    command = (sys.executable, "-P", "-m", "qinlian.grading.publish", action, module.id, "--root", str(places.root))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise BuildError("等了很久没有办完；请稍后再试，仍不行请联系管理员") from None
    if process.returncode:
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        known = process.returncode == 1 and lines and not lines[-1].isascii()
        raise BuildError(lines[-1] if known else "没有办成；请联系管理员查看日志")
