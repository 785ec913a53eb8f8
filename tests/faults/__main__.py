"""Try the faults, many times over, on one Hub with PostgreSQL; prints what happened and how long it took."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time

from tests.faults.crowd import Crowd
from tests.faults.faults import (
    Fault,
    database_killed,
    disk_full,
    exchange_read_only,
    hub_and_proxy_killed,
    worker_killed,
)
from tests.faults.reader import Reader
from tests.hub.room import HubRoom
from tests.postgres import PostgresServer, running_server

MODULES = ("02-gifts", "03-conflicts", "06-finance")


def faults_of(server: PostgresServer, reader: Reader) -> dict[str, Fault]:
    """Name → fault."""
    return {
        "worker": worker_killed,
        "hub": hub_and_proxy_killed(reader),
        "database": database_killed(server),
        "disk": disk_full,
        "readonly": exchange_read_only,
    }


def try_fault(room: HubRoom, crowd: Crowd, name: str, fault: Fault, rounds: int, seed: int) -> list[float]:
    """Seconds of each round, from the first submission to the last result; every round is checked whole."""
    took = []
    for number in range(rounds):
        begun = time.monotonic()
        fault(room, crowd, random.Random(f"{seed} {name} {number}"))
        crowd.check()
        took.append(time.monotonic() - begun)
        if sys.stderr.isatty() or (number + 1) % 10 == 0:
            print(f"{name} {number + 1}/{rounds}", file=sys.stderr, flush=True)
    return took


def main(arguments: list[str] | None = None) -> int:
    """Run the rounds; returns 0 once every one of them was whole. What is not raises AssertionError."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--rounds", type=int, default=100, help="of worker, hub and database")
    parser.add_argument("--few", type=int, default=5, help="of the others")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with running_server(fsync="on") as server:
        room = HubRoom(options=("--learner-disk", "1", "--database-url", server.url))
        try:
            room.start()
            reader, crowd = Reader(room), Crowd(room, MODULES)
            for name, fault in faults_of(server, reader).items():
                if options.only and name not in options.only:
                    continue
                rounds = options.rounds if name in ("worker", "hub", "database") else options.few
                took = try_fault(room, crowd, name, fault, rounds, options.seed)
                print(
                    f"{name}: {rounds} rounds, every one whole; "
                    f"median {statistics.median(took):.1f} s, longest {max(took):.1f} s",
                    flush=True,
                )
            told = crowd.told
            print(f"{sum(told.submissions.values())} submissions acknowledged and graded once; {told.refused} refused")
        finally:
            room.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
