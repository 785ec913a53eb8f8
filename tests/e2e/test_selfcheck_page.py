"""The self-check in Chromium: by keyboard, with the promise before the first field and the texts kept at home."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from qinlian.core.files import ItemResult, LessonFile, QuizResult, ResultFile
from qinlian.items.selfcheck.scale import promise
from qinlian.notebooks.publish import publish
from tests.e2e.classroom import violations
from tests.e2e.quiz_host import Host, is_saved
from tests.sample import IDS
from tests.selfcheck import CHECK, COURSE, MODULE

pytestmark = pytest.mark.e2e

LESSON: LessonFile = publish(COURSE, MODULE, IDS)
BLOCK, ITEM = "91-selfcheck", IDS.of(CHECK.id)
WORDS = "我最怕验收那天的电话"


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    host = Host(tmp_path, page, LESSON)
    host.open(BLOCK)
    return host


def risk(host: Host, risk_id: str) -> Locator:
    return host.page.locator(".ql-risk").filter(has=host.page.locator(f"[id$='-{risk_id}-on']"))


def rate(host: Host, risk_id: str, likelihood: int, consequence: int, safeguard: str) -> None:
    """Pick a risk and rate it with the keys alone."""
    row, press = risk(host, risk_id), host.page.keyboard.press
    row.get_by_role("checkbox").first.focus()
    press("Space")
    for name, number in (("可能性", likelihood), ("后果", consequence)):
        row.get_by_role("group", name=name).get_by_role("radio").first.focus()
        press("Space")
        for _ in range(number - 1):
            press("ArrowRight")
    row.get_by_role("radio", name=safeguard, exact=True).focus()
    press("Space")


def choose(host: Host, post: str) -> None:
    host.page.get_by_label("您的岗位").select_option(post)


def value(host: Host) -> dict | None:
    answer = host.live.store.read().answers.get(ITEM)
    return answer.value if answer else None


def handed_in(host: Host) -> str:
    files = [p for root in (host.folder, host.exchange.root) for p in root.rglob("*") if p.is_file()]
    return "\n".join(p.read_text("utf-8", "replace") for p in files)


def grade(host: Host, fraction: float) -> None:
    """What the grader says of the newest submission."""
    submission = host.exchange.submissions(MODULE.id)[-1]
    item = ItemResult(item=ITEM, answered=True, fraction=fraction, value=value(host))
    quiz = QuizResult(
        attempt=1,
        attempts=3,
        score=20 * fraction,
        counted=20 * fraction,
        points=20,
        keep="最高",
        passed=True,
        final=True,
        revealed=True,
        seen=(ITEM,),
        drawn=(ITEM,),
        items=(item,),
    )
    when = submission.submitted_at.isoformat()
    result = ResultFile(
        course=COURSE.id,
        module=MODULE.id,
        edition=LESSON.edition,
        submitted_at=when,
        graded_at=when,
        score=20,
        max_score=20,
        state="已评分",
        quizzes={BLOCK: quiz},
    )
    path = host.exchange.root / COURSE.id / "feedback" / submission.result
    path.write_text(result.model_dump_json(by_alias=True), encoding="utf-8")
    host.push()


def test_the_promise_stands_in_full_before_the_first_field(host: Host):
    said = host.block(BLOCK).locator(".ql-sc-promise")
    expect(said.locator("li")).to_have_text(promise())
    before = host.page.evaluate(
        """() => {
          const said = document.querySelector(".ql-sc-promise");
          const fields = document.querySelectorAll("fieldset.ql-item :is(input, select, textarea, button)");
          return [...fields].every((f) => said.compareDocumentPosition(f) & Node.DOCUMENT_POSITION_FOLLOWING);
        }"""
    )
    assert before


def test_a_self_check_is_done_by_keyboard_and_only_numbers_travel(host: Host):
    page = host.page
    page.get_by_label("您的岗位").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("您的岗位")).to_have_value("CG")
    rate(host, "CG01", 4, 5, "有")
    expect(risk(host, "CG01").locator(".ql-level")).to_have_text("高 4×5=20")
    row = risk(host, "CG01")
    row.get_by_label("现有措施").focus()
    page.keyboard.insert_text(WORDS)
    row.locator("summary").first.press("Enter")
    row.get_by_role("checkbox", name="两个人一起办").first.press("Space")
    expect(row.get_by_label("现有措施")).to_have_value(f"{WORDS}\n两个人一起办")
    page.get_by_role("button", name="补充一个风险点").press("Enter")
    page.get_by_label("风险点（只存在您这里）").fill("亲戚开的公司")
    rate(host, "CG03", 2, 2, "没有")
    expect(host.block(BLOCK).locator(".ql-sc-count")).to_have_text("已完成 2 项，应完成 2 项")
    is_saved(host.block(BLOCK))
    assert value(host) == {"post": "CG", "rows": {"CG01": [4, 5, 1], "CG03": [2, 2, 0]}}

    page.get_by_role("button", name="提交测验").press("Enter")
    page.get_by_role("button", name="确认提交").press("Enter")
    expect(host.block(BLOCK).locator(".ql-waiting")).to_contain_text("已提交")
    gone_out = handed_in(host)
    assert "CG03" in gone_out
    for text in (WORDS, "亲戚开的公司", '两个人一起办"'):
        assert text not in json.dumps(host.live.store.read().model_dump(), ensure_ascii=False)
    assert WORDS not in gone_out
    assert "亲戚开的公司" not in gone_out


def test_a_reload_and_another_tab_show_what_was_rated_and_written(host: Host):
    choose(host, "CG")
    rate(host, "CG01", 3, 3, "没有")
    risk(host, "CG01").get_by_label("我要添的措施").fill("请两家来比")
    is_saved(host.block(BLOCK))
    host.open(BLOCK)
    expect(risk(host, "CG01").get_by_label("我要添的措施")).to_have_value("请两家来比")
    expect(risk(host, "CG01").get_by_role("group", name="后果").get_by_role("radio").nth(2)).to_be_checked()
    risk(host, "CG01").get_by_label("现有措施").focus()
    host.live.save(BLOCK, {f"note:{ITEM}": {"CG01.add": "另一页写的"}}, {})
    host.push()
    expect(risk(host, "CG01").get_by_label("我要添的措施")).to_have_value("另一页写的")
    expect(risk(host, "CG01").get_by_label("现有措施")).to_be_focused()


def test_notes_that_could_not_be_saved_are_there_on_the_next_page(host: Host):
    choose(host, "CG")
    rate(host, "CG01", 3, 3, "没有")
    is_saved(host.block(BLOCK))
    host.answering = False
    risk(host, "CG01").get_by_label("我要添的措施").fill("没有来得及存的")
    expect(host.block(BLOCK).locator(".ql-save")).to_have_text("正在保存…")
    host.answering = True
    host.open(BLOCK)
    expect(risk(host, "CG01").get_by_label("我要添的措施")).to_have_value("没有来得及存的")
    is_saved(host.block(BLOCK))
    assert host.live.own.read()[ITEM]["CG01.add"] == "没有来得及存的"


def test_passing_through_another_post_loses_nothing(host: Host):
    choose(host, "CG")
    rate(host, "CG01", 5, 2, "有")
    choose(host, "CW")
    expect(host.block(BLOCK).locator(".ql-sc-count")).to_have_text("已完成 0 项，应完成 2 项")
    choose(host, "CG")
    expect(risk(host, "CG01").locator(".ql-level")).to_have_text("中 5×2=10")
    is_saved(host.block(BLOCK))
    assert value(host) == {"post": "CG", "rows": {"CG01": [5, 2, 1]}}


def test_what_is_begun_and_not_finished_is_no_answer_and_is_not_lost(host: Host):
    choose(host, "CG")
    risk(host, "CG02").get_by_role("checkbox").first.check()
    risk(host, "CG02").get_by_role("group", name="可能性").get_by_role("radio").nth(1).check()
    is_saved(host.block(BLOCK))
    assert value(host) == {"post": "CG", "rows": {}}
    host.open(BLOCK)
    expect(risk(host, "CG02").get_by_role("group", name="可能性").get_by_role("radio").nth(1)).to_be_checked()


def test_an_added_risk_can_be_taken_away_with_its_text(host: Host):
    choose(host, "CG")
    host.page.get_by_role("button", name="补充一个风险点").click()
    host.page.get_by_label("风险点（只存在您这里）").fill(WORDS)
    is_saved(host.block(BLOCK))
    host.page.get_by_role("button", name="删掉这一项").click()
    expect(host.page.get_by_label("风险点（只存在您这里）")).to_have_count(0)
    is_saved(host.block(BLOCK))
    assert WORDS not in host.live.own.path.read_text("utf-8")


def test_the_sheet_is_downloaded_and_holds_the_texts(host: Host):
    choose(host, "CG")
    rate(host, "CG04", 1, 5, "有")
    risk(host, "CG04").get_by_label("现有措施").fill(WORDS)
    with host.page.expect_download() as download:
        host.page.get_by_role("button", name="下载我的自查表").click()
    assert download.value.suggested_filename.startswith("履职风险自查表-采购-")
    sheet = load_workbook(io.BytesIO(Path(download.value.path()).read_bytes())).worksheets[0]
    cells = [cell.value for cell in sheet[5]]
    assert cells == ["验收付款", "验收付款时的风险CG04", "1 几乎不会", "5 很严重", "中", WORDS, None]
    expect(host.block(BLOCK).locator(".ql-sc-said")).to_contain_text("已下载")


def test_a_sheet_before_anything_is_picked_says_what_to_do(host: Host):
    choose(host, "CG")
    host.page.get_by_role("button", name="下载我的自查表").click()
    expect(host.block(BLOCK).locator(".ql-sc-said")).to_contain_text("还没有勾选风险点")


def test_after_grading_nothing_is_called_right_and_the_texts_can_still_be_written(host: Host):
    choose(host, "CG")
    rate(host, "CG01", 5, 5, "没有")
    rate(host, "CG03", 5, 5, "没有")
    host.page.get_by_role("button", name="提交测验").click()
    host.page.get_by_role("button", name="确认提交").click()
    expect(host.block(BLOCK).locator(".ql-waiting")).to_contain_text("已提交")
    grade(host, 1.0)
    expect(host.block(BLOCK).locator(".ql-verdict")).to_have_text("✓已完成")
    expect(host.block(BLOCK)).not_to_contain_text("答对")
    row = risk(host, "CG01")
    expect(row.get_by_role("group", name="后果").get_by_role("radio").first).to_be_disabled()
    expect(host.page.get_by_label("您的岗位")).to_be_disabled()
    row.get_by_label("我要添的措施").fill("交了以后想到的")
    is_saved(host.block(BLOCK))
    assert host.live.own.read()[ITEM]["CG01.add"] == "交了以后想到的"
    assert value(host) == {"post": "CG", "rows": {"CG01": [5, 5, 0], "CG03": [5, 5, 0]}}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barrier_is_found_in_either_theme(host: Host, theme: str):
    host.page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    choose(host, "CG")
    for risk_id, grade in (("CG01", 5), ("CG02", 3), ("CG03", 1)):
        rate(host, risk_id, grade, grade, "有")
    risk(host, "CG01").locator("summary").first.click()
    host.page.get_by_role("button", name="补充一个风险点").click()
    assert violations(host.page) == []


@pytest.mark.parametrize("width", [390, 1366])
def test_it_fits_the_width_and_every_control_can_be_hit(host: Host, width: int):
    host.page.set_viewport_size({"width": width, "height": 800})
    choose(host, "CG")
    rate(host, "CG01", 4, 4, "有")
    risk(host, "CG01").locator("summary").first.click()
    assert host.page.evaluate("document.documentElement.scrollWidth") <= width
    controls = host.page.locator(".ql-selfcheck").locator(
        "label.ql-option, label.ql-grade, label.ql-suggestion, button, select, summary, textarea"
    )
    small = controls.evaluate_all(
        "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.className)"
    )
    assert small == []
