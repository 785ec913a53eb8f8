"""The grading worker as a process of its own, in which grading certain learners goes wrong in earnest.

``python -m tests.deadly_worker <fault> <learner> <the worker's own arguments>``. What the fault breaks is
the last step before a grade is made (or a page), as a bug or a hostile answer would.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from qinlian.grading import assess, rounds, worker


def killed() -> None:
    """As the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def segfault() -> None:
    """As a bug in a library of C does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def memory() -> None:
    """Take memory until the kernel's limit for this process, and die of what comes of it."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
    heap = []
    try:
        while True:
            heap.append(bytearray(8 << 20))
    except MemoryError:
        os.abort()


def sleep() -> None:
    """Wait for something that never comes."""
    time.sleep(3600)


def loop() -> None:
    """Let nothing else run in this interpreter: not even a thread."""
    re.match(r"(a+)+$", "a" * 60 + "b")


FAULTS: dict[str, Callable[[], None]] = {f.__name__: f for f in (killed, segfault, memory, sleep, loop)}


def main() -> int:
    """Break one step for one learner, then be the worker."""
    where, _, name = sys.argv[1].partition(":")
    fault, victim = FAULTS[name], sys.argv[2]
    if where == "grade":
        grade = assess.grade

        def graded(**more: Any) -> Any:
            if more["learner"] == victim:
                fault()
            return grade(**more)

        assess.grade = graded
    else:
        page = rounds.publish_feedback

        def paged(setting: Any, module: str, learner: str) -> None:
            if learner == victim:
                fault()
            page(setting, module, learner)

        rounds.publish_feedback = paged
    return worker.main(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
