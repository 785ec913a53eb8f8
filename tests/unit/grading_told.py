"""What a learner who handed in was told, and the reflection they handed in."""

from __future__ import annotations

from qinlian.core.files import ResultFile
from tests.classroom import Classroom, Sent

TEXT = "我遇到过一件小事。"


def told(room: Classroom, sent: Sent) -> ResultFile:
    found = room.result(sent)
    assert found is not None
    return found
