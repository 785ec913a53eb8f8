"""Two branches on one real Hub: sign in, learn, answer, submit, be graded, be read; each branch sees its own."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

import openpyxl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.classroom import DESKTOP, PHONE, picture, violations, wait_until
from tests.e2e.keyboard import MODULE, REFLECTION, Keyboard
from tests.hub.learner import Learner, full_marks
from tests.hub.room import PASSWORD, PEOPLE, HubRoom, wait_for_url

pytestmark = [pytest.mark.hub, pytest.mark.accounts]
BY_NUMBER = {p.number: p for p in PEOPLE}
LEARNER, TEACHER, STRANGER, OFFICE = (BY_NUMBER[n] for n in ("t901", "t951", "t952", "t999"))
COMMENT = "说得具体。再想想谁可以帮您开口。"


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Page:
    """The learner's browser, at a desk."""
    return chromium.new_context(viewport=DESKTOP, locale="zh-CN", timezone_id="Asia/Shanghai").new_page()


@pytest.fixture(scope="module")
def desk(chromium: Browser) -> Page:
    """The browser of the learner's own branch's instructor."""
    return chromium.new_context(viewport=DESKTOP, locale="zh-CN", timezone_id="Asia/Shanghai").new_page()


def both_widths(page: Page, name: str, of: Locator | None = None) -> None:
    """A picture at either width; nothing may be wider than a phone."""
    picture(page, f"hub-{name}", of)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.wait_for_timeout(400)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} is wider than a phone"
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def card(page: Page) -> Locator:
    return page.locator("li.card").filter(has=page.locator(f"#open-{MODULE}"))


def quiz(page: Page) -> Locator:
    return page.locator(".ql-root").filter(has=page.locator("button", has_text="提交测验"))


def test_1_everybody_has_an_account_and_nobody_an_english_word_to_read(room: HubRoom, page: Page) -> None:
    assert "Traceback" not in room.output
    names = {user["name"] for user in room.api("users")}
    assert {p.account for p in room.people} <= names
    page.goto(room.url)
    expect(page.locator("body")).to_contain_text("工号")
    assert violations(page) == []
    both_widths(page, "1-sign-in")


def test_2_a_learner_signs_in_for_the_first_time_and_lands_on_the_modules(room: HubRoom, page: Page) -> None:
    room.first_sign_in(page, LEARNER, room.codes()[LEARNER.number])
    wait_for_url(page, rf"/user/{LEARNER.account}/qinlian/")
    expect(page.get_by_role("heading", name="我的学习")).to_be_visible(timeout=60_000)
    expect(card(page)).to_contain_text("未开始")
    assert violations(page) == []
    both_widths(page, "2-modules")


def test_3_the_server_is_the_learners_own_and_has_no_terminal(room: HubRoom, page: Page) -> None:
    assert room.processes(LEARNER.account)
    base = f"{room.url}/user/{LEARNER.account}"
    for path in ("api/terminals", "formgrader", "assignments", "courses"):
        assert page.request.get(f"{base}/{path}").status in (403, 404, 405), path


def test_4_the_lesson_opens_without_code_and_is_answered(room: HubRoom, page: Page) -> None:
    page.locator(f"#open-{MODULE}").click()
    expect(page.locator("fieldset.ql-item").first).to_be_visible(timeout=120_000)
    assert page.locator(".jp-CodeCell .jp-InputArea:visible").count() == 0
    both_widths(page, "3-lesson")
    keys = Keyboard(page, room.state / "course")
    for fieldset in quiz(page).locator("fieldset.ql-item").all():
        keys.answer(fieldset)
    page.locator("textarea").first.fill(REFLECTION)
    expect(quiz(page).locator(".ql-save")).to_have_attribute("data-state", "saved", timeout=20_000)
    expect(quiz(page).locator(".ql-progress")).to_have_text("已答 10/10")


def test_5_a_submission_is_graded_and_shown(room: HubRoom, page: Page) -> None:
    shown = page.locator(".ql-root").filter(has=page.locator(".ql-sticky"))
    shown.get_by_role("button", name="提交测验").press("Enter")
    began = time.monotonic()
    page.get_by_role("dialog").get_by_role("button", name="确认提交").press("Enter")
    expect(shown.locator(".ql-score")).to_contain_text("80", timeout=30_000)
    print(f"shown {time.monotonic() - began:.2f} s after 确认提交")
    both_widths(page, "4-graded")


def test_6_the_other_learners_hand_in_too(room: HubRoom) -> None:
    for number in ("t902", "t904"):
        learner = Learner(room, BY_NUMBER[number].account)
        learner.fetch(MODULE)
        learner.submit(MODULE, full_marks(room, learner.account, MODULE))
        assert wait_until(lambda who=learner: who.result(MODULE), 60, "a result")


def test_7_the_instructor_lands_on_a_page_in_chinese(room: HubRoom, desk: Page) -> None:
    room.first_sign_in(desk, TEACHER, room.codes()[TEACHER.number])
    wait_for_url(desk, "/services/staff/")
    expect(desk.locator("body")).to_contain_text("青禾分校")
    assert violations(desk) == []
    both_widths(desk, "5-staff")


