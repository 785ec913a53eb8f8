"""What one learner does on two devices: the later change wins, and what comes late does nothing unasked."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qinlian.core.files import QuizResult, ResultFile
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.quiz import live
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson
from qinlian.quiz.widget import QuizWidget
from tests.sample import COURSE, IDS, MODULE, REFLECTION

LESSON = publish(COURSE, MODULE, IDS)
EXAM, ESSAY = "90-exam", REFLECTION.id
ESSAY_ITEM = IDS.of(REFLECTION.id)


class Device:
    """A page with one block on it. What it asks while it is out of reach arrives when somebody says so."""

    def __init__(self, lesson: LiveLesson, block: str) -> None:
        self.widget = QuizWidget(lesson, block)
        self.held: list[dict[str, Any]] = []
        self.number = 0

    def request(self, action: str, **more: Any) -> dict[str, Any]:
        """A request as quiz.js makes it now."""
        self.number += 1
        now = datetime.now(UTC).timestamp()
        return {"id": f"r{self.number}", "action": action, "attempt": self.widget.attempt, "sent": now, **more}

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Let a request arrive; the answer the page hears."""
        self.widget.request = {}
        self.widget.request = request
        return self.widget.status

    def change(self, value: Any, item: str = ESSAY_ITEM) -> dict[str, Any]:
        made = datetime.now(UTC).timestamp()
        return self.request("save", changes={item: value}, made={item: made})


