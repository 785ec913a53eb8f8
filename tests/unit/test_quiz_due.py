"""A learner reads their own due date, and nobody else's, wherever theirs differs from the lesson's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qinlian.core.files import LESSON_NAME, LetterboxFile, letterbox_name
from qinlian.notebooks.notebook import notebook_bytes, source_notebook
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.portal.desk import Desk
from qinlian.portal.port import ModuleStanding
from qinlian.quiz import live
from qinlian.quiz.due import Due
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson
from tests.sample import COURSE, IDS, MODULE

DUE = datetime(2026, 9, 30, 15, 59, tzinfo=UTC)
LATER = DUE + timedelta(days=3)
NAME = letterbox_name(b"secret", "qlan")
EXAM = "90-exam"


class Learner:
    """One learner whose lesson names DUE, seen from the portal and from the lesson."""

    def __init__(self, folder: Path, letterbox: str = NAME) -> None:
        self.course = folder / "exchange" / COURSE.id
        released = self.course / "outbound" / MODULE.id
        released.mkdir(parents=True)
        for name in ("inbound", "feedback"):
            (self.course / name).mkdir()
        self.release(DUE)
        (released / f"{MODULE.id}.ipynb").write_bytes(notebook_bytes(source_notebook(COURSE, MODULE, IDS)))
        settings = ExchangeSettings(folder / "exchange", COURSE.id, "qlan", folder / "cache", letterbox=letterbox)
        self.exchange = Exchange(settings)
        self.desk = Desk(folder / "home", lambda: Exchange(settings))
        self.desk.open(MODULE.id)
        self.lesson = LiveLesson(folder / "home" / MODULE.id, self.exchange, "qlan")

    def release(self, due: datetime | None) -> None:
        lesson = publish(COURSE, MODULE.model_copy(update={"due": due}), IDS)
        (self.course / "outbound" / MODULE.id / LESSON_NAME).write_bytes(lesson_bytes(lesson))

    def tell(self, due: datetime | None, *, name: str = NAME, course: str = COURSE.id) -> None:
        letter = LetterboxFile(course=course, dues={MODULE.id: due})
        (self.course / "feedback" / f"{name}.json").write_text(letter.model_dump_json(by_alias=True))

    def card(self) -> ModuleStanding:
        (module,) = self.desk.overview().modules
        return module

    def context(self) -> dict[str, object]:
        self.lesson.look(exchange=True)
        return self.lesson.state(EXAM).context


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(tmp_path)


def test_without_a_letterbox_the_lesson_says_when(learner: Learner) -> None:
    assert learner.exchange.due(MODULE.id) == Due(DUE)
    assert (learner.card().due, learner.card().extended) == (DUE, False)
    assert (learner.context()["due"], learner.context()["extended"]) == (DUE.isoformat(), False)


def test_an_extension_shows_on_the_page_and_in_the_open_lesson(learner: Learner) -> None:
    assert learner.context()["due"] == DUE.isoformat()
    learner.tell(LATER)
    assert learner.exchange.due(MODULE.id) == Due(LATER, extended=True)
    assert (learner.card().due, learner.card().extended) == (LATER, True)
    assert (learner.context()["due"], learner.context()["extended"]) == (LATER.isoformat(), True)


def test_an_extension_that_was_taken_back_is_gone(learner: Learner) -> None:
    learner.tell(LATER)
    assert learner.card().extended
    (learner.course / "feedback" / f"{NAME}.json").unlink()
    assert learner.card().due == DUE


@pytest.mark.parametrize(
    ("own", "extended"), [(None, True), (DUE - timedelta(days=1), False)], ids=["no due date any more", "moved back"]
)
def test_a_due_date_that_was_moved_is_shown_as_it_is(learner: Learner, own: datetime | None, extended: bool) -> None:
    learner.tell(own)
    assert learner.exchange.due(MODULE.id) == Due(own, extended=extended)
    assert learner.context()["due"] == (own.isoformat() if own else "")


def test_a_lesson_that_was_opened_before_it_was_released_anew_names_the_new_date(learner: Learner) -> None:
    learner.release(LATER)
    assert (learner.context()["due"], learner.context()["extended"]) == (LATER.isoformat(), False)


@pytest.mark.parametrize("name", ["", "../../outbound", letterbox_name(b"secret", "qlbo").upper(), "0" * 40], ids=repr)
def test_whoever_alters_the_variable_sees_nothing(tmp_path: Path, name: str) -> None:
    environment = {"QINLIAN_EXCHANGE": str(tmp_path), "QINLIAN_COURSE_ID": COURSE.id, "QINLIAN_LEARNER": "qlan"}
    settings = ExchangeSettings.from_environment(environment | {"QINLIAN_LETTERBOX": name})
    learner = Learner(tmp_path, settings.letterbox)
    learner.tell(LATER)
    assert learner.card().due == DUE


def test_the_spawner_gives_the_name_and_no_text_of_the_settings_shows_it(tmp_path: Path) -> None:
    environment = {"QINLIAN_EXCHANGE": str(tmp_path), "QINLIAN_COURSE_ID": COURSE.id, "QINLIAN_LEARNER": "qlan"}
    settings = ExchangeSettings.from_environment(environment | {"QINLIAN_LETTERBOX": NAME})
    assert settings.letterbox == NAME
    assert NAME not in repr(settings)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "qinlian.letterbox/2"}', json.dumps({"dues": 1})])
def test_a_letter_that_cannot_be_read_leaves_what_was_told_before(learner: Learner, text: str) -> None:
    learner.tell(LATER)
    assert learner.card().due == LATER
    (learner.course / "feedback" / f"{NAME}.json").write_text(text)
    assert learner.card().due == LATER


def test_a_letter_of_another_course_says_nothing(learner: Learner) -> None:
    learner.tell(LATER, course="other")
    assert learner.card().due == DUE


def test_when_the_due_date_passes_the_open_lesson_hears_of_it(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    moment = DUE

    monkeypatch.setattr(live, "utc_now", lambda: moment)
    forget = learner.lesson.listen(lambda: heard.append(learner.lesson.state(EXAM).context["overdue"]))
    learner.lesson.look()
    assert learner.context()["overdue"] is False
    heard.clear()
    # The very moment is still on time, as nbgrader counts it.
    moment = DUE + timedelta(seconds=1)
    learner.lesson.look()
    learner.lesson.look()
    forget()
    assert heard == [True]


def test_the_time_that_counts_is_the_graders(learner: Learner) -> None:
    """A submission that was sent under a wrong clock is shown with the time at which it came."""
    learner.desk.save(MODULE.id, {})
    sent = learner.exchange.submit(learner.lesson.folder, MODULE.id)
    assert learner.card().submitted_at == sent.submitted_at
    counted = sent.submitted_at - timedelta(hours=5)
    fields = {"course": COURSE.id, "module": MODULE.id, "edition": "e", "submitted_at": counted.isoformat()}
    said = {**fields, "graded_at": "", "score": 90, "max_score": 100, "state": "已评分", "schema": "qinlian.result/1"}
    (learner.course / "feedback" / sent.result).write_text(json.dumps(said))
    assert learner.card().submitted_at == counted
    assert learner.context()["submitted_at"] == counted.isoformat()
