"""A process that dies is found out at once; one that lives, or never said so, is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qinlian.grading.claims import new_owner
from qinlian.grading.life import Life, has_died
from qinlian.grading.response_tables import METADATA
from tests.classroom import REPOSITORY, postgres
from tests.unit.claims_story import Story

pytestmark = pytest.mark.slow

CLAIMING = """
import sys, time
from qinlian.grading.claims import Claims
grader = Claims(sys.argv[1], sys.argv[2])
print(len(grader.next(9)), flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Story:
    if request.param == "sqlite":
        return Story.begin(tmp_path)
    made = Story(postgres().create(f"life_{new_owner('x')[-12:]}"))
    METADATA.create_all(made.engine)
    return made


def test_a_grader_that_was_killed_holds_nobody_up(story: Story) -> None:
    story.arrive("li")
    grader = story.grader("two")
    command = [sys.executable, "-c", CLAIMING, story.db_url, "one"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            grader.bury()
            assert grader.next(9) == []
            assert not has_died(story.db_url, "one")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    grader._buried = 0.0
    grader.bury()
    assert [turn.learner for turn in grader.next(9)] == ["li"]
    # Its try counted: it was begun.
    assert story.tries("li+01+0001") == 2


def test_who_ended_in_order_has_died_as_well(story: Story) -> None:
    life = Life(story.db_url, "one")
    life.go_on()
    life.go_on()
    assert not has_died(story.db_url, "one")
    life.end()
    if story.db_url.startswith("postgresql"):
        assert has_died(story.db_url, "one")
    else:
        # Without its file nobody knows of it; it gave back what it had.
        assert not has_died(story.db_url, "one")
        assert not list(Path(f"{story.db_url.removeprefix('sqlite:///')}-graders").iterdir())


def test_of_several_that_look_at_a_dead_one_each_finds_it_dead(story: Story) -> None:
    life = Life(story.db_url, "one")
    life.go_on()
    life._lock.close()
    assert has_died(story.db_url, "one")
