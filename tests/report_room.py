"""A class that reports are made of: one module with everything in it, and people over a tree of units.

The demonstration learners answer as ever, but they are people of a roster here, in units of which some are small.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from unittest.mock import patch

from qinlian.classroom import demo
from qinlian.classroom.demo_people import PEOPLE
from qinlian.core.identity import Identity
from qinlian.core.model import Course, Item, QuizBlock, Track
from qinlian.grading.setting import Setting
from qinlian.roster.people import Entry, account_of
from qinlian.roster.store import RosterStore
from qinlian.toolpath import put_tools_on_path
from tests import classroom, selfcheck
from tests.classroom import Classroom, make_classroom
from tests.sample import COURSE as SAMPLE
from tests.sample import MODULE as LESSON
from tests.sample import _one_of_each

__all__ = ["COURSE", "FINANCE", "HOSPITAL", "HOUSING", "NOW", "SIZES", "STREET", "entries", "report_room"]

FINANCE = "青禾省/望川市/望川市财政局"
HOUSING = "青禾省/望川市/临溪县/临溪县住房建设局"
SCHOOL = "青禾省/望川市/临溪县/临溪县第二中学"
HOSPITAL = "青禾省/栖云市/栖云市中心医院"
STREET = "青禾省/栖云市/南屏县/南屏街道办事处"
CENTRE = "青禾省/省数据服务中心"
SIZES = {FINANCE: 10, HOUSING: 4, SCHOOL: 9, HOSPITAL: 8, STREET: 4, CENTRE: 6}
"""Two of them are too small to be told of."""
_SECRET = b"s" * 32
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_TOPICS = ("礼品礼金", "宴请", "亲属经商", "公物", "评审")
_RULES = (
    "《中国共产党纪律处分条例》第九十七条第一款",
    "《中国共产党纪律处分条例》第一百零二条",
    "《中华人民共和国监察法》第十五条",
)


def _labelled(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(
        item.model_copy(update={"topics": _TOPICS[n % 5 : n % 5 + 2], "citations": (_RULES[n % 3],)})
        for n, item in enumerate(items)
    )


_BEFORE = _labelled(_one_of_each(131, "测验"))
_POOL = _labelled((*_one_of_each(101, "测验"), *_one_of_each(111, "测验"), *_one_of_each(121, "测验")))
_KEPT = tuple(item for item in LESSON.items if item.use != "测验")

_BLOCKS = (
    *(block for block in LESSON.blocks if not isinstance(block, QuizBlock)),
    QuizBlock(id="90-before", pool=tuple(i.id for i in _BEFORE), count=4, marked=False, reveal="不公布"),
    QuizBlock(id="90-exam", pool=tuple(i.id for i in _POOL), count=8, attempts=3, points=60, whole=True),
    QuizBlock(id="90-check", pool=(selfcheck.CHECK.id,), count=1, attempts=3, points=20),
)
MODULE = LESSON.model_copy(update={"items": (*_KEPT, *_BEFORE, *_POOL, selfcheck.CHECK), "blocks": _BLOCKS})
COURSE: Course = SAMPLE.model_copy(
    update={
        "modules": (MODULE,),
        "tracks": (
            Track(name="青年干部", modules=(MODULE.id,)),
            Track(name="教师", modules=(MODULE.id,), pass_mark=70),
        ),
    }
)


def entries() -> list[Entry]:
    """Everybody, in an order in which no unit's people stand together."""
    places = [unit for place in range(max(SIZES.values())) for unit, size in SIZES.items() if place < size]
    return [
        Entry(number=f"{2601 + n}", name=_name(n), unit=unit, track=("青年干部", "教师", "")[n % 3])
        for n, unit in enumerate(places)
    ]


def _name(index: int) -> str:
    first, second = divmod(index, len(PEOPLE))
    return PEOPLE[second][0] + PEOPLE[(second + 7 * first) % len(PEOPLE)][1:]


def _enrol(setting: Setting, count: int) -> None:
    RosterStore(setting.db_url).apply(entries()[:count], NOW)


@cache
def _template() -> Classroom:
    put_tools_on_path()
    root = Path(tempfile.mkdtemp(prefix="qinlian-reports-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    with (
        # Long enough for a course's own file, from which the report reads it.
        patch.object(classroom, "IDS", Identity(_SECRET)),
        patch.object(demo, "_learner", lambda index: account_of(f"{2601 + index}")),
        patch.object(demo, "_enrol", _enrol),
    ):
        room = make_classroom(root, COURSE)
        demo.add_demo(room.root, learners=sum(SIZES.values()))
    (root / "course" / "secret.txt").write_text(_SECRET.hex() + "\n")
    return room


def report_room(folder: Path) -> Classroom:
    """That class below ``folder``, graded, for one test to spoil; built once a run, then copied."""
    shutil.copytree(_template().root, folder / "repository")
    return Classroom(folder / "repository")
