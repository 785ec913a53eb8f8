"""账目核查 in Chromium, in practice: searched and flagged by keyboard, judged as in Python."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from qinlian.items.ledger import DONE, TYPE
from qinlian.items.ledger.scoring import RULES
from tests.e2e.ledger_desk import BLOCK, LESSON, Shown, below, flag, voucher
from tests.e2e.quiz_host import Host, is_saved
from tests.ledger_sample import PRACTICE
from tests.sample import IDS

pytestmark = pytest.mark.e2e


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    return Host(tmp_path, page, LESSON)


# ---- looking ----


def test_the_rules_and_the_rows_are_shown_by_date(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    expect(page.locator(".ql-kind")).to_have_text("账目核查")
    expect(page.locator(".ql-ledger-rules dt")).to_have_count(7)
    expect(page.locator(".ql-ledger-rules")).to_contain_text("来宾 10 人以内，陪餐不超过 3 人")
    rows = page.locator("tr.ql-ledger-row")
    expect(rows).to_have_count(len(shown.lines))
    numbers = rows.locator("[data-column=number]").all_inner_texts()
    assert [int(n) for n in numbers] == list(range(1, len(shown.lines) + 1))
    expect(page.locator("th[data-column=date]")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator(".ql-ledger-count")).to_have_text(f"共 {len(shown.lines)} 行，还没有标")


def test_a_heading_sorts_both_ways_and_keeps_the_focus(host: Host, page: Page) -> None:
    host.open(BLOCK)
    head = page.locator("th[data-column=cents]")
    button = head.get_by_role("button")
    for way, said in (("ascending", "从小到大"), ("descending", "从大到小")):
        button.press("Enter")
        expect(head).to_have_attribute("aria-sort", way)
        expect(page.locator(".ql-voice")).to_have_text(f"按金额（元）{said}排列")
        expect(button).to_be_focused()
        texts = page.locator("tr.ql-ledger-row [data-column=cents]").all_inner_texts()
        amounts = [float(text.replace(",", "")) for text in texts]
        assert amounts == sorted(amounts, reverse=way == "descending")
    expect(page.locator("th[aria-sort]")).to_have_count(1)


def test_rows_are_found_by_words_of_the_voucher_and_by_category(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    visible = page.locator("tr.ql-ledger-row:visible")
    page.get_by_label("类别").select_option("接待")
    meals = sum(shown.public["categories"][int(line[3])]["name"] == "接待" for line in shown.lines.values())
    expect(visible).to_have_count(meals)
    expect(page.locator(".ql-ledger-count")).to_contain_text(f"显示 {meals} 行，共 {len(shown.lines)} 行")
    page.get_by_label("类别").select_option("")
    bought = next(line for line in shown.lines.values() if line[3] == "0")
    page.get_by_label("查找").press_sequentially(f"{bought[8].removeprefix('尾号 ')} {bought[6]}")
    expect(visible.filter(has_text=bought[6]).first).to_be_visible()
    assert 1 <= visible.count() < 10
    page.get_by_label("查找").fill("没有这样的词")
    expect(visible).to_have_count(0)
    expect(page.locator(".ql-voice")).to_have_text("没有符合的行")


def test_a_voucher_opens_and_closes_and_moves_with_its_row(host: Host, page: Page) -> None:
    host.open(BLOCK)
    open_ = voucher(page, "2")
    expect(open_).to_have_attribute("aria-expanded", "false")
    open_.press("Enter")
    expect(open_).to_have_attribute("aria-expanded", "true")
    expect(below(page, "2")).to_be_visible()
    expect(below(page, "2").locator("dt").first).to_be_visible()
    page.locator("th[data-column=cents]").get_by_role("button").press("Enter")
    after = page.locator("tr.ql-ledger-row").filter(has=open_).locator("xpath=following-sibling::tr[1]")
    expect(after).to_have_class(re.compile("ql-ledger-below"))
    open_.press("Enter")
    expect(below(page, "2")).to_be_hidden()


# ---- flagging ----


def test_the_whole_ledger_is_checked_by_keyboard_alone(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    for row, entry in shown.key.items():
        flag(page, shown.number(row), entry["reason"])
    expect(page.locator(".ql-voice")).to_contain_text(f"已标 {len(shown.key)} 行")
    expect(page.locator(".ql-ledger-count")).to_contain_text(f"已标 {len(shown.key)} 行")
    is_saved(page.locator(".ql-root"))
    assert host.saved(PRACTICE) == {row: entry["reason"] for row, entry in shown.key.items()}
    page.get_by_role("button", name="查看解析").press("Enter")
    expect(page.locator(".ql-verdict")).to_contain_text("答对了")
    expect(page.locator(".ql-ledger-report > p")).to_have_text(
        "共 5 处违规：找全 5 处，部分找到 0 处，漏掉 0 处；错标 0 行。"
    )
    expect(page.locator("tr.ql-ledger-row[data-state=right]")).to_have_count(len(shown.key))


def test_a_row_without_a_reason_does_not_count_and_the_page_says_so(host: Host, page: Page) -> None:
    host.open(BLOCK)
    voucher(page, "3").click()
    toggle = below(page, "3").get_by_role("button", name="标为可疑")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".ql-voice")).to_have_text("第 3 行标为可疑，请选原因")
    expect(page.locator(".ql-ledger-count")).to_contain_text("还没有标，1 行还没有选原因，不计入")
    page.get_by_role("button", name="查看解析").click()
    expect(page.locator(".ql-bar-hint").last).to_have_text("先作答，再看解析")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(below(page, "3").locator("select")).to_be_hidden()
    assert host.saved(PRACTICE) is None


def test_taking_a_flag_back_clears_the_answer(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    row = next(iter(shown.key))
    flag(page, shown.number(row), shown.key[row]["reason"])
    is_saved(page.locator(".ql-root"))
    below(page, shown.number(row)).get_by_role("button", name="标为可疑").press("Enter")
    expect(page.locator(".ql-voice")).to_have_text(f"第 {shown.number(row)} 行不再标为可疑")
    is_saved(page.locator(".ql-root"))
    assert host.saved(PRACTICE) is None


def test_only_flagged_rows_can_be_looked_at_again(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    for row in list(shown.key)[:2]:
        flag(page, shown.number(row), shown.key[row]["reason"])
    only = page.get_by_role("button", name="只看标出的")
    only.press("Enter")
    expect(only).to_have_attribute("aria-pressed", "true")
    expect(page.locator("tr.ql-ledger-row:visible")).to_have_count(2)
    only.press("Enter")
    expect(page.locator("tr.ql-ledger-row:visible")).to_have_count(len(shown.lines))


def test_flags_of_another_page_come_without_taking_the_focus_and_foreign_ones_are_passed_over(
    host: Host, page: Page
) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    page.get_by_label("查找").focus()
    row, entry = next(iter(shown.key.items()))
    value = {row: entry["reason"], "0" * 16: entry["reason"]}
    page.evaluate("([b, a]) => window.blocks[b].model.receive({ answers: a })", [BLOCK, {IDS.of(PRACTICE.id): value}])
    expect(page.locator("tr.ql-ledger-row[data-state=flagged]")).to_have_count(1)
    expect(page.locator(".ql-ledger-count")).to_contain_text("已标 1 行")
    expect(page.get_by_label("查找")).to_be_focused()


def test_the_review_names_what_was_found_missed_and_falsely_accused(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    groups = sorted(shown.groups(), key=len)
    alone, several = groups[0][0], groups[-1]
    other = next(pid for pid in shown.names if pid != shown.key[groups[1][0]]["reason"])
    flag(page, shown.number(alone), shown.key[alone]["reason"])
    flag(page, shown.number(several[0]), shown.key[several[0]]["reason"])
    flag(page, shown.number(groups[1][0]), other)
    flag(page, shown.number(shown.clean[0]), other)
    page.get_by_role("button", name="查看解析").press("Enter")
    report = page.locator(".ql-ledger-report")
    expect(report).to_contain_text("共 5 处违规：找全 1 处，部分找到 2 处，漏掉 2 处；错标 1 行。")
    expect(report.locator("li")).to_have_count(5)
    expect(report.locator("li[data-state=right]")).to_have_count(1)
    expect(report).to_contain_text("原因没有选对")
    expect(report.locator("li", has_text="第九十七条第一款")).to_have_count(5)
    expect(page.locator("tr.ql-ledger-row[data-state=wrong]")).to_have_count(1)
    expect(page.locator("tr.ql-ledger-row[data-state=part]")).to_have_count(1)
    missed = next(row for row in several[1:])
    number = shown.number(missed)
    page.get_by_label("查找").fill("没有这样的词")
    report.get_by_role("button", name=f"第 {number} 行", exact=True).first.press("Enter")
    expect(voucher(page, number)).to_be_focused()
    expect(below(page, number).locator(".ql-feedback")).to_be_visible()
    expect(below(page, number).get_by_role("button")).to_be_hidden()
    page.get_by_role("button", name="再做一次").click()
    expect(report).to_be_hidden()
    expect(page.locator("tr.ql-ledger-row[data-state=flagged]")).to_have_count(4)


def test_the_page_judges_as_python_does(host: Host, page: Page) -> None:
    host.open(BLOCK)
    shown = Shown(host, BLOCK, PRACTICE)
    dice = random.Random(7)
    rows, reasons = sorted(shown.lines), sorted(shown.names)
    best = {row: entry["reason"] for row, entry in shown.key.items()}
    values: list[dict[str, str]] = [best, best | {DONE: "yes"}, dict.fromkeys(rows, reasons[0])]
    for _ in range(300):
        some = {row: dice.choice([best[row], dice.choice(reasons)]) for row in best if dice.random() < 0.7}
        wrong = dice.sample(shown.clean, dice.choice([0, 0, 1, 2, 5]))
        value = some | {row: dice.choice(reasons) for row in wrong}
        if value:
            values.append(value)
    page.add_script_tag(
        type="module",
        content=(Path(__file__).parents[2] / "qinlian/items/ledger/judge.js").read_text("utf-8")
        + "\nwindow.judged = fraction;",
    )
    page.wait_for_function("() => Boolean(window.judged)")
    for rule in RULES:
        theirs: Any = page.evaluate(
            "([key, values, rule]) => values.map((v) => window.judged(key, v, rule))", [shown.key, values, rule]
        )
        ours = [TYPE.score(shown.item, IDS, TYPE.clean(shown.item, IDS, value), rule) for value in values]
        assert theirs == pytest.approx(ours, abs=1e-12)
