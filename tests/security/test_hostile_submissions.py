"""Whatever lies in a submission: a defined score, a Chinese note, and the rest of the class is graded.

All cases are submitted to one classroom and graded in one round, as they would be on a bad day.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
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
from tests.classroom import QUIZ, REFLECTION, Classroom, Sent, fresh_classroom
from tests.sample import MODULE
from tests.security.hostile_submissions import CASES, FULL, TEXTS, trace

pytestmark = pytest.mark.slow


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
