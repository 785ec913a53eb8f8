"""The quiz front end in Chromium, hosted by a page of a few lines instead of a notebook.

Behind the page stands the real widget over the real answer file and exchange, so what is asserted
here of saving, submitting and results holds for every host.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from qinlian.core.files import ItemResult, LessonFile, QuizResult, ReflectionResult, ResultFile
from qinlian.core.model import Item
from qinlian.errors import StoreError
from qinlian.items.base import item_type
from qinlian.notebooks.markdown import render, render_inline
from qinlian.notebooks.publish import lesson_bytes, publish, published_item
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson
from qinlian.quiz.widget import QuizWidget
from tests.e2e.classroom import DESKTOP, PHONE, browser, picture, violations
from tests.sample import COURSE, IDS, MODULE, REFLECTION

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "qinlian" / "quiz" / "static"
LESSON: LessonFile = publish(COURSE, MODULE, IDS)
EXAM, ESSAY = "90-exam", REFLECTION.id
ESSAY_ITEM = LESSON.block(ESSAY).items[0]
PRACTICE = {item.kind: item for item in MODULE.items if item.use == "练习"}
TRAITS = ("block", "items", "answers", "result", "attempt", "phase", "context", "status")


class Host:
    """The lesson's folder, its exchange, and one widget a block shown on ``page``."""

    def __init__(self, folder: Path, page: Page) -> None:
        root = folder / "exchange"
        for name in ("inbound", "feedback", f"outbound/{MODULE.id}"):
            (root / COURSE.id / name).mkdir(parents=True)
        (root / COURSE.id / "outbound" / MODULE.id / "lesson.json").write_bytes(lesson_bytes(LESSON))
        (root / COURSE.id / "outbound" / MODULE.id / f"{MODULE.id}.ipynb").write_text("{}")
        self.exchange = Exchange(ExchangeSettings(root, COURSE.id, "amy", folder / "cache"))
        self.folder = folder / "home"
        self.exchange.fetch(MODULE.id, self.folder)
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
        result = ResultFile(
            course=COURSE.id,
            module=MODULE.id,
            edition=LESSON.edition,
            submitted_at=submission.submitted_at.isoformat(),
            graded_at=submission.submitted_at.isoformat(),
            score=40,
            max_score=100,
            state="已评分",
            quizzes={EXAM: QuizResult.model_validate(fields | more)},
            reflections={ESSAY_ITEM: reflection} if reflection else {},
        )
        path = self.exchange.root / COURSE.id / "feedback" / submission.result
        path.write_text(result.model_dump_json(by_alias=True), encoding="utf-8")
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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, locale="zh-CN", timezone_id="Asia/Shanghai")  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    context.close()


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    return Host(tmp_path, page)


def key(item: Item) -> Any:
    return item_type(item.kind).key(item, IDS)


def is_saved(root: Locator) -> None:
    expect(root.locator(".ql-save")).to_have_attribute("data-state", "saved")
    expect(root.locator(".ql-save")).to_have_text(re.compile(r"已保存 \d\d:\d\d"))


# ---- answering without a mouse ----


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


@pytest.mark.parametrize("kind", PRACTICE)
def test_every_type_is_answered_by_keyboard_alone(host: Host, kind: str):
    item = PRACTICE[kind]
    host.open(next(b.id for b in LESSON.blocks if IDS.of(item.id) in b.items))
    question = host.question(item)
    by_keyboard(question, item)
    question.get_by_role("button", name="查看解析").press("Enter")
    expect(question.locator(".ql-verdict")).to_have_text(re.compile("答对了"))
    expect(question.locator(".ql-explain")).to_contain_text("解析")
    expect(question.locator(".ql-cite")).to_contain_text("《中国共产党纪律处分条例》第九十七条第一款")
    expect(host.page.locator(".ql-voice").filter(has_text="答对了")).to_have_count(1)
    is_saved(host.page.locator(".ql-root"))
    assert host.saved(item) == key(item)


