"""Handing in quiz and reflection in Chromium, and what the page says of what came back.

Behind it stands the real widget, so what is asserted of results holds for every host.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from qinlian.core.files import ReflectionResult
from tests.e2e.classroom import picture, violations
from tests.e2e.quiz_host import (
    ESSAY,
    ESSAY_ITEM,
    EXAM,
    Host,
    by_keyboard,
    drawn_items,
    hand_in,
    is_saved,
    key,
    revealed,
)
from tests.sample import IDS, MODULE

pytestmark = pytest.mark.e2e


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
