"""Single sign-on at a real Hub, against a certified OpenID provider, in a real browser."""

from __future__ import annotations

import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.classroom import picture, violations
from tests.hub.small_hub import NODE, SmallHub, Visitor, archive, make_roster, running
from tests.ports import free_ports

pytestmark = pytest.mark.hub

HERE = Path(__file__).parent / "oidc"
SETTINGS = """
c.JupyterHub.authenticator_class = "qinlian.hub.single_sign_on.QinlianSingleSignOn"
c.QinlianSingleSignOn.db_url = "{db_url}"
c.QinlianSingleSignOn.issuer = "ISSUER"
c.QinlianSingleSignOn.client_id = "CLIENT"
c.QinlianSingleSignOn.client_secret = "a-secret-of-the-tests-alone-0123456789"
c.QinlianSingleSignOn.oauth_callback_url = "{url}/hub/oauth_callback"
c.QinlianSingleSignOn.username_claim = "employee_number"
c.QinlianSingleSignOn.auth_refresh_age = 1
c.OAuthenticator.allow_all = True
"""
PEOPLE = [("10001", "张三", "学员", False), ("10003", "赵六", "学员", False), ("10002", "李四", "学员", True)]
AGAIN = "单位统一登录没有完成，请重新登录；仍不行请联系管理员。"


@contextmanager
def provider(port: int, callback: str) -> Iterator[str]:
    """A running provider; yields its issuer."""
    assert (HERE / "node_modules").is_dir(), f"npm ci has not been run in {HERE}; ./test hub does"
    command = [str(NODE), str(HERE / "provider.mjs"), str(port), callback]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("ready" in line for line in process.stdout)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def hub_with_provider(folder: Path, client: str = "qinlian", issuer: str = "") -> Iterator[SmallHub]:
    folder.mkdir(exist_ok=True)
    port = free_ports()
    settings = SETTINGS.replace("ISSUER", issuer or f"http://127.0.0.1:{port}").replace("CLIENT", client)
    hub = SmallHub(folder, make_roster(folder / "gradebook.db", *PEOPLE), settings.replace("PORT", str(port)))
    with provider(port, f"{hub.url}/hub/oauth_callback"), running(hub):
        yield hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    with hub_with_provider(tmp_path_factory.mktemp("hub")) as small:
        yield small


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="zh-CN")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def to_provider(page: Page, hub: SmallHub, next_page: str = "/hub/home") -> None:
    page.goto(f"{hub.url}/hub/login?next={urllib.parse.quote(next_page)}")
    page.get_by_role("link", name="用单位账号登录").click()


def at_provider(page: Page, login: str) -> None:
    """The institution's own pages, here the provider's."""
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill("any password does here")
    page.locator("[type=submit]").click()
    page.locator("[type=submit]").click()


def refused(page: Page, said: str) -> None:
    expect(page.locator("main")).to_contain_text(said)
    expect(page.get_by_role("link", name="去登录")).to_be_visible()
    assert not [c for c in page.context.cookies() if c["name"] == "jupyterhub-hub-login"]


def test_somebody_on_the_roster_comes_in(page: Page, hub: SmallHub):
    page.goto(f"{hub.url}/hub/login?next=/hub/home")
    picture(page, "hub-single-sign-on")
    assert violations(page) == []
    to_provider(page, hub)
    at_provider(page, "10001")
    expect(page.get_by_role("heading")).to_have_text("您好，张三")
    assert page.url == f"{hub.url}/hub/home"
    expect(page.get_by_role("link", name="修改密码")).to_have_count(0)
    page.get_by_role("link", name="退出登录").click()
    expect(page.get_by_role("link", name="用单位账号登录")).to_be_visible()


def test_full_width_digits_of_the_provider_are_the_same_number(page: Page, hub: SmallHub):
    to_provider(page, hub)
    at_provider(page, "１０００１")
    expect(page.get_by_role("heading")).to_have_text("您好，张三")


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("99999", "名单上没有您的工号，不能登录。请联系管理员核对名单。"),
        ("10002", "您已经不在名单上，不能登录。如果名单有误，请联系管理员。"),
        ("nobody", "单位账号里没有可用的工号，不能登录。请联系管理员核对统一登录的设置。"),
        ("../../root", "单位账号里没有可用的工号，不能登录。"),
    ],
)
def test_nobody_else_comes_in_whatever_the_provider_says(page: Page, hub: SmallHub, login: str, said: str):
    to_provider(page, hub)
    at_provider(page, login)
    refused(page, said)
    picture(page, f"hub-single-sign-on-{login.strip('./').replace('/', '-')}")
    assert violations(page) == []


def test_whoever_is_archived_later_is_out(page: Page, hub: SmallHub):
    to_provider(page, hub)
    at_provider(page, "10003")
    expect(page.get_by_role("heading")).to_have_text("您好，赵六")
    archive(hub.db_url, "10003")
    page.wait_for_timeout(1_200)
    page.goto(f"{hub.url}/hub/home")
    expect(page.get_by_role("link", name="用单位账号登录")).to_be_visible()


def changed(url: str, **query: str) -> str:
    parts = urllib.parse.urlsplit(url)
    known = dict(urllib.parse.parse_qsl(parts.query))
    return parts._replace(query=urllib.parse.urlencode(known | query)).geturl()


