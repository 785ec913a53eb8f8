"""Whatever lies in a submission: a defined score, a Chinese note, and the rest of the class is graded.

All cases are submitted to one classroom and graded in one round, as they would be on a bad day.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from qinlian.core.files import ResultFile
from qinlian.grading.setting import Setting
from qinlian.items.base import item_type
from tests.classroom import QUIZ, REFLECTION, Classroom, Sent, fresh_classroom
from tests.sample import IDS, MODULE

FULL = 80.0
ACTIVE = """<script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>
[点这里](javascript:alert(4)) <a href="javascript:alert(5)">x</a> <iframe src="https://example.org"></iframe>
</pre></textarea></script><script>alert(6)</script> $\\href{javascript:alert(7)}{x}$ {{ 7*7 }} {% raw %}
=HYPERLINK("http://example.org","x")"""

pytestmark = pytest.mark.slow

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
    "time-long-ago": Case(stamped("1999-01-01 00:00:00 UTC"), FULL, "早于"),
    "time-in-future": Case(stamped("2999-01-01 00:00:00 UTC"), FULL, "晚于"),
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


@pytest.fixture(scope="module")
def bad_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classroom, dict[str, Sent], list[logging.LogRecord]]:
    """Every case from a learner of its own, among two honest ones, graded in one round with feedback."""
    room = fresh_classroom(tmp_path_factory.mktemp("bad-day"))
    sent = {"a-honest": room.send("a-honest", room.answers("a-honest"))}
    sent |= {name: case.send(room, name) for name, case in CASES.items()}
    sent |= {name: room.send(name, room.answers(name, text=text)) for name, text in TEXTS.items()}
    sent["z-honest"] = room.send("z-honest", room.answers("z-honest"))
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log = logging.getLogger("qinlian.grading")
    log.addHandler(handler)
    try:
        room.rounds().step()
    finally:
        log.removeHandler(handler)
    return room, sent, records


def result(bad_day: tuple[Classroom, dict[str, Sent], Any], name: str) -> ResultFile:
    room, sent, _ = bad_day
    found = room.result(sent[name])
    assert found is not None, f"{name} got no result"
    return found


@pytest.mark.parametrize("name", CASES)
def test_it_gets_a_defined_score_in_the_gradebook(bad_day: Any, name: str) -> None:
    room, expected = bad_day[0], CASES[name].score
    if expected < 0:
        # All but the spoiled item: items weigh the same in the sample.
        expected = round(FULL * 5 / 6, 2)
    assert room.scores(name)[QUIZ] == (expected, None, False)


@pytest.mark.parametrize("name", CASES)
def test_the_learner_is_told_in_chinese(bad_day: Any, name: str) -> None:
    notes = result(bad_day, name).notes
    if CASES[name].note:
        assert any(CASES[name].note in note for note in notes), notes
    assert all(re.search("[一-鿿]", note) for note in notes)


@pytest.mark.parametrize("name", CASES)
def test_the_instructor_is_told_the_same_in_the_grade_cell(bad_day: Any, name: str) -> None:
    room = bad_day[0]
    notebook = nbformat.read(room.autograded(name) / f"{MODULE.id}.ipynb", as_version=4)
    cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == QUIZ)
    shown = cell.outputs[0].data["text/html"]
    assert CASES[name].note in shown


def test_the_honest_are_graded_as_if_nothing_had_happened(bad_day: Any) -> None:
    for name in ("a-honest", "z-honest"):
        assert bad_day[0].scores(name)[QUIZ] == (FULL, None, False)
        assert result(bad_day, name).notes == ()


def test_nothing_of_a_learner_was_run(bad_day: Any) -> None:
    assert not trace(bad_day[0]).exists()


def test_no_key_and_no_gradebook_got_into_anything_that_goes_out(bad_day: Any) -> None:
    room = bad_day[0]
    secret = next((room.root / "course" / "editions" / MODULE.id).glob("*.json")).read_bytes()
    for path in room.outbox.iterdir():
        data = path.read_bytes()
        assert b"SQLite format" not in data
        assert secret[:200] not in data
    for name in ("link-to-gradebook", "link-to-key", "hard-link", "link-up"):
        assert not (room.submitted(name) / "answers.json").exists()
        assert not (room.autograded(name) / "answers.json").exists()


def test_only_four_files_are_ever_collected(bad_day: Any) -> None:
    allowed = {f"{MODULE.id}.ipynb", "answers.json", "timestamp.txt", "submission_secret.txt"}
    room = bad_day[0]
    for name in (*CASES, *TEXTS):
        folder = room.submitted(name)
        assert {p.name for p in folder.iterdir()} <= allowed
        assert all(p.is_file() and not p.is_symlink() and p.stat().st_nlink == 1 for p in folder.iterdir())


def test_the_notebook_that_is_graded_is_always_the_released_one(bad_day: Any) -> None:
    room = bad_day[0]
    released = (room.root / "release" / MODULE.id / f"{MODULE.id}.ipynb").read_bytes()
    for name in (*CASES, *TEXTS):
        assert (room.submitted(name) / f"{MODULE.id}.ipynb").read_bytes() == released


def test_no_log_line_carries_what_a_learner_wrote_or_a_traceback(bad_day: Any) -> None:
    for record in bad_day[2]:
        line = record.getMessage()
        assert record.exc_info is None, line
        assert "alert(" not in line
        assert all(c.isprintable() for c in line), line


def test_a_text_without_limit_is_refused_with_a_note(bad_day: Any) -> None:
    assert any("心得" in note and "字" in note for note in result(bad_day, "text-long").notes)
    assert bad_day[0].scores("text-long")[QUIZ][0] == FULL


class Active(HTMLParser):
    """Collects whatever on a page could do something, as a parser sees it, not as a pattern does."""

    TAGS = frozenset({"script", "img", "svg", "iframe", "object", "embed", "link", "base", "form", "style", "textarea"})

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: Counter[str] = Counter()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.TAGS:
            self.found[tag] += 1
        for name, value in attrs:
            target = re.sub(r"\s", "", value or "").lower()
            if name.startswith("on") or target.startswith(("javascript:", "data:text", "vbscript:")):
                self.found[f"{tag} {name}"] += 1


def active(page: str) -> Counter[str]:
    return Active(page).found


def formgrader_page(setting: Setting, path: Path) -> str:
    """The submission as formgrader shows it, by its own exporter, template and settings."""
    config = Config(setting.config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "assignment_id": MODULE.id,
        "notebook_id": MODULE.id,
        "submission_id": "x",
        "index": 0,
        "total": 1,
        "base_url": "/",
        "student": "x",
        "last_name": "",
        "first_name": "",
        "notebook_path": "",
    }
    html, _ = HTMLExporter(config=config).from_filename(str(path), resources=resources)
    return str(html)


@pytest.mark.parametrize("name", TEXTS)
def test_no_markup_of_a_learners_survives_in_formgrader(bad_day: Any, name: str) -> None:
    room = bad_day[0]
    page = formgrader_page(room.setting, room.autograded(name) / f"{MODULE.id}.ipynb")
    honest = formgrader_page(room.setting, room.autograded("a-honest") / f"{MODULE.id}.ipynb")
    # formgrader's own page has scripts; a learner's words add none.
    assert active(page) == active(honest)


def test_answers_with_markup_add_nothing_either(bad_day: Any) -> None:
    room = bad_day[0]
    page = formgrader_page(room.setting, room.autograded("value-markup") / f"{MODULE.id}.ipynb")
    honest = formgrader_page(room.setting, room.autograded("a-honest") / f"{MODULE.id}.ipynb")
    assert active(page) == active(honest)


@pytest.mark.parametrize("name", ["text-active", "text-math", "text-template", "text-nul"])
def test_no_markup_of_a_learners_survives_in_the_feedback_page(bad_day: Any, name: str) -> None:
    room = bad_day[0]
    assert room.rounds().feedback(MODULE.id, name)
    page = (room.root / ".classroom" / "feedback" / name / MODULE.id / f"{MODULE.id}.html").read_text("utf-8")
    assert active(page) == Counter({"style": 1})
    assert "default-src 'none'" in page


def test_what_was_written_can_still_be_read(bad_day: Any) -> None:
    room = bad_day[0]
    page = formgrader_page(room.setting, room.autograded("text-active") / f"{MODULE.id}.ipynb")
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in unescape(page)


def test_grading_a_bad_day_again_changes_nothing(bad_day: Any) -> None:
    room = bad_day[0]
    before = {name: room.scores(name) for name in CASES}
    assert room.rounds().step() == []
    assert {name: room.scores(name) for name in CASES} == before
    assert REFLECTION in before["none"]
