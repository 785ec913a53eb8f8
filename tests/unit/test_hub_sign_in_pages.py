"""The Hub's pages: Chinese alone, escaped, and nothing of JupyterHub's own left to be met."""

from __future__ import annotations

import html
import re
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from qinlian.hub.pages import STATIC, TEMPLATES, page_handlers, write_proxy_pages
from qinlian.hub.sign_in_pages import visitor_address

STOCK = Path(sys.prefix) / "share" / "jupyterhub" / "templates"
EVIL = "<script>alert(1)</script>\"'&{{7*7}}"
FOR_ADMINISTRATORS = {"admin.html"}
NOT_SHOWN_ALONE = {"page.html", "404.html"}


@cache
def templates() -> Environment:
    """As JupyterHub finds them."""
    stock = PrefixLoader({"templates": FileSystemLoader(STOCK)}, "/")
    return Environment(loader=ChoiceLoader([stock, FileSystemLoader([TEMPLATES, STOCK])]), autoescape=True)


def render(name: str, **values: Any) -> str:
    common = {"base_url": "/hub/", "prefix": "/", "login_url": "/hub/login", "logout_url": "/hub/logout"}
    given = {**common, "user": None, "services": [], "parsed_scopes": {}, "xsrf": "token", **values}
    return templates().get_template(name).render(**given)


def person(name: str = "张三") -> SimpleNamespace:
    return SimpleNamespace(name="ql10001", user_info={"name": name}, groups=[])


def words(page: str) -> str:
    """What a person reads or hears of a page."""
    shown = re.sub(r"<(script|style|svg)\b.*?</\1>", "", page, flags=re.S)
    heard = " ".join(re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', shown))
    return html.unescape(re.sub(r"<[^>]*>", " ", shown)) + " " + heard


ENGLISH = re.compile(r"[A-Za-z]{3,}")
PAGES: list[tuple[str, dict[str, Any]]] = [
    ("login.html", {}),
    ("login.html", {"login_error": "Invalid username or password", "first": True, "other_url": "/hub/login"}),
    ("login.html", {"login_error": "试的次数太多了", "wait": 61, "retry_at": "2026-11-30T08:00:00+00:00"}),
    ("login.html", {"login_service": "用单位账号登录", "login_error": "Missing argument code"}),
    ("change-password.html", {"user": person(), "number": "10001"}),
    ("change-password.html", {"user": person(), "done": True}),
    ("spawn_pending.html", {"user": person(), "progress_url": "/hub/api/progress"}),
    ("stop_pending.html", {"user": person()}),
    ("not_running.html", {"user": person(), "spawn_url": "/hub/spawn", "implicit_spawn_seconds": 2}),
    ("not_running.html", {"user": person(), "failed": True, "failed_message": "Spawn failed: Timeout"}),
    ("home.html", {"user": person(), "url": "/hub/spawn"}),
    ("logout.html", {}),
    ("oauth.html", {"user": person(), "oauth_client": SimpleNamespace(description="教师页"), "allowed_scopes": ["a"]}),
    ("token.html", {"user": person()}),
    ("spawn.html", {"user": person(), "error_message": "Error", "spawner_options_form": ""}),
    ("accept-share.html", {"user": person()}),
    *(
        ("error.html", {"status_code": code, "status_message": "Forbidden", "message": "No such user"})
        for code in (400, 403, 404, 405, 418, 429, 500, 502, 503, 504)
    ),
]


def test_every_page_of_jupyterhub_has_one_of_ours_in_its_place():
    stock = {path.name for path in STOCK.glob("*.html")}
    ours = {path.name for path in TEMPLATES.glob("*.html")}
    assert stock - ours == FOR_ADMINISTRATORS | NOT_SHOWN_ALONE
    # JupyterHub's 404 extends error.html, which is ours, but has words of its own.
    assert "找不到这个页面" in render("404.html", status_code=404)


@pytest.mark.parametrize(("name", "values"), PAGES)
def test_a_page_says_nothing_in_english(name: str, values: dict[str, Any]):
    page = render(name, **values)
    assert '<html lang="zh-CN">' in page
    assert ENGLISH.findall(words(page)) == []
    assert re.search(r"<title>[^<]*[一-鿿][^<]* · 勤廉学堂</title>", page)


@pytest.mark.parametrize(("name", "values"), PAGES)
def test_a_page_has_no_inline_code_and_asks_nobody_else_for_anything(name: str, values: dict[str, Any]):
    page = render(name, **values)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy.group(1).startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert page.index("Content-Security-Policy") < page.index("<link")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|javascript:", page) == []
    assert [a for a in re.findall(r'(?:src|href|action)="([^"]+)"', page) if not a.startswith("/")] == []


def test_whatever_somebody_else_wrote_is_escaped():
    evil = SimpleNamespace(name=EVIL, user_info={"name": EVIL}, groups=[])
    client = SimpleNamespace(description=EVIL, identifier=EVIL)
    for name, values in PAGES:
        names = "username login_error message failed_message other_url retry_at contact announcement spawn_url"
        given = dict.fromkeys([*names.split(), "progress_url", "number", "url"], EVIL)
        page = render(name, **{**values, **given, "user": evil, "oauth_client": client, "allowed_scopes": [EVIL]})
        assert "<script>alert" not in page, name
        assert "49" not in words(page).replace(html.escape(EVIL), ""), name


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "没有打开它的权限"),
        (404, "地址可能写错了"),
        (500, "联系管理员"),
        (503, "请过一分钟再试"),
        (429, "请过一分钟再试"),
    ],
)
def test_an_error_page_says_what_to_do(status: int, said: str):
    page = render("error.html", status_code=status, message="Whatever JupyterHub says")
    assert said in page
    assert f"错误编号 {status}" in page
    assert "去登录" in page
    assert "回到首页" in render("error.html", status_code=status, user=person())