def test_a_reflection_is_typed_and_counted(host: Host):
    host.open(ESSAY)
    text = host.page.locator("textarea")
    text.focus()
    host.page.keyboard.insert_text("一件拿不准的小事。\n第二段。")
    expect(host.page.locator(".ql-words")).to_contain_text("13 字，建议 50—800 字，还差一些")
    is_saved(host.block(ESSAY))
    assert host.live.store.read().answers[ESSAY_ITEM].value == "一件拿不准的小事。\n第二段。"


def test_moving_a_step_keeps_the_focus_and_says_where_it_went(host: Host):
    host.open("p1")
    question = host.question(PRACTICE["排序"])
    words = question.locator(".ql-option-text").first.inner_text()
    question.get_by_role("button", name=f"下移“{words}”").press("Enter")
    expect(question.get_by_role("button", name=f"下移“{words}”，现在第 2 位")).to_be_focused()
    expect(host.page.locator(".ql-voice")).to_have_text(f"“{words}”移到第 2 位，共 3 位")
    host.page.keyboard.press("ArrowDown")
    expect(host.page.locator(".ql-voice")).to_have_text(f"“{words}”移到第 3 位，共 3 位")
    host.page.keyboard.press("ArrowDown")
    expect(host.page.locator(".ql-voice")).to_have_text(f"“{words}”已经在最后")


def test_blanks_stand_in_the_sentence_and_are_named(host: Host):
    host.open("p1")
    question = host.question(PRACTICE["填空"])
    expect(question.get_by_role("textbox")).to_have_count(2)
    expect(question.get_by_role("textbox").nth(1)).to_have_attribute(
        "aria-label", "第 2 空：收到后（空）内，应当（空）。"
    )
    assert "____" not in question.inner_text()


# ---- practice ----


def test_practice_tells_right_from_wrong_for_each_option_and_can_be_tried_again(host: Host):
    host.open("p1")
    item = PRACTICE["多选"]
    question = host.question(item)
    look = question.get_by_role("button", name="查看解析")
    look.click()
    expect(question.locator(".ql-bar-hint")).to_have_text("先作答，再看解析")
    expect(question.locator(".ql-outcome")).to_be_hidden()
    row = question.locator(".ql-choice")
    row.filter(has_text="登记").locator("input").check()
    look.click()
    expect(question.locator(".ql-verdict")).to_contain_text("部分答对，得 33%")
    expect(row.filter(has_text="登记").locator(".ql-mark")).to_have_text("选对了")
    expect(row.filter(has_text="退回").locator(".ql-mark")).to_have_text("应选")
    expect(row.filter(has_text="退回").locator(".ql-feedback")).to_contain_text("反馈D")
    expect(row.filter(has_text="隐瞒").locator(".ql-feedback")).to_be_hidden()
    question.get_by_role("button", name="再做一次").click()
    expect(question.locator(".ql-outcome")).to_be_hidden()
    row.filter(has_text="隐瞒").locator("input").check()
    question.get_by_role("button", name="查看解析").click()
    expect(question.locator(".ql-verdict")).to_contain_text("答错了")
    expect(row.filter(has_text="隐瞒").locator(".ql-mark")).to_have_text("不该选")


def _some_answer(kind: str, public: dict[str, Any], dice: random.Random) -> Any:
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


@pytest.mark.parametrize("kind", PRACTICE)
def test_practice_is_judged_in_the_page_as_the_grader_would(host: Host, kind: str):
    dice = random.Random(kind)
    host.open()
    cases = []
    for rule in item_type(kind).rules:
        item = PRACTICE[kind].model_copy(update={"rule": rule})
        public = published_item(COURSE, item, IDS)
        for _ in range(60):
            value = _some_answer(kind, public, dice)
            if value:
                cases.append((item, public, value))
    found = host.page.evaluate(
        "async cases => { const { views } = await import('/quiz.js');"
        " return cases.map(([item, value]) => views[item.kind].judge(item, value)); }",
        [[public, value] for _, public, value in cases],
    )
    expected = [item_type(kind).score(item, IDS, value, item.rule) for item, _, value in cases]
    assert found == pytest.approx(expected)
    assert len(set(expected)) > 1


# ---- saving ----


