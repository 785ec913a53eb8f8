"""The quiz front end in Chromium, hosted by a page of a few lines instead of a notebook.

Behind it stands the real widget, so what is asserted of saving and results holds for every host.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from qinlian.core.files import ReflectionResult
from qinlian.errors import StoreError
from qinlian.items.base import item_type
from qinlian.notebooks.publish import published_item
from qinlian.quiz.live import LiveLesson
from tests.e2e.classroom import DESKTOP, PHONE, browser, picture, violations
from tests.e2e.quiz_host import (
    ESSAY,
    ESSAY_ITEM,
    EXAM,
    LESSON,
    PRACTICE,
    Host,
    by_keyboard,
    drawn_items,
    hand_in,
    is_saved,
    key,
    revealed,
    some_answer,
)
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    context.close()


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    return Host(tmp_path, page)


# ---- answering without a mouse ----


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


@pytest.mark.parametrize("kind", PRACTICE)
def test_practice_is_judged_in_the_page_as_the_grader_would(host: Host, kind: str):
    dice = random.Random(kind)
    host.open()
    cases = []
    for rule in item_type(kind).rules:
        item = PRACTICE[kind].model_copy(update={"rule": rule})
        public = published_item(COURSE, item, IDS)
        for _ in range(60):
            value = some_answer(kind, public, dice)
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
    host.question(PRACTICE["判断"]).locator("input").first.check()
    expect(host.block("p1").locator(".ql-save")).to_have_text("正在保存…")
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


def test_a_refused_submission_says_why_and_can_be_sent_again_at_once(host: Host):
    host.open(EXAM, ESSAY)
    quiz, essay = host.block(EXAM), host.block(ESSAY)
    item = drawn_items(host)[0]
    by_keyboard(host.question(item), item)
    hand_in(host)
    host.refuse("提交的凭证不合规范，没有收；请在课程页面里重新提交")
    expect(quiz.locator(".ql-refused")).to_contain_text("最近一次提交没有收下")
    expect(quiz.locator(".ql-refused")).to_contain_text("提交的凭证不合规范")
    expect(essay.locator(".ql-refused")).to_contain_text("提交的凭证不合规范")
    expect(quiz.locator(".ql-voice")).to_have_text("提交没有收下，可以重新提交")
    expect(quiz.locator(".ql-score")).to_have_count(0)
    assert host.saved(item) == key(item)
    assert violations(host.page) == []
    picture(host.page, "quiz-refused")

    hand_in(host)
    expect(quiz.locator(".ql-refused")).to_have_count(0)
    host.grade()
    expect(quiz.locator(".ql-score")).to_contain_text("40 / 80 分")
    host.live.submit(ESSAY)
    host.refuse("提交的凭证不合规范，没有收；请在课程页面里重新提交")
    expect(quiz.locator(".ql-refused")).to_be_visible()
    expect(quiz.locator(".ql-score")).to_contain_text("40 / 80 分")
    expect(quiz.get_by_role("button", name="再做一次")).to_be_visible()


def test_nothing_is_promised_of_answers_that_no_due_date_will_open(host: Host):
    host.open(EXAM)
    hand_in(host)
    host.grade(final=True)
    expect(host.block(EXAM).locator(".ql-score")).to_be_visible()
    expect(host.block(EXAM)).not_to_contain_text("截止后公布")
    host.live.submit(ESSAY)
    host.push()
    expect(host.block(EXAM)).to_contain_text("新的提交正在评分")


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


def test_an_unwritten_reflection_is_not_called_a_change(host: Host):
    host.open(EXAM, ESSAY)
    for item in drawn_items(host):
        by_keyboard(host.question(item), item)
    hand_in(host)
    essay = host.block(ESSAY)
    expect(essay).to_contain_text("写好后提交，由老师评阅。")
    host.page.locator("textarea").fill("一件小事")
    is_saved(essay)
    expect(essay).to_contain_text("写好后提交，由老师评阅。")
    essay.get_by_role("button", name="提交心得").click()
    host.page.get_by_role("button", name="确认提交").click()
    expect(essay.locator(".ql-waiting")).to_be_visible()
    expect(essay.locator(".ql-state")).to_be_focused()
    host.page.locator("textarea").fill("一件小事，改过了")
    expect(essay).to_contain_text("改动还没有提交。")


def test_a_reflection_beyond_the_limit_says_so_and_keeps_the_text_on_the_page(host: Host):
    host.open(ESSAY)
    text, count = host.page.locator("textarea"), host.page.locator(".ql-words")
    text.fill("字" * 20_003)
    expect(count).to_have_text("连同空白 20003 字，超过 2 万字，超出的部分没有保存；请删减")
    expect(host.page.locator(".ql-voice")).to_have_text("超过 2 万字，超出的部分没有保存；请删减")
    is_saved(host.block(ESSAY))
    assert host.live.store.read().answers[ESSAY_ITEM].value == "字" * 20_000
    assert len(text.input_value()) == 20_003
    host.block(ESSAY).get_by_role("button", name="提交心得").click()
    expect(host.block(ESSAY).get_by_role("alert")).to_contain_text("心得太长，删减后再提交。")
    assert host.exchange.submissions(MODULE.id) == ()
    assert violations(host.page) == []
    text.fill("字" * 500)
    expect(count).to_have_text("500 字，建议 50—800 字")


def test_graded_questions_taken_out_of_the_course_are_accounted_for(host: Host):
    host.open(EXAM)
    hand_in(host)
    host.grade(drawn=(*host.live.state(EXAM).block["items"], "taken-out"))
    expect(host.block(EXAM)).to_contain_text("有 1 题已从课程中撤下，不再显示，成绩不变。")


@pytest.mark.parametrize("clicks", [1, 2])
def test_handing_in_leads_to_what_became_of_it_and_hits_nothing_below(host: Host, clicks: int):
    host.open(EXAM)
    quiz = host.block(EXAM)
    before = host.live.store.read().answers
    quiz.get_by_role("button", name="提交测验").click()
    host.page.evaluate("window.hits = []; addEventListener('mousedown', (e) => hits.push(e.target.textContent))")
    host.page.get_by_role("button", name="确认提交").click(click_count=clicks, delay=20)
    expect(quiz.locator(".ql-waiting")).to_be_in_viewport()
    expect(quiz.locator(".ql-state")).to_be_focused()
    assert host.page.evaluate("hits") == ["确认提交"]
    assert host.live.store.read().answers == before


def test_times_are_those_of_beijing_wherever_the_browser_is(chromium: Browser, tmp_path: Path):
    context = chromium.new_context(timezone_id="America/New_York")
    host = Host(tmp_path, context.new_page())
    host.open(EXAM)
    hand_in(host)
    sent = host.exchange.submissions(MODULE.id)[-1].submitted_at.astimezone(timezone(timedelta(hours=8)))
    expect(host.block(EXAM).locator(".ql-waiting")).to_contain_text(f"{sent.month}月{sent.day}日 {sent:%H:%M}")
    context.close()


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
    # Colours half-way through a transition are nobody's choice.
    host.page.evaluate("Promise.allSettled(document.getAnimations().map((a) => a.finished))")
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
    radios = host.page.locator("fieldset:has(input[type=radio])")
    names = radios.evaluate_all("all => all.map(f => f.querySelector('input').name)")
    assert len(names) == len(set(names)) > 1
