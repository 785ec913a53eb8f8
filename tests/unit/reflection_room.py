"""A room in which four learners handed in reflections, one of them copied, and all were graded."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.room import MOMENT, Room, some_answers
from qinlian.grading.bulk import grade_submissions
from qinlian.grading.setting import Setting
from tests.sample import COURSE, IDS, MODULE

OWN = (
    "上周五下午，一位供货商把两盒茶叶放在值班室的窗台上，转身就走。我追到楼下没有追上，心里又急又乱。"
    "当天晚上我给科长打了电话，第二天一早请同事作证，把茶叶送回了他的门市部。"
    "现在想来，最难的是开口的第一句话，我给自己准备了一句：心意领了，东西您带回。"
)
HOSTILE = "<script>window.hacked=1</script>$\\href{javascript:alert(1)}{x}$"
COMMENTS = """通用:
  - 只有老师看得见的通用评语。
题目:
  - 题号: LZ-90-R1
    通用:
      - 针对整篇的评语<b>。
    细则:
      A:
        - 针对第一项的评语。
"""


def answers(room: Room, learner: str, text: str) -> bytes:
    made = some_answers(room.edition, learner, "right")
    assert made is not None
    record = json.loads(made)
    record["answers"][IDS.of("LZ-90-R1")] = {"value": text, "at": ""}
    return json.dumps(record).encode()


def make_room(folder: Path) -> Room:
    """Four learners: one wrote, one copied with markup of her own, one an earlier year's text, one nothing."""
    room = Room.make(folder / "room", COURSE, MODULE.id, IDS)
    (room.root / "course" / "course.yaml").write_text("课程: qinlian\n", "utf-8")
    (room.root / "course" / "comments.yaml").write_text(COMMENTS, "utf-8")
    earlier = room.root / ".classroom" / "earlier"
    earlier.mkdir()
    (earlier / "前年的一篇.txt").write_text("会议室的钥匙一直由我保管，借出一次登记一次，人情归人情。" * 3, "utf-8")
    texts = {
        "li": OWN,
        "wang": f"先说一句题外话，{HOSTILE}。{OWN}",
        "zhao": "会议室的钥匙一直由我保管，借出一次登记一次，人情归人情。" * 3,
        "quiet": "",
    }
    for learner, text in texts.items():
        room.submit(learner, answers(room, learner, text), MOMENT)
    report = grade_submissions(Setting.load(room.root), MODULE.id)
    assert not report.failed
    return room
