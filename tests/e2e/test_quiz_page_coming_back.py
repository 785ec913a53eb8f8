"""A page that was out of reach: it asks what it missed, says when its changes were made, and loses no text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from qinlian.quiz.live import LiveLesson
from tests.e2e.classroom import picture, violations
from tests.e2e.quiz_host import ESSAY, ESSAY_ITEM, EXAM, Host, by_keyboard, drawn_items, hand_in, is_saved

pytestmark = pytest.mark.e2e


def elsewhere(host: Host) -> LiveLesson:
    """The same lesson on another device."""
    return LiveLesson(host.folder, host.exchange, "amy")


def test_the_first_block_of_a_page_asks_for_the_hosts_clock_before_anything_is_saved(host: Host):
    host.open(ESSAY, EXAM, "p1")
    host.page.locator("textarea").fill("一件小事")
    is_saved(host.block(ESSAY))
    first, *_, last = host.requests
    assert [r["action"] for r in host.requests].count("look") == 1
    assert first["action"] == "look"
    (made,) = last["made"].values()
    assert abs(made - datetime.now(UTC).timestamp()) < 30


@pytest.mark.parametrize("off", [timedelta(days=400), timedelta(days=-400)], ids=["fast", "slow"])
def test_a_change_is_dated_by_the_hosts_clock_whatever_the_devices_says(host: Host, off: timedelta):
    host.page.clock.install(time=datetime.now(UTC) + off)
    host.open(ESSAY)
    host.page.locator("textarea").fill("一件小事")
    host.page.clock.run_for(1000)
    is_saved(host.block(ESSAY))
    (request,) = host.asked("save")
    assert abs(request["made"][ESSAY_ITEM] - datetime.now(UTC).timestamp()) < 30


def test_a_text_that_gives_way_to_a_later_one_can_still_be_read(host: Host):
    host.page.clock.install()
    host.open(ESSAY)
    host.page.locator("textarea").fill("先写的，后来才送到")
    host.answering = False
    host.page.clock.run_for(1000)
    assert len(host.asked("save")) == 1
    host.page.clock.run_for(2000)
    # It arrives twenty minutes later.
    other = elsewhere(host)
    for lesson in (other, host.live):
        lesson.store._clock = lambda: datetime.now(UTC) + timedelta(minutes=20)
    other.save(ESSAY, {ESSAY_ITEM: "后来在别处写的"}, {ESSAY_ITEM: datetime.now(UTC).timestamp() + 600})
    host.answer_at_last(ESSAY)
    expect(host.page.locator("textarea")).to_have_value("后来在别处写的")
    kept = host.block(ESSAY).locator(".ql-kept")
    expect(kept).to_contain_text("以后改的为准")
    kept.get_by_text("看这里没有采用的文字").click()
    expect(kept.locator("blockquote")).to_have_text("先写的，后来才送到")
    picture(host.page, "two-devices-gave-way")
    assert violations(host.page) == []
    kept.get_by_role("button", name="知道了").click()
    expect(kept).to_be_empty()


def test_when_the_line_is_back_the_page_learns_what_it_missed(host: Host):
    host.open(EXAM)
    other = elsewhere(host)
    by_keyboard(host.question(drawn_items(host)[0]), drawn_items(host)[0])
    is_saved(host.block(EXAM))
    other.look()
    other.submit(EXAM)
    # The host takes the page for told; it was not.
    host.live.look(exchange=True)
    expect(host.block(EXAM).get_by_role("button", name="提交测验")).to_be_visible()
    host.page.evaluate("window.dispatchEvent(new Event('qinlian:back'))")
    expect(host.block(EXAM).locator(".ql-waiting")).to_contain_text("已提交")


def test_a_page_that_asked_in_vain_learns_what_it_missed_as_soon_as_it_is_answered(host: Host):
    host.page.clock.install()
    host.open(ESSAY)
    host.answering = False
    host.page.locator("textarea").fill("一件小事")
    host.page.clock.run_for(7000)
    expect(host.page.get_by_role("alert")).to_contain_text("服务器没有回应")
    host.answering = True
    before = len(host.asked("look"))
    host.page.clock.run_for(7000)
    is_saved(host.block(ESSAY))
    assert len(host.asked("look")) == before + 1


def test_when_nobody_answers_for_long_whoever_keeps_the_line_is_told(host: Host):
    host.page.clock.install()
    host.open(ESSAY)
    host.page.evaluate("window.told = 0; document.addEventListener('qinlian:lost', () => (window.told += 1))")
    host.answering = False
    host.page.locator("textarea").fill("一件小事")
    host.page.clock.run_for(20_000)
    assert host.page.evaluate("window.told") == 0
    host.page.clock.run_for(20_000)
    assert host.page.evaluate("window.told") == 1
    # Nothing was lost meanwhile.
    host.answering = True
    host.page.clock.run_for(7000)
    is_saved(host.block(ESSAY))
    assert host.live.store.read().answers[ESSAY_ITEM].value == "一件小事"


def test_what_was_answered_before_another_attempt_began_elsewhere_is_refused_and_not_mixed_in(host: Host):
    host.page.clock.install()
    host.open(EXAM)
    item = drawn_items(host)[0]
    host.answering = False
    by_keyboard(host.question(item), item)
    host.page.clock.run_for(1000)
    (request,) = host.asked("save")
    other = elsewhere(host)
    other.submit(EXAM)
    host.grade()
    other.look(exchange=True)
    other.retake(EXAM)
    host.answering = True
    host.push()
    host.page.clock.run_for(15_000)
    assert {r["attempt"] for r in host.asked("save")} == {1}
    assert not host.live.store.read().answers
    assert host.live.state(EXAM).attempt == 2
    # And the new attempt is answered and handed in as ever.
    host.page.clock.run_for(1000)
    hand_in(host)
    assert request["changes"]
