"""Answering and practising in the quiz front end in Chromium, hosted by a page of a few lines instead of a notebook."""

from __future__ import annotations

import random
import re

import pytest
from playwright.sync_api import expect

from qinlian.items.base import item_type
from qinlian.notebooks.publish import published_item
from tests.e2e.quiz_host import (
    ESSAY,
    ESSAY_ITEM,
    LESSON,
    PRACTICE,
    Host,
    by_keyboard,
    is_saved,
    key,
    some_answer,
)
from tests.sample import COURSE, IDS

pytestmark = pytest.mark.e2e


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
