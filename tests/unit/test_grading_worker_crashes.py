"""A submission that ends the worker, or hangs it, holds up nobody for long and does not go round for ever."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from nbgrader.utils import notebook_hash

from qinlian.grading.arrivals import Arrivals
from qinlian.grading.keeper import EXIT_STATUS
from qinlian.grading.worker import grade_module
from tests.classroom import Classroom, Sent, classroom_on
from tests.managed import Managed, until
from tests.sample import MODULE

pytestmark = pytest.mark.slow


@pytest.fixture
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return classroom_on(request.param, tmp_path, monkeypatch)


def deadly(room: Classroom, fault: str, *arguments: str) -> Managed:
    return Managed(room.root, *arguments, module="tests.deadly_worker", before=(fault, "victim"))


def states(room: Classroom, learner: str = "victim") -> list[tuple[str, int]]:
    return [(a.state, a.tries) for a in Arrivals(room.db_url).of(learner=learner)]


ROOMS = [
    ("sqlite", "grade:killed"),
    ("postgres", "grade:killed"),
    ("sqlite", "grade:segfault"),
    ("sqlite", "grade:memory"),
]
HANGS = [("sqlite", "grade:sleep"), ("postgres", "grade:sleep"), ("sqlite", "grade:loop")]
BOTH = pytest.mark.parametrize("room", ["sqlite", "postgres"], indirect=True)


@pytest.mark.parametrize(("room", "fault"), ROOMS, indirect=["room"])
def test_what_ends_the_worker_is_put_aside_after_three_times_and_the_others_are_graded(
    room: Classroom, fault: str
) -> None:
    sent = {name: room.send(name, room.answers(name)) for name in ("an", "victim", "li", "zhou")}
    with deadly(room, fault) as worker:
        until(lambda: all(room.result(sent[name]) for name in ("an", "li", "zhou")))
        until(lambda: room.result(sent["victim"]))
        later = room.send("wu", room.answers("wu"))
        until(lambda: room.result(later))
        assert len(worker.ended) == 3, worker.log
        assert set(worker.ended) <= {-signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT}
    assert [room.scores(name)["90-exam"][0] for name in ("an", "li", "zhou", "wu")] == [80.0] * 4
    told = room.result(sent["victim"])
    assert told is not None
    assert (told.state, told.notes) == (
        "拒收",
        ("这次提交没有评完，已转给管理员处理；可以重新提交一次，原有的成绩不受影响",),
    )
    assert states(room) == [("停放", 3)]
    # Once mended, a person has it graded after all.
    assert grade_module(room.root, MODULE.id, pages=False).graded == 1
    assert room.scores("victim")["90-exam"][0] == 80.0


@pytest.mark.parametrize(("room", "fault"), HANGS, indirect=["room"])
def test_what_hangs_ends_its_worker_in_time_and_is_put_aside_as_well(room: Classroom, fault: str) -> None:
    sent = {name: room.send(name, room.answers(name)) for name in ("an", "victim", "li")}
    with deadly(room, fault, "--limit", "4") as worker:
        until(lambda: all(room.result(sent[name]) for name in ("an", "li")))
        until(lambda: room.result(sent["victim"]))
        assert len(worker.ended) == 3, worker.log
        # From within where the interpreter still runs, from below where it does not.
        assert set(worker.ended) == {EXIT_STATUS if fault == "grade:sleep" else 1}
    assert states(room) == [("停放", 3)]


@BOTH
def test_a_feedback_page_that_ends_the_worker_is_left_out_in_the_end(room: Classroom) -> None:
    sent = {name: room.send(name, room.answers(name)) for name in ("victim", "an", "li")}

    def page(one: Sent) -> bool:
        return (room.outbox / f"{notebook_hash(secret=one.secret, notebook_id=MODULE.id)}.html").exists()

    with deadly(room, "page:killed") as worker:
        until(lambda: all(room.result(one) for one in sent.values()))
        until(lambda: page(sent["an"]) and page(sent["li"]))
        until(lambda: "反馈页时程序几次意外中断，先放在一边" in worker.log)
        assert len(worker.ended) == 3, worker.log
    assert not page(sent["victim"])
    assert states(room) == [("已评分", 0)]


@BOTH
def test_a_worker_that_is_told_to_end_gives_back_what_it_has(room: Classroom) -> None:
    for number in range(30):
        room.send(f"learner{number:02d}", room.answers(f"learner{number:02d}"))
    with Managed(room.root, "--owner", "pod-1") as worker:
        until(lambda: any(a.state == "已评分" for a in Arrivals(room.db_url).of()))
        assert worker.process is not None
        process = worker.process
        worker._stopping = True
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == 0
    with room.gradebook() as gradebook, gradebook.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM qinlian_claim").scalar() == 0
    assert {a.tries for a in Arrivals(room.db_url).of()} == {0}