def test_an_answer_is_on_disk_before_the_page_says_so(host: Host):
    host.open("p1")
    host.answering = False
    line = host.block("p1").locator(".ql-save")
    host.question(PRACTICE["判断"]).locator("input").first.check()
    expect(line).to_have_text("未保存…")
    expect(line).to_have_text("正在保存…")
    assert host.saved(PRACTICE["判断"]) is None


def test_a_save_that_is_never_answered_is_loud_and_kept_for_the_next_page(host: Host):
    host.page.clock.install()
    host.open("p1")
    host.answering = False
    item = PRACTICE["判断"]
    host.question(item).locator("input").first.check()
    host.page.clock.run_for(7000)
    alarm = host.block("p1").get_by_role("alert")
    expect(alarm).to_contain_text("保存失败")
    expect(alarm).to_contain_text("答案暂存在这个页面里")
    assert host.saved(item) is None

    host.answering = True
    host.open("p1")
    host.page.clock.run_for(1000)
    expect(host.question(item).locator("input").first).to_be_checked()
    assert host.saved(item) is not None
    assert host.page.evaluate("sessionStorage.length") == 0


def test_a_refused_write_says_why_and_is_tried_again(host: Host, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any) -> None:
        raise StoreError("磁盘空间不足，答案没有保存；请联系管理员")

    host.open("p1")
    save = LiveLesson.save
    monkeypatch.setattr(LiveLesson, "save", full)
    host.question(PRACTICE["判断"]).locator("input").first.check()
    expect(host.block("p1").get_by_role("alert")).to_contain_text("磁盘空间不足")
    monkeypatch.setattr(LiveLesson, "save", save)
    host.block("p1").get_by_role("button", name="重新保存").click()
    is_saved(host.block("p1"))
    expect(host.block("p1").get_by_role("alert")).to_be_empty()


def test_what_changed_while_a_save_was_under_way_is_saved_too(host: Host):
    host.open("p1")
    host.answering = False
    first, second = host.question(PRACTICE["判断"]), host.question(PRACTICE["多选"])
    first.locator("input").first.check()
    expect(host.block("p1").locator(".ql-save")).to_have_text("正在保存…")
    second.locator("input").first.check()
    host.answer_at_last("p1")
    is_saved(host.block("p1"))
    assert host.saved(PRACTICE["判断"]) is not None
    assert host.saved(PRACTICE["多选"]) is not None


def test_typing_is_saved_when_it_pauses_and_at_once_when_the_field_is_left(host: Host):
    host.page.clock.install()
    host.open(ESSAY)
    host.page.locator("textarea").focus()
    host.page.keyboard.insert_text("一")
    host.page.clock.run_for(300)
    host.page.keyboard.insert_text("二")
    host.page.clock.run_for(700)
    assert host.requests == []
    host.page.locator("textarea").blur()
    host.page.clock.run_for(10)
    assert [r["changes"] for r in host.requests] == [{ESSAY_ITEM: "一二"}]


def test_a_change_from_another_page_appears_without_taking_the_focus(host: Host):
    host.open("p1", ESSAY)
    host.page.locator("textarea").focus()
    other = LiveLesson(host.folder, host.exchange, "amy")
    other.save(ESSAY, {ESSAY_ITEM: "另一页写的"}, {})
    other.save("p1", {IDS.of(PRACTICE["填空"].id): {IDS.of(PRACTICE["填空"].id, "A"): "一个月"}}, {})
    host.push()
    expect(host.page.locator("textarea")).to_have_value("另一页写的")
    expect(host.page.locator("textarea")).to_be_focused()
    expect(host.question(PRACTICE["填空"]).locator("input").first).to_have_value("一个月")
    expect(host.block(ESSAY).locator(".ql-save")).to_contain_text("已按另一页面的修改更新")


def test_what_is_being_typed_is_not_overwritten_by_another_page(host: Host):
    host.page.clock.install()
    host.open(ESSAY)
    host.page.locator("textarea").focus()
    host.page.keyboard.insert_text("正在写")
    LiveLesson(host.folder, host.exchange, "amy").save(ESSAY, {ESSAY_ITEM: "另一页写的"}, {})
    host.push()
    expect(host.page.locator("textarea")).to_have_value("正在写")
    host.page.clock.run_for(1000)
    assert host.live.store.read().answers[ESSAY_ITEM].value == "正在写"


