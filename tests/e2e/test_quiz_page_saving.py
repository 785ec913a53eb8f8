"""Saving from the quiz front end in Chromium, hosted by a page of a few lines instead of a notebook.

Behind it stands the real widget, so what is asserted of saving holds for every host.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from qinlian.errors import StoreError
from qinlian.quiz.live import LiveLesson
from tests.e2e.quiz_host import ESSAY, ESSAY_ITEM, PRACTICE, Host, is_saved
from tests.sample import IDS

pytestmark = pytest.mark.e2e


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
    assert host.asked("save") == []
    host.page.locator("textarea").blur()
    host.page.clock.run_for(10)
    assert [r["changes"] for r in host.asked("save")] == [{ESSAY_ITEM: "一二"}]


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
