"""The Hub's pages in a real browser: at both widths, by keyboard, without a word of English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from qinlian.hub.pages import write_proxy_pages
from tests.e2e.classroom import DESKTOP, PHONE, picture, violations
from tests.hub.small_hub import PASSWORDS, SmallHub, make_roster, running

pytestmark = pytest.mark.hub

PASSWORD, OTHER = "一句自己好记的话就行了", "另一句自己好记的话也行"
FAR_WEST = ZoneInfo("Asia/Urumqi")
PEOPLE = [(str(n), f"学员{n}", "学员", False) for n in range(1, 9)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    folder = tmp_path_factory.mktemp("hub")
    db_url = make_roster(folder / "gradebook.db", *PEOPLE)
    settings = """
c.JupyterHub.authenticator_class = "qinlian.hub.sign_in.QinlianAuthenticator"
c.QinlianAuthenticator.db_url = "{db_url}"
c.QinlianAuthenticator.store_path = "{store}"
c.Spawner.start_timeout = c.Spawner.http_timeout = 20
c.JupyterHub.tornado_settings = {"slow_stop_timeout": 0}
c.Spawner.interrupt_timeout = c.Spawner.term_timeout = 10
"""
    with running(SmallHub(folder, db_url, settings)) as small:
        for number, *_ in PEOPLE:
            small.store.set_password(f"ql{number}", PASSWORD)
            (folder / "homes" / f"ql{number}").mkdir(parents=True)
        yield small


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="zh-CN", timezone_id=FAR_WEST.key, viewport=DESKTOP)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, hub: SmallHub) -> Iterator[Page]:
    """A page whose every fault is a failure, and which may ask nobody but the Hub for anything."""
    faults: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith(hub.url) else faults.append(sent.url))
    opened.on(
        "console",
        lambda said: faults.append(said.text) if said.type == "error" and "Failed to load" not in said.text else None,
    )
    yield opened
    assert faults == []


def check(page: Page, name: str) -> None:
    """Keep pictures at both widths; no English, nothing over the edge, nothing serious for axe."""
    picture(page, f"hub-{name}")
    assert re.findall(r"[A-Za-z]{3,}", page.locator("body").inner_text() + page.title()) == []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def sign_in(page: Page, hub: SmallHub, number: str, password: str = PASSWORD) -> None:
    page.goto(f"{hub.url}/hub/login")
    page.get_by_label("工号").fill(number)
    page.get_by_label("密码", exact=True).fill(password)
    page.get_by_role("button", name="登录").click()


def test_a_learner_signs_in_for_the_first_time_by_keyboard_alone(page: Page, hub: SmallHub):
    code = hub.store.reset("ql1")
    page.goto(hub.url)
    check(page, "sign-in")
    expect(page.get_by_label("工号")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="第一次登录？用首次登录码设密码")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("工号")).to_be_focused()
    check(page, "first-sign-in")
    page.get_by_label("工号").focus()
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    page.keyboard.type(code.lower())
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("新密码", exact=True)).to_have_attribute("type", "text")
    expect(page.get_by_role("button", name="显示新密码")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.type("不一样")
    page.keyboard.press("Enter")
    # The browser itself holds the form back.
    expect(page).to_have_url(re.compile("first=1"))
    again = page.get_by_label("再输一次新密码", exact=True)
    assert again.evaluate("field => field.validationMessage") == "两次输入的密码不一样"
    again.fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{hub.url}/user/ql1/", timeout=30_000)


def test_the_page_says_when_to_try_again_in_the_reader_s_own_time(page: Page, hub: SmallHub):
    for _ in range(6):
        sign_in(page, hub, "2", "not the password")
        page.wait_for_load_state()
    said = page.get_by_role("alert")
    expect(said).to_contain_text("试的次数太多了。请过 1 分钟再试")
    expect(page.get_by_label("密码", exact=True)).to_be_focused()
    expect(page.get_by_label("工号")).to_have_value("2")
    told = re.search(r"（(\d\d):(\d\d) 以后）", said.inner_text())
    assert told
    now = datetime.now(FAR_WEST)
    clocks = {f"{now + timedelta(minutes=n):%H:%M}" for n in (0, 1)}
    assert f"{told[1]}:{told[2]}" in clocks
    check(page, "sign-in-locked")


def test_without_a_script_everybody_can_still_sign_in(chromium: Browser, hub: SmallHub):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for _ in range(5):
        sign_in(page, hub, "3", "not the password")
    sign_in(page, hub, "3", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("请过 1 分钟再试")
    expect(page.locator("time")).to_be_hidden()
    expect(page.get_by_role("button", name="显示密码")).to_be_hidden()
    sign_in(page, hub, "4", PASSWORD)
    page.wait_for_url(f"{hub.url}/user/ql4/", timeout=30_000)
    context.close()


def test_opening_shows_how_far_it_is_and_goes_in_by_itself(page: Page, hub: SmallHub):
    (hub.folder / "homes" / "ql5" / "wait").write_text("6")
    sign_in(page, hub, "5")
    page.wait_for_url("**/spawn-pending/**")
    expect(page.get_by_role("status")).to_have_text(re.compile("正在"))
    expect(page.get_by_role("progressbar")).to_have_attribute("max", "100")
    check(page, "opening")
    page.wait_for_url(f"{hub.url}/user/ql5/", timeout=30_000)
    expect(page.get_by_role("heading")).to_have_text("ql5")


def test_what_does_not_open_is_told_and_can_be_tried_again(page: Page, hub: SmallHub):
    fail = hub.folder / "homes" / "ql6" / "fail"
    fail.touch()
    sign_in(page, hub, "6")
    button = page.get_by_role("link", name="再试一次").or_(page.get_by_role("link", name="回到首页"))
    expect(button).to_be_visible(timeout=40_000)
    page.goto(f"{hub.url}/hub/spawn-pending/ql6")
    expect(page.get_by_role("heading")).to_have_text("学习空间没有打开成功")
    check(page, "not-opened")
    fail.unlink()
    page.get_by_role("link", name="再试一次").click()
    page.wait_for_url(f"{hub.url}/user/ql6/", timeout=30_000)


def test_a_space_that_closed_can_be_opened_again_and_closing_is_shown(page: Page, hub: SmallHub):
    (hub.folder / "homes" / "ql7" / "stubborn").touch()
    sign_in(page, hub, "7")
    page.wait_for_url(f"{hub.url}/user/ql7/", timeout=30_000)
    page.goto(f"{hub.url}/hub/home")
    expect(page.get_by_role("heading")).to_have_text("您好，学员7")
    check(page, "home")
    xsrf = next(c["value"] for c in page.context.cookies() if c["name"] == "_xsrf" and c["path"] == "/hub/")
    stop = f"fetch('/hub/api/users/ql7/server?_xsrf={xsrf}', {{method: 'DELETE'}}).then(answer => answer.status)"
    assert page.evaluate(stop) == 202
    # The page asks again every few seconds: looked at without its script first.
    page.route("**/opening.js", lambda route: route.abort())
    page.goto(f"{hub.url}/hub/spawn-pending/ql7")
    expect(page.get_by_role("heading")).to_have_text("正在关闭上一次的学习空间")
    check(page, "closing")
    page.unroute("**/opening.js")
    page.goto(f"{hub.url}/hub/spawn-pending/ql7")
    expect(page.get_by_role("heading")).to_have_text("学习空间没有打开", timeout=60_000)
    page.goto(f"{hub.url}/user/ql7/notebooks/x")
    expect(page.get_by_role("heading")).to_have_text("学习空间没有打开")
    check(page, "not-running")
    (hub.folder / "homes" / "ql7" / "stubborn").unlink()
    page.get_by_role("link", name="打开我的学习").click()
    page.wait_for_url("**/user/ql7/notebooks/x**", timeout=30_000)


def test_a_password_is_changed_and_what_is_wrong_is_told(page: Page, hub: SmallHub):
    sign_in(page, hub, "8")
    page.wait_for_url(f"{hub.url}/user/ql8/", timeout=30_000)
    page.goto(f"{hub.url}/hub/home")
    page.get_by_role("link", name="修改密码").click()
    check(page, "change-password")

    def change(old: str) -> None:
        for label, text in (("原密码", old), ("新密码", OTHER), ("再输一次新密码", OTHER)):
            page.get_by_label(label, exact=True).fill(text)
        page.get_by_role("button", name="改密码").click()

    change("not it")
    expect(page.get_by_role("alert")).to_contain_text("原密码不对")
    check(page, "change-password-wrong")
    change(PASSWORD)
    expect(page.get_by_role("heading")).to_have_text("密码改好了")
    check(page, "password-changed")
    page.get_by_role("link", name="回到首页").click()
    page.get_by_role("link", name="退出登录").click()
    expect(page.get_by_role("heading")).to_have_text("登录")
    sign_in(page, hub, "8", OTHER)
    page.wait_for_url(f"{hub.url}/user/ql8/", timeout=30_000)


ERRORS = [
    ("/hub/nothing", 404, "找不到这个页面"),
    ("/hub/admin", 403, "不能打开这个页面"),
    ("/user/ql2/lab", 404, "找不到这个页面"),
    ("/hub/spawn/ql2/%3Cscript%3E", 404, "找不到这个页面"),
    ("/hub/error/500", 200, "程序出了问题"),
    ("/hub/error/503", 200, "学习空间暂时没有响应"),
    ("/hub/token", 200, "这里没有要办的事"),
    ("/hub/accept-share?code=x", 404, "找不到这个页面"),
    ("/hub/api/oauth2/authorize?client_id=x", 400, "这一步没有完成"),
]


def test_every_error_says_in_chinese_what_to_do(page: Page, hub: SmallHub):
    (hub.folder / "homes" / "ql4").mkdir(exist_ok=True)
    sign_in(page, hub, "4")
    page.wait_for_url(f"{hub.url}/user/ql4/", timeout=30_000)
    for path, status, heading in ERRORS:
        answer = page.goto(hub.url + path)
        assert answer is not None
        assert answer.status == status, path
        expect(page.get_by_role("heading")).to_have_text(heading)
        check(page, f"error-{path.strip('/').replace('/', '-').split('?')[0].replace('%', '')}")
        page.get_by_role("link", name="回到首页").click()
        expect(page.get_by_role("heading")).to_have_text("您好，学员4")
    page.goto(f"{hub.url}/hub/nothing")
    page.get_by_text("详情").click()
    expect(page.locator("details")).to_contain_text(f"{datetime.now(FAR_WEST):%H:}")


def test_a_dead_hub_is_told_by_the_proxy_s_own_page(tmp_path: Path, page: Page):
    write_proxy_pages(tmp_path)
    page.set_content((tmp_path / "503.html").read_text(encoding="utf-8"))
    expect(page.get_by_role("heading")).to_have_text("学习空间暂时没有响应")
    check(page, "proxy-503")


def test_a_form_may_lead_to_a_server_with_a_host_of_its_own(tmp_path: Path, chromium: Browser):
    db_url = make_roster(tmp_path / "gradebook.db", ("1", "学员1", "学员", False))
    hub = SmallHub(tmp_path, db_url, f'{PASSWORDS}\nc.JupyterHub.subdomain_host = "{{url}}"\n', host="class.localhost")
    with running(hub):
        hub.store.set_password("ql1", PASSWORD)
        context = chromium.new_context(locale="zh-CN")
        page = context.new_page()
        page.goto(hub.url)
        page.get_by_label("工号").fill("1")
        page.get_by_label("密码", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(re.compile(r"^http://[^/]*ql1\.class\.localhost:\d+/user/ql1/"), timeout=30_000)
        expect(page.get_by_role("heading")).to_have_text("ql1")
        context.close()