def test_an_error_page_shows_what_our_own_code_says():
    page = render("error.html", status_code=403, message="您已经不在名单上，不能登录")
    assert "您已经不在名单上，不能登录。" in page
    assert "<h1>没有登录成功</h1>" in page
    assert "没有打开它的权限" not in page
    assert "<h1>不能打开这个页面</h1>" in render("error.html", status_code=403, message="教师没有空间", user=person())


def test_a_form_that_lay_too_long_is_told_as_that():
    for message in ("'_xsrf' argument missing from POST", "XSRF cookie does not match POST argument"):
        assert "页面放得太久了" in words(render("error.html", status_code=403, message=message))


def test_instructors_are_led_to_their_pages_and_learners_to_theirs():
    teacher = person("王老师")
    teacher.groups = [SimpleNamespace(name="formgrade-qinlian")]
    assert 'href="/services/staff/"' in render("home.html", user=teacher, url="/hub/spawn/qlt1")
    learner = person()
    learner.groups = [SimpleNamespace(name="nbgrader-qinlian")]
    page = render("home.html", user=learner, url="/hub/spawn/ql10001")
    assert 'href="/hub/spawn/ql10001"' in page
    assert "staff" not in page
    assert "auth/change-password" in page
    assert "auth/change-password" not in render("home.html", user=learner, url="/", login_service="单位账号")


def test_the_pages_files_are_served_and_nothing_beside_them():
    patterns = [re.compile(f"/hub{pattern}$") for pattern, _, _ in page_handlers()]
    assert patterns[0].match("/hub/qinlian/portal.css")
    assert not patterns[0].match("/hub/qinlian/portal.js")
    roots = [Path(given["path"]) for _, _, given in page_handlers()]
    assert (roots[0] / "portal.css").is_file()
    assert (roots[0] / "mark.svg").is_file()
    assert sorted(path.name for path in roots[1].iterdir()) == ["forms.js", "hub.css", "opening.js"]
    assert roots[1] == STATIC


def test_the_proxy_s_pages_need_nobody(tmp_path: Path):
    write_proxy_pages(tmp_path / "pages", "/jupyter/")
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["404.html", "503.html", "error.html"]
    for path in (tmp_path / "pages").iterdir():
        page = path.read_text(encoding="utf-8")
        assert ENGLISH.findall(words(page)) == []
        assert re.findall(r"<(?:script|link|img)\b|@import|url\(", page) == []
        assert 'href="/jupyter/hub/home"' in page


def request(peer: str, **headers: str) -> HTTPServerRequest:
    context = SimpleNamespace(address=(peer, 40000), remote_ip=peer, protocol="http")
    connection: Any = SimpleNamespace(context=context)
    fields = HTTPHeaders({"Host": "hub.test"} | {name.replace("_", "-"): value for name, value in headers.items()})
    line = RequestStartLine("GET", "/hub/login", "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=fields, connection=connection)


@pytest.mark.parametrize(
    ("headers", "proxies", "found"),
    [
        ({}, 1, "127.0.0.1"),
        ({"X_Forwarded_For": "10.0.0.7"}, 1, "10.0.0.7"),
        ({"X_Forwarded_For": "1.1.1.1,10.0.0.7"}, 1, "10.0.0.7"),
        ({"X_Forwarded_For": "1.1.1.1, 10.0.0.7, 192.168.0.2"}, 2, "10.0.0.7"),
        ({"X_Forwarded_For": "10.0.0.7", "X_Real_Ip": "9.9.9.9"}, 1, "10.0.0.7"),
        ({"X_Forwarded_For": "10.0.0.7"}, 0, "127.0.0.1"),
        ({"X_Forwarded_For": "10.0.0.7"}, 3, "127.0.0.1"),
        ({"X_Forwarded_For": "::ffff:10.0.0.7"}, 1, "10.0.0.7"),
        ({"X_Forwarded_For": "2001:db8:1:2:aaaa::1"}, 1, "2001:db8:1:2::/64"),
        ({"X_Forwarded_For": "2001:db8:1:2:bbbb::9"}, 1, "2001:db8:1:2::/64"),
        ({"X_Forwarded_For": "no address"}, 1, "?"),
        ({"X_Forwarded_For": "fe80::1%eth0"}, 1, "fe80::/64"),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_saw(headers: dict[str, str], proxies: int, found: str):
    assert visitor_address(request("127.0.0.1", **headers), proxies) == found
