"""A page of a few lines that hosts the quiz, over the real widget, answer file and exchange."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from qinlian.core.files import ItemResult, LessonFile, QuizResult, ResultFile
from qinlian.core.model import Item
from qinlian.items.base import item_type
from qinlian.notebooks.markdown import render, render_inline
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson
from qinlian.quiz.widget import QuizWidget
from tests.e2e.classroom import DESKTOP
from tests.sample import COURSE, IDS, MODULE, REFLECTION

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "qinlian" / "quiz" / "static"
LESSON: LessonFile = publish(COURSE, MODULE, IDS)
EXAM, ESSAY = "90-exam", REFLECTION.id
ESSAY_ITEM = LESSON.block(ESSAY).items[0]
PRACTICE = {item.kind: item for item in MODULE.items if item.use == "练习"}
TRAITS = ("block", "items", "answers", "notes", "result", "attempt", "phase", "context", "status")


class Host:
    """The lesson's folder, its exchange, and one widget a block shown on ``page``."""

    def __init__(self, folder: Path, page: Page, lesson: LessonFile = LESSON, letterbox: str = "") -> None:
        root = folder / "exchange"
        for name in ("inbound", "feedback", f"outbound/{lesson.module}"):
            (root / lesson.course / name).mkdir(parents=True)
        (root / lesson.course / "outbound" / lesson.module / "lesson.json").write_bytes(lesson_bytes(lesson))
        (root / lesson.course / "outbound" / lesson.module / f"{lesson.module}.ipynb").write_text("{}")
        self.exchange = Exchange(ExchangeSettings(root, lesson.course, "amy", folder / "cache", letterbox=letterbox))
        self.folder = folder / "home"
        self.exchange.fetch(lesson.module, self.folder)
        self.page = page
        self.live = LiveLesson(self.folder, self.exchange, "amy")
        self.widgets: dict[str, QuizWidget] = {}
        self.requests: list[dict[str, Any]] = []
        self.answering = True
        page.expose_function("host", self._ask)
        page.route("http://lesson.test/**", _serve)

    def open(self, *blocks: str) -> None:
        """Open the page anew, as a reload does, and show these blocks."""
        self.page.goto("http://lesson.test/")
        self.page.wait_for_function("window.ready")
        self.widgets = {}
        for block in blocks:
            self.widgets[block] = QuizWidget(self.live, block)
            self.page.evaluate("traits => window.show(traits)", self._traits(block))

    def push(self) -> None:
        """What the watch over the files does: look, and let every block know."""
        self.live.look(exchange=True)
        for block in self.widgets:
            self.page.evaluate("([b, t]) => window.blocks[b].model.receive(t)", [block, self._traits(block)])

    def answer_at_last(self, block: str) -> None:
        """Carry out the request that was left waiting."""
        self.answering = True
        self.widgets[block].request = self.requests[-1]
        self.page.evaluate("([b, t]) => window.blocks[b].model.receive(t)", [block, self._traits(block)])

    def asked(self, action: str) -> list[dict[str, Any]]:
        """The requests of this kind that a block has made."""
        return [request for request in self.requests if request["action"] == action]

    def block(self, block_id: str) -> Locator:
        return self.page.locator(f"#block-{block_id}")

    def question(self, item: Item) -> Locator:
        return self.page.locator("fieldset.ql-item").filter(has=self.page.locator(f"[id$='-{IDS.of(item.id)}-stem']"))

    def saved(self, item: Item) -> Any:
        answer = self.live.store.read().answers.get(IDS.of(item.id))
        return answer.value if answer else None

    def grade(self, **more: Any) -> None:
        """Write a result of the newest submission as the grader would."""
        submission = self.exchange.submissions(MODULE.id)[-1]
        drawn = tuple(self.live.state(EXAM).block["items"])
        fields = {"attempt": 1, "attempts": 3, "score": 40, "counted": 40, "points": 80, "keep": "最高"}
        fields |= {"passed": False, "final": False, "revealed": False, "seen": drawn, "drawn": drawn}
        reflection = more.pop("reflection", None)
        when = more.pop("submitted_at", submission.submitted_at.isoformat())
        notes = more.pop("notes", ())
        result = ResultFile(
            course=COURSE.id,
            module=MODULE.id,
            edition=LESSON.edition,
            submitted_at=when,
            graded_at=submission.submitted_at.isoformat(),
            score=40,
            max_score=100,
            state="已评分",
            notes=notes,
            quizzes={EXAM: QuizResult.model_validate(fields | more)},
            reflections={ESSAY_ITEM: reflection} if reflection else {},
        )
        path = self.exchange.root / COURSE.id / "feedback" / submission.result
        path.write_text(result.model_dump_json(by_alias=True), encoding="utf-8")
        self.push()

    def refuse(self, why: str) -> None:
        """Write what the grader says of a newest submission that it does not take."""
        submission = self.exchange.submissions(MODULE.id)[-1]
        when = submission.submitted_at.isoformat()
        fields = {"course": COURSE.id, "module": MODULE.id, "edition": "", "submitted_at": when, "graded_at": when}
        said = ResultFile.model_validate(fields | {"score": 0, "max_score": 100, "state": "拒收", "notes": (why,)})
        path = self.exchange.root / COURSE.id / "feedback" / submission.result
        path.write_text(said.model_dump_json(by_alias=True), encoding="utf-8")
        self.push()

    def _traits(self, block: str) -> dict[str, Any]:
        return {name: getattr(self.widgets[block], name) for name in TRAITS} | {"request": {}}

    def _ask(self, block: str, request: dict[str, Any]) -> dict[str, Any] | None:
        self.requests.append(request)
        if not self.answering or request["action"] == "bye":
            return None
        self.widgets[block].request = request
        return {name: getattr(self.widgets[block], name) for name in TRAITS}


