"""A reflection's prompts in a real browser: one after the other, fading, and never out of reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from qinlian.notebooks.publish import publish
from tests.e2e.classroom import DESKTOP, PHONE, picture, violations
from tests.e2e.quiz_host import Host
from tests.sample import COURSE, IDS, MODULE, REFLECTION

pytestmark = pytest.mark.e2e

PROMPTS = ("那天发生了什么，**谁**在场？", "心里先冒出来的是哪句话？", "换作今天，您第一句会说什么？")
PLAIN = tuple(p.replace("*", "") for p in PROMPTS)


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    """The sample with prompts; at least 50 characters are asked for, so a prompt lasts for 16."""
    item = REFLECTION.model_copy(update={"prompts": PROMPTS})
    items = tuple(item if i.id == item.id else i for i in MODULE.items)
    module = MODULE.model_copy(update={"items": items})
    host = Host(tmp_path, page, publish(COURSE.model_copy(update={"modules": (module,)}), module, IDS))
    host.open(REFLECTION.id)
    return host


def prompt(host: Host) -> Locator:
    return host.page.locator(".ql-prompt")


def write(host: Host, text: str) -> None:
    host.page.locator("textarea").fill(text)


def described(host: Host) -> str:
    """What a screen reader says of the field besides its name."""
    words = (
        "t => t.getAttribute('aria-describedby').split(' ').map(i => document.getElementById(i).textContent).join(' ')"
    )
    return str(host.page.locator("textarea").evaluate(words))


def test_the_empty_field_shows_the_first_prompt_and_the_rubric(host: Host) -> None:
    expect(prompt(host)).to_have_text(f"提示 1 / 3{PLAIN[0]}")
    expect(prompt(host).locator("strong")).to_have_text("谁")
    expect(host.page.locator(".ql-criteria")).to_contain_text("联系本人岗位")


def test_prompts_follow_one_another_as_the_text_grows_and_come_back_as_it_shrinks(host: Host) -> None:
    write(host, "字" * 17)
    expect(prompt(host)).to_have_text(f"提示 2 / 3{PLAIN[1]}")
    write(host, "字" * 34)
    expect(prompt(host)).to_have_text(f"提示 3 / 3{PLAIN[2]}")
    write(host, "字" * 51)
    expect(prompt(host)).to_be_hidden()
    write(host, "")
    expect(prompt(host)).to_have_text(f"提示 1 / 3{PLAIN[0]}")


def test_a_prompt_grows_paler_before_it_goes(host: Host) -> None:
    colour = "e => getComputedStyle(e).color"
    host.page.emulate_media(reduced_motion="reduce")
    before = prompt(host).evaluate(colour)
    write(host, "字" * 10)
    assert prompt(host).evaluate(colour) != before
    assert violations(host.page, ".ql-root") == []


def test_a_screen_reader_hears_the_prompt_with_the_field(host: Host) -> None:
    assert PLAIN[0] in described(host)
    write(host, "字" * 20)
    expect(prompt(host)).to_contain_text(PLAIN[1])
    assert PLAIN[1] in described(host)
    assert "20 字" in described(host)


def test_all_prompts_can_be_called_back_by_keyboard(host: Host) -> None:
    write(host, "字" * 60)
    button = host.page.get_by_role("button", name="看全部提示")
    button.focus()
    host.page.keyboard.press("Enter")
    expect(host.page.locator(".ql-prompt-list li")).to_have_text(list(PLAIN))
    expect(host.page.get_by_role("button", name="收起提示")).to_have_attribute("aria-expanded", "true")
    expect(host.page.get_by_role("button", name="收起提示")).to_be_focused()
    host.page.keyboard.press("Enter")
    expect(host.page.locator(".ql-prompt-list")).to_be_hidden()


def test_typing_saves_and_counts_as_before(host: Host) -> None:
    host.page.locator("textarea").focus()
    host.page.keyboard.insert_text("说清楚比什么都要紧。")
    expect(host.page.locator(".ql-save")).to_have_attribute("data-state", "saved")
    assert host.saved(REFLECTION) == "说清楚比什么都要紧。"
    expect(host.page.locator(".ql-words")).to_contain_text("10 字")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1366", "390"])
def test_it_is_accessible_and_fits(host: Host, theme: str, size: dict[str, int]) -> None:
    host.page.set_viewport_size(size)  # type: ignore[arg-type]
    host.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    host.page.get_by_role("button", name="看全部提示").click()
    write(host, "字" * 20)
    host.page.get_by_role("button", name="收起提示").click()
    host.page.evaluate("Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    assert violations(host.page) == []
    assert host.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = host.page.locator(".ql-prompts button").evaluate_all("all => all.filter(b => b.offsetHeight < 44).length")
    assert small == 0
    picture(host.page, f"reflection-prompts-{theme}")