# ---- the graded quiz ----


def drawn_items(host: Host) -> list[Item]:
    by_public = {IDS.of(item.id): item for item in MODULE.items}
    return [by_public[public] for public in host.live.state(EXAM).block["items"]]


def test_handing_in_with_blanks_asks_first_and_leads_to_them(host: Host):
    host.open(EXAM, ESSAY)
    quiz = host.block(EXAM)
    expect(quiz.locator(".ql-progress")).to_have_text("已答 0/6")
    expect(quiz.locator(".ql-facts")).to_contain_text("48 分")
    expect(quiz.locator(".ql-facts")).to_contain_text("共 3 次，这是第 1 次，成绩按最高一次计")
    first, *_, last = drawn_items(host)
    by_keyboard(host.question(first), first)
    expect(quiz.locator(".ql-progress")).to_have_text("已答 1/6")
    quiz.get_by_role("button", name="提交测验").press("Enter")
    dialog = host.page.get_by_role("dialog", name="提交测验？")
    expect(dialog).to_contain_text("还有 5 题没有答完")
    expect(dialog).to_contain_text("心得还没有写")
    expect(dialog.get_by_role("button", name="第 1 题")).to_have_count(0)
    dialog.get_by_role("button", name="第 6 题").press("Enter")
    expect(dialog).to_have_count(0)
    assert host.question(last).evaluate("e => e.contains(document.activeElement)")
    quiz.get_by_role("button", name="提交测验").press("Enter")
    host.page.keyboard.press("Escape")
    expect(quiz.get_by_role("button", name="提交测验")).to_be_focused()
    assert host.exchange.submissions(MODULE.id) == ()


def hand_in(host: Host) -> None:
    host.block(EXAM).get_by_role("button", name="提交测验").click()
    host.page.get_by_role("button", name="确认提交").click()
    expect(host.block(EXAM).locator(".ql-waiting")).to_contain_text("已提交")


def test_the_result_appears_by_itself_and_another_attempt_begins_afresh(host: Host):
    host.open(EXAM)
    quiz = host.block(EXAM)
    for item in drawn_items(host):
        by_keyboard(host.question(item), item)
    expect(quiz.locator(".ql-progress")).to_have_text("已答 6/6")
    hand_in(host)
    expect(quiz.locator("input:not(:disabled):not([readonly])")).to_have_count(0)
    expect(quiz.get_by_role("button", name="提交测验")).to_be_hidden()
    handed_in = host.exchange.submissions(MODULE.id)[0].answers
    assert handed_in is not None
    assert {IDS.of(i.id): key(i) for i in drawn_items(host)} == {k: a.value for k, a in handed_in.answers.items()}

    host.grade(topics=("礼品礼金",))
    expect(quiz.locator(".ql-score")).to_contain_text("40 / 80 分")
    expect(quiz.locator(".ql-score")).to_contain_text("未及格（及格线 48 分）")
    expect(quiz.locator(".ql-topics")).to_contain_text("礼品礼金")
    expect(quiz.locator(".ql-voice")).to_contain_text("成绩出来了：40 分")
    expect(quiz.locator(".ql-outcome:visible")).to_have_count(0)
    old = quiz.locator(".ql-stem").all_inner_texts()

    quiz.get_by_role("button", name="再做一次").click()
    host.page.get_by_role("button", name="开始").click()
    expect(quiz.locator(".ql-progress")).to_have_text("已答 0/6")
    expect(quiz.locator(".ql-last")).to_contain_text("上一次（第 1 次）得 40 分")
    assert not set(old) & set(quiz.locator(".ql-stem").all_inner_texts())


def revealed(host: Host, item: Item, fraction: float, value: Any) -> ItemResult:
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