def _serve(route: Any) -> None:
    name = route.request.url.rsplit("/", 1)[-1]
    path = HERE / "quiz_page.html" if not name else STATIC / name
    if path.is_file():
        route.fulfill(path=path)
    else:
        route.fulfill(status=404)


def key(item: Item) -> Any:
    return item_type(item.kind).key(item, IDS)


def is_saved(root: Locator) -> None:
    expect(root.locator(".ql-save")).to_have_attribute("data-state", "saved")
    expect(root.locator(".ql-save")).to_have_text(re.compile(r"已保存 \d\d:\d\d"))


def by_keyboard(question: Locator, item: Item) -> None:
    """Give the right answer with the keys alone."""
    press = question.page.keyboard.press
    right = key(item)
    if item.kind in ("单选", "判断"):
        place = question.locator("input").evaluate_all("(all, id) => all.findIndex(i => i.value === id)", right)
        question.locator("input").first.focus()
        press("Space")
        for _ in range(place):
            press("ArrowDown")
    elif item.kind == "多选":
        for box in question.locator("input").all():
            if box.get_attribute("value") in right:
                box.focus()
                press("Space")
    elif item.kind == "填空":
        question.locator("input").first.focus()
        for text in right.values():
            question.page.keyboard.insert_text(text)
            press("Tab")
    elif item.kind == "排序":
        words = {IDS.of(item.id, e.letter): e.text for e in item.elements}
        for place, step in enumerate(right):
            order = question.locator(".ql-step .ql-option-text").all_inner_texts()
            question.locator(".ql-step").nth(order.index(words[step])).get_by_role("button").first.focus()
            for _ in range(order.index(words[step]) - place):
                press("Enter")
        if question.get_by_role("button", name="就按这个次序").is_visible():
            question.get_by_role("button", name="就按这个次序").press("Enter")
    elif item.kind == "配对":
        for row in question.locator("select").all():
            left = row.evaluate("s => document.getElementById(s.getAttribute('aria-labelledby')).textContent")
            pair = next(e for e in item.elements if e.text.startswith(left))
            row.focus()
            wanted = right[IDS.of(item.id, pair.letter)]
            for _ in range(row.locator("option").count()):
                if row.input_value() != wanted:
                    press("ArrowDown")


def some_answer(kind: str, public: dict[str, Any], dice: random.Random) -> Any:
    """Any answer a learner could give."""
    if kind in ("单选", "判断"):
        return dice.choice(public["options"])["id"]
    if kind == "多选":
        return sorted(dice.sample([o["id"] for o in public["options"]], dice.randint(1, len(public["options"]))))
    if kind == "填空":
        texts = ("一个月", " 1 个月。", "１个月", "登记", "DENGJI", "", "登 记.")
        return {blank: dice.choice(texts) for blank in public["blanks"]}
    if kind == "排序":
        return dice.sample([o["id"] for o in public["options"]], len(public["options"]))
    return {left["id"]: dice.choice(public["right"])["id"] for left in public["left"] if dice.random() < 0.8}


def drawn_items(host: Host) -> list[Item]:
    """The items of the quiz as shown, in order."""
    by_public = {IDS.of(item.id): item for item in MODULE.items}
    return [by_public[public] for public in host.live.state(EXAM).block["items"]]


def hand_in(host: Host) -> None:
    """Submit the quiz and confirm."""
    host.block(EXAM).get_by_role("button", name="提交测验").click()
    host.page.get_by_role("button", name="确认提交").click()
    expect(host.block(EXAM).locator(".ql-waiting")).to_contain_text("已提交")


def revealed(host: Host, item: Item, fraction: float, value: Any) -> ItemResult:
    """What the grader publishes of one item."""
    kind = item_type(item.kind)
    return ItemResult(
        item=IDS.of(item.id),
        answered=value is not None,
        fraction=fraction,
        value=value,
        key=key(item),
        feedback={pid: render_inline(text) for pid, text in kind.feedback(item, IDS).items()},
        explanation=render(item.explanation),
        citations=item.citations,
    )


@contextmanager
def faultless_page(chromium: Browser) -> Iterator[Page]:
    """A page in which no script may have failed by the end."""
    context = chromium.new_context(viewport=DESKTOP, locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == [], errors
    context.close()