class Desk:
    """A learner's exchange and lesson, and a grader's hand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = folder / "exchange"
        for name in ("inbound", "feedback", f"outbound/{MODULE.id}"):
            (root / COURSE.id / name).mkdir(parents=True)
        (root / COURSE.id / "outbound" / MODULE.id / "lesson.json").write_bytes(lesson_bytes(LESSON))
        (root / COURSE.id / "outbound" / MODULE.id / f"{MODULE.id}.ipynb").write_text("{}")
        self.exchange = Exchange(ExchangeSettings(root, COURSE.id, "amy", folder / "cache"))
        self.exchange.fetch(MODULE.id, folder / "home")
        self.lesson = LiveLesson(folder / "home", self.exchange, "amy")
        self.passed = timedelta(0)
        monkeypatch.setattr(live, "utc_now", lambda: datetime.now(UTC) + self.passed)
        self.lesson.store._clock = lambda: datetime.now(UTC) + self.passed

    def wait(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)

    def device(self, block: str) -> Device:
        return Device(self.lesson, block)

    def saved(self, item: str = ESSAY_ITEM) -> Any:
        return self.lesson.store.read().answers[item].value

    def grade(self) -> None:
        sent = self.exchange.submissions(MODULE.id)[-1]
        drawn = tuple(self.lesson.state(EXAM).block["items"])
        fields: dict[str, Any] = {
            "attempt": self.lesson.state(EXAM).attempt,
            "attempts": 3,
            "score": 40,
            "counted": 40,
            "points": 80,
        }
        fields |= {"keep": "最高", "passed": False, "final": False, "revealed": False, "seen": drawn, "drawn": drawn}
        when = sent.submitted_at.isoformat()
        result = ResultFile(
            course=COURSE.id,
            module=MODULE.id,
            edition=LESSON.edition,
            submitted_at=when,
            graded_at=when,
            score=40,
            max_score=100,
            state="已评分",
            quizzes={EXAM: QuizResult.model_validate(fields)},
        )
        (self.exchange.root / COURSE.id / "feedback" / sent.result).write_text(result.model_dump_json(by_alias=True))
        self.lesson.look(exchange=True)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_a_change_made_out_of_reach_gives_way_to_a_later_one_and_the_page_hears_of_it(desk: Desk) -> None:
    phone, computer = desk.device(ESSAY), desk.device(ESSAY)
    on_the_way = phone.change("地铁里写的")
    desk.wait(60)
    assert computer.ask(computer.request("save", changes={ESSAY_ITEM: "回家写的"}))["older"] == []
    desk.wait(60)
    answer = phone.ask(on_the_way)
    assert (answer["ok"], answer["older"]) == (True, [ESSAY_ITEM])
    assert desk.saved() == phone.widget.answers[ESSAY_ITEM] == "回家写的"


def test_a_later_change_made_out_of_reach_wins_when_it_comes(desk: Desk) -> None:
    phone, computer = desk.device(ESSAY), desk.device(ESSAY)
    computer.ask(computer.change("先写的"))
    later = phone.request("save", changes={ESSAY_ITEM: "后写的"}, made={ESSAY_ITEM: datetime.now(UTC).timestamp() + 30})
    desk.wait(600)
    assert phone.ask(later)["older"] == []
    assert desk.saved() == "后写的"


@pytest.mark.parametrize("made", [None, "yesterday", [1], {"x": "y"}, {ESSAY_ITEM: "now"}, {ESSAY_ITEM: float("nan")}])
def test_a_page_that_cannot_say_when_is_taken_to_mean_now(desk: Desk, made: Any) -> None:
    phone = desk.device(ESSAY)
    phone.ask(phone.change("一"))
    assert phone.ask(phone.request("save", changes={ESSAY_ITEM: "二"}, made=made))["ok"]
    assert desk.saved() == "二"


class TestSubmitting:
    def test_of_two_that_press_the_button_the_second_hands_nothing_in(self, desk: Desk) -> None:
        phone, computer = desk.device(EXAM), desk.device(EXAM)
        item = phone.widget.block["items"][0]
        phone.ask(phone.change("a", item))
        assert computer.ask(computer.request("submit"))["kind"] == "submitted"
        answer = phone.ask(phone.request("submit"))
        assert (answer["kind"], answer["text"]) == ("refused", "这次测验已经提交，请等待评分")
        assert len(desk.exchange.submissions(MODULE.id)) == 1
        assert phone.widget.phase == computer.widget.phase == "submitted"

    def test_a_button_pressed_out_of_reach_does_not_hand_in_the_next_attempt(self, desk: Desk) -> None:
        phone, computer = desk.device(EXAM), desk.device(EXAM)
        pressed = phone.request("submit")
        computer.ask(computer.request("submit"))
        desk.grade()
        assert computer.ask(computer.request("retake"))["ok"]
        answer = phone.ask(pressed)
        assert (answer["kind"], answer["text"]) == ("refused", live._TOO_LATE)
        assert len(desk.exchange.submissions(MODULE.id)) == 1
        assert (phone.widget.phase, phone.widget.attempt) == ("open", 2)

    def test_a_button_pressed_long_ago_does_nothing(self, desk: Desk) -> None:
        phone = desk.device(ESSAY)
        phone.ask(phone.change("一件小事"))
        pressed = phone.request("submit")
        desk.wait(live._LATEST + 1)
        assert phone.ask(pressed)["kind"] == "refused"
        assert desk.exchange.submissions(MODULE.id) == ()
        # In time it does, however the message was delayed.
        pressed = phone.request("submit", sent=datetime.now(UTC).timestamp() + desk.passed.total_seconds() - 10)
        assert phone.ask(pressed)["kind"] == "submitted"

    def test_nothing_of_an_attempt_that_was_handed_in_gets_into_the_next(self, desk: Desk) -> None:
        phone, computer = desk.device(EXAM), desk.device(EXAM)
        item = phone.widget.block["items"][0]
        on_the_way = phone.change("a", item)
        computer.ask(computer.request("submit"))
        desk.grade()
        computer.ask(computer.request("retake"))
        again = computer.widget.block["items"][0]
        on_the_way["changes"] = {again: "a"}
        answer = phone.ask(on_the_way)
        assert (answer["kind"], answer["text"]) == ("refused", "这次测验已经提交，不能再改答案")
        assert again not in computer.widget.answers

    def test_another_attempt_asked_for_out_of_reach_does_not_clear_the_one_begun_since(self, desk: Desk) -> None:
        phone, computer = desk.device(EXAM), desk.device(EXAM)
        computer.ask(computer.request("submit"))
        desk.grade()
        pressed = phone.request("retake")
        computer.ask(computer.request("retake"))
        item = computer.widget.block["items"][0]
        computer.ask(computer.change("a", item))
        assert phone.ask(pressed)["kind"] == "refused"
        assert computer.widget.answers == {item: "a"}

    def test_a_reflection_that_arrives_after_the_submission_is_said_to_be_changed(self, desk: Desk) -> None:
        phone, computer = desk.device(ESSAY), desk.device(ESSAY)
        computer.ask(computer.change("在电脑上写的"))
        desk.wait(10)
        on_the_way = phone.request(
            "save",
            changes={ESSAY_ITEM: "在手机上改的"},
            made={ESSAY_ITEM: datetime.now(UTC).timestamp() + desk.passed.total_seconds()},
        )
        desk.wait(10)
        assert computer.ask(computer.request("submit", sent=None))["kind"] == "submitted"
        assert computer.widget.phase == "submitted"
        desk.wait(10)
        assert phone.ask(on_the_way)["older"] == []
        assert phone.widget.phase == computer.widget.phase == "open"
        assert computer.widget.context["changed"]


class TestComingBack:
    def test_a_page_that_was_out_of_reach_is_told_everything_again(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone = desk.device(EXAM)
        sent: list[Any] = []
        monkeypatch.setattr(phone.widget, "send_state", lambda key=None: sent.append(key))
        assert phone.ask(phone.request("look"))["ok"]
        told = [key for key in sent if isinstance(key, list)]
        assert {"phase", "result", "answers", "context", "status"} <= set(told[-1])
        # The code of the front end is long, and the page has it.
        assert "code" not in told[-1]

    def test_every_answer_carries_the_servers_clock(self, desk: Desk) -> None:
        phone = desk.device(ESSAY)
        before = datetime.now(UTC).timestamp()
        assert phone.widget.status["clock"] <= before
        assert before <= phone.ask(phone.change("x"))["clock"] <= datetime.now(UTC).timestamp()


def test_pages_that_ask_at_the_same_time_are_answered_one_after_another(desk: Desk) -> None:
    """The front end gives every page a thread of its own in the kernel."""
    devices = [desk.device(ESSAY) for _ in range(4)]
    texts = [[f"{n} {k}" for k in range(15)] for n in range(len(devices))]

    def write(device: Device, own: list[str]) -> None:
        for text in own:
            assert device.ask(device.change(text))["ok"]

    writers = [threading.Thread(target=write, args=pair) for pair in zip(devices, texts, strict=True)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    record = desk.lesson.store.read()
    assert record.revision == sum(map(len, texts))
    assert desk.lesson.answers == record
    assert {device.widget.answers[ESSAY_ITEM] for device in devices} == {record.answers[ESSAY_ITEM].value}
