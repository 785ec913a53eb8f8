"""The pages add up in SQL what ``qinlian report`` adds up in memory: the same numbers, on a gradebook of nbgrader's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from qinlian.reports.table import gradebook_table
from qinlian.roster.people import Entry
from qinlian.roster.store import RosterStore
from qinlian.staff.book import open_book
from qinlian.staff.plan import read_plan
from qinlian.staff.report import COLUMNS, Filter, cells, every_row
from tests.classroom import fresh_classroom
from tests.roster_room import NOW
from tests.sample import COURSE
from tests.staff_room import viewer

pytestmark = pytest.mark.slow


def test_both_say_the_same_of_everybody(tmp_path: Path) -> None:
    classroom = fresh_classroom(tmp_path)
    people = [Entry(number=f"t{n}", name=f"姓名{n}", unit="省校") for n in range(6)]
    RosterStore(classroom.db_url).apply(people, NOW)
    rounds = classroom.rounds()
    for number, (right, text) in enumerate(((6, None), (3, "写一段话"), (2, None), (6, "写一段话"))):
        classroom.send(f"qlt{number}", classroom.answers(f"qlt{number}", right, text))
    rounds.step()
    classroom.mark("qlt3", 12.5)
    classroom.send("qlt4", classroom.answers("qlt4"))
    rounds.intake.take()
    ours = pd.DataFrame(
        map(
            cells,
            every_row(
                open_book(classroom.db_url), viewer("", "管理员"), read_plan(classroom.root / "release"), Filter()
            ),
        ),
        columns=list(COLUMNS),
    )
    theirs = gradebook_table(classroom.db_url, COURSE)
    shared = ["得分", "满分", "状态", "提交时间", "获得学时"]
    assert set(ours["状态"]) == {"未开始", "已提交", "待评阅", "已评分"}
    pd.testing.assert_frame_equal(ours[shared], theirs[shared], check_dtype=False)