def test_a_revealed_result_shows_each_item_with_key_explanation_and_citation(host: Host):
    host.open(EXAM)
    items = drawn_items(host)
    for item in items[:3]:
        by_keyboard(host.question(item), item)
    hand_in(host)
    right = [revealed(host, item, 1.0, key(item)) for item in items[:3]]
    blank = [revealed(host, item, 0.0, None) for item in items[3:]]
    host.grade(score=80, counted=80, passed=True, final=True, revealed=True, items=(*right, *blank))
    verdicts = host.block(EXAM).locator(".ql-verdict")
    expect(verdicts).to_have_text([re.compile("答对了")] * 3 + [re.compile("没有作答")] * 3)
    expect(host.block(EXAM).locator(".ql-cite")).to_have_count(6)
    expect(host.block(EXAM).get_by_role("button", name="再做一次")).to_have_count(0)
    assert violations(host.page) == []
    picture(host.page, "quiz-revealed")


def test_a_reflection_waits_and_then_shows_mark_and_comment_as_text(host: Host):
    host.open(ESSAY)
    host.page.locator("textarea").fill("<img src=x onerror=alert(1)> 一件小事")
    host.page.get_by_role("button", name="提交心得").click()
    host.page.get_by_role("button", name="确认提交").click()
    expect(host.block(ESSAY).locator(".ql-waiting")).to_contain_text("待评阅")
    comment = "写得实。<b onclick=alert(1)>再具体些</b>"
    host.grade(reflection=ReflectionResult(state="已评阅", score=17, points=20, comment=comment))
    expect(host.block(ESSAY).locator(".ql-comment")).to_have_text(comment)
    expect(host.block(ESSAY).locator(".ql-points")).to_have_text("17 / 20 分")
    assert host.page.locator("img, .ql-comment b").count() == 0
    host.page.locator("textarea").fill("改过了")
    is_saved(host.block(ESSAY))
    expect(host.page.get_by_role("button", name="提交心得")).to_be_visible()


# ---- every page ----


def show_everything(host: Host) -> None:
    host.open(*(b.id for b in LESSON.blocks))
    for kind in ("多选", "判断", "填空", "排序", "配对"):
        by_keyboard(host.question(PRACTICE[kind]), PRACTICE[kind])
    host.question(PRACTICE["多选"]).get_by_role("button", name="查看解析").click()
    wrong = host.question(PRACTICE["判断"])
    wrong.locator("input").first.check()
    wrong.get_by_role("button", name="查看解析").click()
    for root in host.page.locator(".ql-root").all():
        expect(root.locator(".ql-save")).not_to_have_attribute("data-state", "saving")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1366", "390"])
def test_axe_finds_nothing_serious_and_nothing_runs_over_the_edge(host: Host, theme: str, size: dict[str, int]):
    host.page.set_viewport_size(size)  # type: ignore[arg-type]
    show_everything(host)
    host.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert violations(host.page) == []
    assert host.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(host.page, f"quiz-page-{theme}")


def test_the_dialog_is_accessible(host: Host):
    host.open(EXAM)
    host.block(EXAM).get_by_role("button", name="提交测验").click()
    assert violations(host.page) == []
    picture(host.page, "quiz-dialog")


def test_every_control_keeps_its_keys_from_the_notebook_and_is_large_enough_to_touch(host: Host):
    host.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    show_everything(host)
    controls = host.page.locator(".ql-root :is(button, input, select, textarea)")
    assert controls.count() > 40
    assert controls.evaluate_all("all => all.filter(c => !c.hasAttribute('data-lm-suppress-shortcuts')).length") == 0
    small = controls.evaluate_all(
        "all => all.map(c => (c.closest('label') ?? c).getBoundingClientRect())"
        ".filter(r => r.height && (r.height < 43.5 || r.width < 43.5)).length"
    )
    assert small == 0


def test_two_blocks_on_one_page_never_share_a_group(host: Host):
    host.open("p1", EXAM)
    names = host.page.locator("fieldset").evaluate_all(
        "all => all.map(f => f.querySelector('input[type=radio]')?.name).filter(Boolean)"
    )
    assert len(names) == len(set(names)) > 1
    assert host.page.locator(".ql-root").evaluate_all("all => all.every(r => r.lang === 'zh-CN')")
