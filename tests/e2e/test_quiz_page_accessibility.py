"""Every page of the quiz front end is accessible, fits the screen, and keeps its keys and groups to itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.classroom import DESKTOP, PHONE, picture, violations
from tests.e2e.quiz_host import EXAM, LESSON, PRACTICE, Host, by_keyboard

pytestmark = pytest.mark.e2e


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