def query_of(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def way_back(page: Page, login: str) -> str:
    """Sign in at the provider and return the address it sends the browser back to, without going there."""
    caught: list[str] = []

    def consent(route: Route) -> None:
        if route.request.method != "POST" or "prompt=login" in (route.request.post_data or ""):
            route.continue_()
            return
        address = route.fetch(max_redirects=0).headers["location"]
        caught.append(page.request.get(address, max_redirects=0).headers["location"])
        route.fulfill(status=200, body="")

    page.route("**/interaction/*", consent)
    at_provider(page, login)
    page.wait_for_function("document.body.textContent.trim() === ''")
    page.unroute("**/interaction/*")
    return caught[0]


def test_a_state_of_another_browser_is_refused(page: Page, hub: SmallHub):
    other = query_of(Visitor(hub).ask("/hub/oauth_login", follow=False).address)["state"]
    to_provider(page, hub)
    back = way_back(page, "10001")
    for state in (other, query_of(back)["state"][:-8] + "AAAAAAA=", "bm9uc2Vuc2U=", "W10=", "bnVsbA==", "%", ""):
        # Each try takes the cookie away that belongs to the state, as a browser's own failed try does.
        kept = page.context.cookies()
        page.goto(changed(back, state=state))
        refused(page, AGAIN)
        page.context.add_cookies(kept)  # type: ignore[arg-type]
    page.goto(back)
    expect(page.get_by_role("heading")).to_have_text("您好，张三")


def test_a_nonce_of_somebody_else_is_refused(page: Page, hub: SmallHub):
    page.goto(f"{hub.url}/hub/login?next=/hub/home")
    address = page.request.get(f"{hub.url}/hub/oauth_login", max_redirects=0).headers["location"]
    assert len(query_of(address)["nonce"]) == 43
    # The provider signs whatever nonce the browser brings: here that of another sign-in.
    page.goto(changed(address, nonce="n" * 43))
    at_provider(page, "10001")
    refused(page, AGAIN)
    assert "id_token: the nonce is not ours" in hub.log


def test_a_code_cannot_be_used_in_another_browser(page: Page, hub: SmallHub, chromium: Browser):
    to_provider(page, hub)
    back = way_back(page, "10001")
    thief = chromium.new_context()
    robber = thief.new_page()
    begun = robber.request.get(f"{hub.url}/hub/oauth_login", max_redirects=0).headers["location"]
    # The thief's own state, the victim's code: the provider misses the PKCE verifier that goes with it.
    robber.goto(changed(back, state=query_of(begun)["state"]))
    refused(robber, AGAIN)
    # The victim's whole address: no state of this browser.
    robber.goto(back)
    refused(robber, AGAIN)
    thief.close()
    page.goto(back)
    expect(page.get_by_role("heading")).to_have_text("您好，张三")


def test_a_sign_in_is_good_once(page: Page, hub: SmallHub):
    seen: list[str] = []
    page.on("request", lambda sent: seen.append(sent.url) if "/oauth_callback?" in sent.url else None)
    to_provider(page, hub)
    at_provider(page, "10001")
    expect(page.get_by_role("heading")).to_have_text("您好，张三")
    page.goto(f"{hub.url}/hub/logout")
    page.goto(seen[0])
    refused(page, AGAIN)


def test_a_sign_in_that_was_cancelled_is_told(page: Page, hub: SmallHub):
    to_provider(page, hub)
    page.get_by_role("link", name="Cancel").click()
    refused(page, "您在单位的登录页上取消了登录，需要时请重新登录。")


def test_a_code_that_is_too_old_is_refused(tmp_path: Path, page: Page):
    with hub_with_provider(tmp_path / "hub", client="hasty") as hub:
        to_provider(page, hub)
        back = way_back(page, "10001")
        page.wait_for_timeout(2_200)
        page.goto(back)
        refused(page, AGAIN)


def test_a_provider_that_is_somebody_else_or_away_is_told(tmp_path: Path, page: Page):
    with hub_with_provider(tmp_path / "hub", issuer="http://localhost:PORT") as hub:
        to_provider(page, hub)
        refused(page, "单位的统一登录暂时连不上，请过几分钟再试；仍不行请联系管理员。")
        assert "the discovery document is not that of http://localhost" in hub.log


def test_the_way_to_the_provider_cannot_lead_to_another_site(hub: SmallHub):
    for target in ("https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test"):
        answer = Visitor(hub).ask(f"/hub/oauth_login?next={urllib.parse.quote(target)}", follow=False)
        assert answer.status == 302
        cookie = answer.headers["Set-Cookie"]
        assert "evil" not in urllib.parse.unquote(cookie)
        query = query_of(answer.address)
        assert query["code_challenge_method"] == "S256"
        assert query["response_type"] == "code"
        assert query["scope"] == "openid profile"


def test_a_password_cannot_be_sent_instead(hub: SmallHub):
    visitor = Visitor(hub)
    visitor.ask("/hub/login")
    answer = visitor.send("/hub/login", number="10001", username="10001", password="whatever it is")
    assert answer.status in (400, 403)
    assert "没有登录成功，请再试一次" in answer.text
    assert not visitor.signed_in
