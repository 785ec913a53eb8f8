"""The faults, one function each: what is broken, how it comes back, what must hold afterwards."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.e2e.classroom import wait_until
from tests.faults.crowd import Crowd
from tests.faults.reader import Reader
from tests.hub.room import HubRoom, is_answered
from tests.postgres import PostgresServer

Fault = Callable[[HubRoom, Crowd, random.Random], None]
MANY = 8
# Down to the last block: smaller and smaller files, until not even those fit.
_FILL = """
mkdir {folder} && cd {folder}
for size in 60000000 1000000 65536 4096; do
  i=0
  while head -c $size /dev/zero >$size-$i 2>/dev/null; do i=$((i+1)); done
done
true
"""


def _grader(room: HubRoom, part: str) -> list[int]:
    """Processes of this room's grader, not of another Hub's on the machine."""
    mine = f"QINLIAN_CLASSROOM={room.state / 'classroom'}".encode()
    found = []
    for process in room.processes("qinlian-grader", part):
        with suppress(OSError):
            if mine in (Path("/proc") / str(process) / "environ").read_bytes():
                found.append(process)
    return found


def _of_room(room: HubRoom, part: str) -> list[int]:
    """Root's processes of this room."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if part in words and str(room.state) in words and "setpriv" not in words:
                    found.append(int(entry.name))
    return found


def _kill(processes: list[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def worker_killed(room: HubRoom, crowd: Crowd, dice: random.Random) -> None:
    """kill -9 the workers, one or both, while they grade."""
    wait_until(lambda: _grader(room, "qinlian.grading.worker"), 60, "a worker")
    crowd.some_submit(MANY // 2, dice)
    time.sleep(dice.uniform(0.0, 0.6))
    workers = _grader(room, "qinlian.grading.worker")
    _kill(dice.sample(workers, dice.randint(1, len(workers))) if workers else [])
    crowd.some_submit(MANY // 2, dice)
    crowd.settle(120)


def hub_and_proxy_killed(reader: Reader) -> Fault:
    """kill -9 JupyterHub, its proxy, or both; ``reader``'s server goes on, and their page opens again as it did."""

    def fault(room: HubRoom, crowd: Crowd, dice: random.Random) -> None:
        # It is used, or it would end by itself after a while.
        assert reader.opens(), "the learner's page before the fault"
        before = room.processes(reader.account, "hub_server")
        crowd.some_submit(MANY // 4, dice)
        hubs, proxies = _of_room(room, "-m jupyterhub "), _of_room(room, "configurable-http-proxy")
        which = dice.choice((hubs, proxies, hubs + proxies))
        assert which, "nothing to kill"
        _kill(which)
        # Nobody needs the Hub to save and hand in.
        assert crowd.some_submit(MANY // 2, dice) == MANY // 2
        wait_until(lambda: is_answered(f"{room.url}/hub/health"), 120, "the Hub's return")
        wait_until(lambda: _healthy(room), 120, "the Hub's health")
        assert room.processes(reader.account, "hub_server") == before, "the learner's server was touched"
        wait_until(reader.opens, 30, "the learner's page")
        crowd.settle(150)

    return fault


def _healthy(room: HubRoom) -> bool:
    try:
        with urllib.request.urlopen(f"{room.url}/hub/health", timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def database_killed(server: PostgresServer) -> Fault:
    """kill -9 PostgreSQL during a write; it comes back some seconds later."""

    def fault(room: HubRoom, crowd: Crowd, dice: random.Random) -> None:
        crowd.some_submit(MANY // 2, dice)
        time.sleep(dice.uniform(0.0, 0.6))
        server.crash()
        assert crowd.some_submit(MANY // 2, dice) == MANY // 2, "handing in needs no database"
        time.sleep(dice.uniform(0.0, 1.5))
        server.start()
        crowd.settle(150)

    return fault


def disk_full(room: HubRoom, crowd: Crowd, dice: random.Random) -> None:
    """The learners' disk is full: nobody loses what was saved, everybody is told, and it goes on afterwards."""
    assert os.path.ismount(room.state / "learners"), "this machine gave learners no disk of their own"
    account, module = dice.choice(crowd.accounts), dice.choice(crowd.modules)
    assert crowd.save(account, module) == ""
    fillers = room.state / "learners" / "homes" / account / "fillers"
    done = room.as_someone(account, "sh", "-c", _FILL.format(folder=fillers))
    assert done.returncode == 0, done.stderr
    try:
        said = crowd.save(account, module)
        assert "磁盘" in said or "写" in said, said
        refused = crowd.told.refused
        assert not crowd.submit(account, module)
        assert crowd.told.refused == refused + 1
    finally:
        shutil.rmtree(fillers)
    assert crowd.submit(account, module)
    crowd.settle()


def exchange_read_only(room: HubRoom, crowd: Crowd, dice: random.Random) -> None:
    """The exchange cannot be written to: handing in is refused in words, grading waits and goes on by itself."""
    account, module = dice.choice(crowd.accounts), dice.choice(crowd.modules)
    assert crowd.submit(account, module)
    learners = room.state / "learners"
    subprocess.run(["mount", "-o", "remount,ro", learners], check=True)
    try:
        assert not crowd.submit(account, module)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", learners], check=True)
    assert crowd.submit(account, module)
    crowd.settle(120)