def test_8_the_reflection_is_read_and_marked_in_formgrader(room: HubRoom, desk: Page) -> None:
    home = desk
    home.get_by_role("link", name="批阅心得").first.click()
    both_widths(home, "6-waiting")
    with home.context.expect_page() as opened:
        home.get_by_role("link", name=re.compile("去批阅：周晓岚")).click()
    desk = opened.value
    desk.wait_for_load_state("networkidle")
    expect(desk.locator("body")).to_contain_text("上周有位学员把两盒茶放在我桌上", timeout=60_000)
    expect(desk.locator("body")).to_contain_text("评分细则")
    assert desk.evaluate("window.hacked") is None
    scores = desk.locator("input.score")
    expect(scores.first).to_be_visible(timeout=20_000)
    wait_until(lambda: any(s.get_attribute("placeholder") in ("80", "80.0") for s in scores.all()), 10, "the score 80")
    manual = next(s for s in scores.all() if s.get_attribute("placeholder") not in ("80", "80.0"))
    manual.fill("17")
    manual.press("Tab")
    comment = desk.locator("textarea.comment").last
    comment.fill(COMMENT)
    comment.press("Tab")
    desk.wait_for_timeout(1500)
    picture(desk, "hub-6-formgrader")
    found = re.search(r"/submissions/([^/?]+)", desk.url)
    assert found is not None
    secret = room.state / "course" / "course" / "secret.txt"
    for path in ("..%2F..%2F..%2F..%2Fcourse%2Fsecret.txt", quote(str(secret), safe="")):
        address = f"{room.url}/services/formgrader/formgrader/submissions/{found[1]}/{path}"
        answer = desk.request.get(address)
        assert answer.status == 404, f"a file of the course: {address}"
        assert secret.read_text() not in answer.text()


def test_9_the_learner_sees_mark_and_comment(room: HubRoom, page: Page) -> None:
    page.goto(f"{room.url}/user/{LEARNER.account}/qinlian/")
    expect(card(page)).to_contain_text("97", timeout=60_000)
    page.locator(f"#open-{MODULE}").click()
    reflection = page.locator(".ql-root").filter(has=page.locator("textarea"))
    expect(reflection.locator(".ql-comment")).to_have_text(COMMENT, timeout=120_000)
    both_widths(page, "7-read", reflection.locator(".ql-comment"))


def test_a_the_report_shows_only_the_right_branch(room: HubRoom, desk: Page, chromium: Browser) -> None:
    desk.goto(f"{room.url}/services/staff/report")
    body = desk.locator("body").inner_text()
    assert "周晓岚" in body
    assert "林知远" in body
    assert "王若溪" not in body
    both_widths(desk, "8-report")
    other = chromium.new_context(viewport=DESKTOP, locale="zh-CN").new_page()
    room.first_sign_in(other, STRANGER, room.codes()[STRANGER.number])
    wait_for_url(other, "/services/staff/")
    other.goto(f"{room.url}/services/staff/report")
    body = other.locator("body").inner_text()
    assert "王若溪" in body
    assert "周晓岚" not in body
    assert "林知远" not in body
    with other.expect_download() as waiting:
        other.locator("a[href*='xlsx']").first.click()
    with waiting.value.path().open("rb") as file:
        sheet = openpyxl.load_workbook(file).active
    cells = {str(cell) for row in sheet.iter_rows(values_only=True) for cell in row}
    assert "王若溪" in cells
    assert not cells & {"周晓岚", "林知远", "陈一帆"}


def test_b_the_office_sees_everybody(room: HubRoom, chromium: Browser) -> None:
    office = chromium.new_context(viewport=DESKTOP, locale="zh-CN").new_page()
    room.first_sign_in(office, OFFICE, room.codes()[OFFICE.number])
    wait_for_url(office, "/services/staff/")
    office.goto(f"{room.url}/services/staff/report")
    body = office.locator("body").inner_text()
    assert {"周晓岚", "王若溪"} <= {name for name in ("周晓岚", "王若溪") if name in body}
    both_widths(office, "9-office")


def test_c_who_was_archived_is_out_and_keeps_everything(room: HubRoom, chromium: Browser) -> None:
    gone = BY_NUMBER["t903"]
    page = chromium.new_context(viewport=DESKTOP, locale="zh-CN").new_page()
    room.first_sign_in(page, gone, room.codes()[gone.number])
    wait_for_url(page, rf"/user/{gone.account}/")
    done = room.qinlian("roster", "archive", gone.number, "--state", str(room.state))
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: not room.processes(gone.account), 60, "the end of the server")
    again = chromium.new_context(viewport=DESKTOP, locale="zh-CN").new_page()
    room.sign_in(again, gone, PASSWORD)
    expect(again.locator("body")).not_to_contain_text("我的学习")
    assert (room.state / "learners" / "homes" / gone.account).is_dir()
    picture(again, "hub-a-archived")
    assert room.qinlian("roster", "restore", gone.number, "--state", str(room.state)).returncode == 0


def test_d_no_log_holds_a_traceback_or_a_secret(room: HubRoom) -> None:
    logs = room.logs()
    # nbgrader's formgrader does not manage to say 404 without one; of ours there is none.
    ours = [log for log in logs.split("\n== ") if not log.startswith("hub.log")]
    assert not any("Traceback" in log for log in ours), logs
    for secret in (room.settings()["roster_token"], room.settings()["proxy_token"], PASSWORD):
        assert secret not in logs
