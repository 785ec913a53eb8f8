"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket

# Below the range from which the system hands out ports for connections, and below what a Hub of ours chooses from:
# nobody takes one by chance between the look and the start. Above the one (10080) that browsers refuse.
_RANGE = range(11_000, 20_000)


def free_ports(count: int = 1) -> int:
    """The first of ``count`` ports in a row that are free on this machine now."""
    for port in random.SystemRandom().sample(_RANGE[: -count + 1 or None], 100):
        try:
            for number in range(port, port + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
    raise AssertionError(f"no {count} free ports in a row")
