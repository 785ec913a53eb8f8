"""What a learner who handed in was told, the reflection they handed in, and a worker that does all it has to."""

from __future__ import annotations

from qinlian.core.files import ResultFile
from qinlian.grading.worker import Worker
from tests.classroom import Classroom, Sent

TEXT = "我遇到过一件小事。"


def told(room: Classroom, sent: Sent) -> ResultFile:
    found = room.result(sent)
    assert found is not None
    return found


def all_done(worker: Worker) -> None:
    """Let a worker do all there is to do, a look at the gradebook included."""
    worker.follower.look_again()
    while worker.step():
        pass
