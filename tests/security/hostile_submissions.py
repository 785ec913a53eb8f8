"""Whatever may lie in a submission: each case with the score it must get and the note that must go with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qinlian.items.base import item_type
from tests.classroom import QUIZ, Classroom, Sent
from tests.sample import IDS, MODULE

FULL = 80.0
ACTIVE = """<script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>
[点这里](javascript:alert(4)) <a href="javascript:alert(5)">x</a> <iframe src="https://example.org"></iframe>
</pre></textarea></script><script>alert(6)</script> $\\href{javascript:alert(7)}{x}$ {{ 7*7 }} {% raw %}
=HYPERLINK("http://example.org","x")"""

Send = Callable[[Classroom, str], Sent]


@dataclass(frozen=True)
class Case:
    """A submission, the score its quiz must get, and words of the note that must go with it."""

    send: Send
    score: float
    note: str


def raw(data: bytes) -> Send:
    return lambda room, learner: room.send(learner, data)


def edited(change: Callable[[Classroom, str, dict[str, Any]], None]) -> Send:
    """A full-mark answers.json after ``change``."""

    def send(room: Classroom, learner: str) -> Sent:
        answers = room.answers(learner)
        change(room, learner, answers)
        return room.send(learner, answers)

    return send


def changed_text(change: Callable[[str], str | bytes]) -> Send:
    """A full-mark answers.json whose text is changed after it was written."""

    def send(room: Classroom, learner: str) -> Sent:
        made = change(json.dumps(room.answers(learner)))
        return room.send(learner, made if isinstance(made, bytes) else made.encode())

    return send


def valued(value: Any) -> Send:
    """The first drawn item answered with ``value``, the others right."""

    def change(room: Classroom, learner: str, answers: dict[str, Any]) -> None:
        answers["answers"][IDS.of(room.drawn(learner)[0].id)]["value"] = value

    return edited(change)


def whole_pool(room: Classroom, learner: str, answers: dict[str, Any]) -> None:
    """Right answers to every item there is, drawn or not."""
    for item in map(MODULE.item, MODULE.quizzes[0].pool):
        answers["answers"][IDS.of(item.id)] = {"value": item_type(item.kind).key(item, IDS), "at": ""}


def only_undrawn(room: Classroom, learner: str, answers: dict[str, Any]) -> None:
    drawn = {IDS.of(i.id) for i in room.drawn(learner)}
    whole_pool(room, learner, answers)
    answers["answers"] = {k: v for k, v in answers["answers"].items() if k not in drawn}


def put(**fields: Any) -> Send:
    return edited(lambda _room, _learner, answers: answers.update(fields))


def with_notebook(change: Callable[[dict[str, Any]], Any]) -> Send:
    """Honest answers with a notebook that was tampered with."""

    def send(room: Classroom, learner: str) -> Sent:
        notebook = json.loads((room.root / "release" / MODULE.id / f"{MODULE.id}.ipynb").read_text("utf-8"))
        made = change(notebook)
        data = made if isinstance(made, bytes) else json.dumps(notebook).encode()
        return room.send(learner, room.answers(learner), notebook=data)

    return send


def trace(room: Classroom) -> Path:
    """What the cheating cell would leave behind."""
    return room.root.parent / "was-executed"


def cheat(room: Classroom, learner: str) -> Sent:
    """With a cell that would give full marks and print the key, if anybody ran it."""
    code = f"import qinlian.grading.score as s; s.grade = lambda **k: 1e9; open({str(trace(room))!r}, 'w')"
    cell = {"cell_type": "code", "id": "cheat", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    return with_notebook(lambda notebook: notebook["cells"].insert(0, cell))(room, learner)


def duplicate(notebook: dict[str, Any]) -> None:
    notebook["cells"] += [c for c in notebook["cells"] if "nbgrader" in c["metadata"]]


def delete(notebook: dict[str, Any]) -> None:
    notebook["cells"] = [c for c in notebook["cells"] if "nbgrader" not in c["metadata"]]


def alter(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == QUIZ:
            cell["source"], cell["metadata"]["nbgrader"]["points"] = "100", 1e6
        if cell["cell_type"] == "markdown":
            cell["source"] = ACTIVE


def in_place_of_answers(make: Callable[[Classroom, Path], None]) -> Send:
    """Everything in order, but ``make`` puts something else where answers.json should be."""

    def send(room: Classroom, learner: str) -> Sent:
        sent = room.send(learner, None)
        make(room, sent.folder / "answers.json")
        return sent

    return send


def to_gradebook(room: Classroom, path: Path) -> None:
    path.symlink_to(room.root / ".classroom" / "gradebook.db")


def to_key(room: Classroom, path: Path) -> None:
    path.symlink_to(next((room.root / "course" / "editions" / MODULE.id).glob("*.json")))


def hard_link(room: Classroom, path: Path) -> None:
    os.link(next((room.root / "course" / "editions" / MODULE.id).glob("*.json")), path)


def up_and_out(room: Classroom, path: Path) -> None:
    path.symlink_to("../../../../../course/secret.txt")


def stamped(stamp: str) -> Send:
    return lambda room, learner: room.send(learner, room.answers(learner), claimed=stamp)


CASES: dict[str, Case] = {
    "none": Case(lambda room, learner: room.send(learner, None), 0, "没有答题记录"),
    "empty": Case(raw(b""), 0, "不完整"),
    "truncated": Case(changed_text(lambda text: text[:-40]), 0, "不完整"),
    "enormous": Case(changed_text(lambda text: text + " " * 1_000_001), 0, "超过 1 MB"),
    "enormous-zeros": Case(raw(b"\0" * 3_000_000), 0, "超过 1 MB"),
    "not-utf8": Case(changed_text(lambda text: text.replace("attempts", "尝试").encode("gbk")), 0, "不是 UTF-8"),
    "utf16": Case(changed_text(lambda text: text.encode("utf-16")), 0, "不是 UTF-8"),
    "deep": Case(raw(b"[" * 400_000), 0, "不完整"),
    "deep-value": Case(changed_text(lambda text: text.replace('"at": ""', '"at": ' + "[" * 90_000, 1)), 0, "不完整"),
    "deep-and-closed": Case(
        changed_text(lambda text: text.replace('"at": ""', '"at": ' + "[" * 900 + "]" * 900, 1)), 0, "格式"
    ),
    "huge-int": Case(
        changed_text(lambda text: text.replace('"revision": 7', '"revision": ' + "9" * 6000)), 0, "不完整"
    ),
    "nan": Case(changed_text(lambda text: text.replace('"revision": 7', '"revision": NaN')), 0, "不完整"),
    "infinite": Case(changed_text(lambda text: text.replace('"revision": 7', '"revision": 1e999')), 0, "格式"),
    "a-list": Case(raw(b"[]"), 0, "格式"),
    "a-null": Case(raw(b"null"), 0, "格式"),
    "other-schema": Case(put(schema="qinlian.answers/99"), 0, "格式"),
    "unknown-field": Case(put(score=100), 0, "格式"),
    "who-i-am": Case(put(learner="somebody-else"), 0, "格式"),
    "negative-revision": Case(put(revision=-1), 0, "格式"),
    "wrong-module": Case(put(module="91-other"), 0, "另一个模块"),
    "wrong-course": Case(put(course="other"), 0, "另一门课程"),
    "module-path": Case(put(module="../../etc"), 0, "另一个模块"),
    "unknown-edition": Case(put(edition="0" * 20), FULL, "没有存档"),
    "edition-path": Case(put(edition="../../../secret"), FULL, "没有存档"),
    "attempt-99": Case(put(attempts={QUIZ: 99}), FULL, "次数"),
    "attempt-negative": Case(put(attempts={QUIZ: -3}), FULL, "次数"),
    "attempt-of-nothing": Case(put(attempts={"no-such-quiz": 1}), FULL, ""),
    "unknown-item": Case(
        edited(lambda _room, _learner, a: a["answers"].update({"f" * 16: {"value": "x"}})), FULL, "不属于这个模块"
    ),
    "outside-too": Case(edited(whole_pool), FULL, "不在抽到的题目里"),
    "outside-only": Case(edited(only_undrawn), 0, "不在抽到的题目里"),
    "unknown-option": Case(valued("deadbeefdeadbeef"), -1, "按未作答计"),
    "value-number": Case(valued(12345), -1, "按未作答计"),
    "value-object": Case(valued({"a": {"b": ["c"]}}), -1, "按未作答计"),
    "value-true": Case(valued(True), -1, "按未作答计"),
    "value-list-of-lists": Case(valued([[1], [2]]), -1, "按未作答计"),
    "value-huge-number": Case(valued(10**400), -1, "按未作答计"),
    "value-markup": Case(valued(ACTIVE), -1, "按未作答计"),
    "cell-added": Case(cheat, FULL, "增减或改动"),
    "cells-duplicated": Case(with_notebook(duplicate), FULL, "增减或改动"),
    "cells-deleted": Case(with_notebook(delete), FULL, "增减或改动"),
    "cells-altered": Case(with_notebook(alter), FULL, "增减或改动"),
    "notebook-not-json": Case(with_notebook(lambda _: b"<html>"), FULL, "已损坏"),
    "notebook-binary": Case(with_notebook(lambda _: b"\xff\x00" * 100), FULL, "已损坏"),
    "notebook-missing": Case(
        lambda room, learner: room.send(learner, room.answers(learner), notebook=b""), FULL, "没有收到课文"
    ),
    "link-to-gradebook": Case(in_place_of_answers(to_gradebook), 0, "链接"),
    "link-to-key": Case(in_place_of_answers(to_key), 0, "链接"),
    "link-up": Case(in_place_of_answers(up_and_out), 0, "链接"),
    "link-to-nothing": Case(in_place_of_answers(lambda _, path: path.symlink_to("/nowhere")), 0, "链接"),
    "link-to-itself": Case(in_place_of_answers(lambda _, path: path.symlink_to(path)), 0, "链接"),
    "hard-link": Case(in_place_of_answers(hard_link), 0, "硬链接"),
    "pipe": Case(in_place_of_answers(lambda _, path: os.mkfifo(path)), 0, "不是普通文件"),
    "folder": Case(in_place_of_answers(lambda _, path: path.mkdir()), 0, "不是普通文件"),
    "time-words": Case(stamped("tomorrow"), FULL, "时间无法识别"),
    "time-zone": Case(stamped("2026-11-22 08:00:00 CST"), FULL, "时间无法识别"),
    "time-long-ago": Case(stamped("1999-01-01 00:00:00 UTC"), FULL, "您那边的时钟慢了"),
    "time-in-future": Case(stamped("2999-01-01 00:00:00 UTC"), FULL, "您那边的时钟快了"),
    "time-impossible": Case(stamped("2026-02-30 25:00:00 UTC"), FULL, "时间无法识别"),
}
if os.getuid() == 0:
    CASES["device"] = Case(
        in_place_of_answers(lambda _, path: os.mknod(path, 0o020666, os.makedev(1, 5))), 0, "不是普通文件"
    )

TEXTS = {
    "text-active": ACTIVE,
    "text-nul": "前\x00后",
    "text-surrogate": "前\ud800后",
    "text-control": "\x1b[2J清屏\x07\u202e倒着写",
    "text-math": "$$\\require{action}\\toggle{x}{y}\\endtoggle$$ `<b>`",
    "text-template": "{{ config }} {% for x in y %} ${jndi:ldap://example.org/a}",
    "text-formula": "=1+1\n+cmd\n-2\n@SUM(A1)",
    "text-long": "长" * 25_000,
}
