"""Signing in at a real Hub through its real proxy, by people and by those who attack it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.hub.small_hub import PASSWORDS, Answer, SmallHub, Visitor, api, archive, as_json, make_roster, running, said

pytestmark = pytest.mark.hub

PASSWORD, OTHER = "一句自己好记的话就行了", "另一句自己好记的话也行"
WRONG = "工号或密码不对。还没有设过密码的，请走“第一次登录”；忘了密码，请联系管理员重置。"
SETTINGS = f"""{PASSWORDS}
c.QinlianAuthenticator.auth_refresh_age = 1
c.QinlianAuthenticator.admin_users = {{"ql9002"}}
c.Authenticator.allow_all = True
"""
PEOPLE = [(str(number), f"学员{number}", "学员", False) for number in range(1001, 1031)]
STAFF = [("9001", "管理一", "管理员", False), ("9002", "管理二", "管理员", False)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    folder = tmp_path_factory.mktemp("hub")
    db_url = make_roster(folder / "gradebook.db", *PEOPLE, *STAFF, ("2001", "已离开", "学员", True))
    with running(SmallHub(folder, db_url, SETTINGS)) as small:
        yield small


@pytest.fixture
def number(hub: SmallHub, request: pytest.FixtureRequest) -> str:
    """A learner of the test's own, with a password."""
    found = next(n for n, *_ in PEOPLE if not hub.store.standing(f"ql{n}").has_password)
    hub.store.set_password(f"ql{found}", PASSWORD)
    return found


def let_in(answer: Answer) -> bool:
    return answer.status == 302 and answer.address.startswith("/hub/spawn")


def test_a_one_time_code_opens_the_door_once(hub: SmallHub):
    code = hub.store.issue("ql1030")
    learner = Visitor(hub)
    assert said(learner.first_sign_in("１０３０", code, "太短")) == "密码至少要10个字符，可以用一句自己好记的话。"
    assert let_in(learner.first_sign_in("１０３０", f"{code[:5]}-{code[5:]}".lower(), PASSWORD))
    assert learner.signed_in
    thief = Visitor(hub)
    assert "也可能登录码已经用过" in said(thief.first_sign_in("1030", code, OTHER))
    assert not thief.signed_in
    assert let_in(Visitor(hub).sign_in("1030", PASSWORD))


def test_nobody_takes_an_account_by_its_number_alone(hub: SmallHub):
    thief = Visitor(hub)
    answer = thief.sign_in("1029", "whatever I like 24")
    assert (answer.status, said(answer)) == (403, WRONG)
    assert "首次登录码不对" in said(thief.first_sign_in("1029", "", "whatever I like 24"))
    assert not hub.store.standing("ql1029").has_password


def test_an_account_that_exists_looks_like_one_that_does_not(hub: SmallHub, number: str):
    def page(typed: str, password: str) -> tuple[int, str, list[str]]:
        answer = Visitor(hub).sign_in(typed, password)
        text = re.sub(r'name="_xsrf" value="[^"]*"', "", answer.text).replace(typed, "…")
        return answer.status, text, sorted(set(answer.headers.keys()) - {"Date"})

    known = page(number, "wrong words here")
    assert page("777777", "wrong words here") == known
    assert page("1029", PASSWORD) == known
    assert page("2001", "wrong words here") == known
    assert known[0] == 403


def test_somebody_archived_is_told_so(hub: SmallHub):
    hub.store.set_password("ql2001", PASSWORD)
    answer = Visitor(hub).sign_in("2001", PASSWORD)
    assert (answer.status, said(answer)) == (403, "您已经不在名单上，不能登录。如果名单有误，请联系管理员。")


def test_whoever_is_archived_later_is_out_soon_with_their_tokens(hub: SmallHub, number: str):
    learner = Visitor(hub)
    assert let_in(learner.sign_in(number, PASSWORD))
    token = personal_token(learner, number)
    assert as_json(api(hub, "/user", token))["name"] == f"ql{number}"
    archive(hub.db_url, number)
    time.sleep(1.2)
    assert not learner.signed_in
    assert api(hub, "/user", token).status == 403
    assert "不在名单上" in said(learner.sign_in(number, PASSWORD))


def personal_token(visitor: Visitor, number: str, note: str = "") -> str:
    """A token as anybody can make one for themselves through the REST API."""
    visitor.ask("/hub/home")
    answer = visitor.ask(
        f"/hub/api/users/ql{number}/tokens?_xsrf={visitor.xsrf}",
        raw=f'{{"note": "{note}"}}',
        Content_Type="application/json",
    )
    assert answer.status == 201, answer.text
    return str(as_json(answer)["token"])


def test_guessing_stops_after_five_and_tells_when_to_try_again(hub: SmallHub, number: str):
    thief = Visitor(hub)
    assert [thief.sign_in(number, f"guess {n}").status for n in range(5)] == [403] * 5
    answer = thief.sign_in(number, PASSWORD)
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert said(answer).startswith("试的次数太多了。请过1分钟再试")
    assert re.search(r'<time datetime="20\d\d-[^"]*\+00:00">', answer.text)


def test_an_address_that_the_browser_made_up_wins_nothing(hub: SmallHub, number: str):
    tried = []
    for n in range(8):
        made_up = {"X_Real_Ip": f"198.51.100.{n}", "X_Forwarded_For": f"198.51.100.{n}", "Forwarded": f"for=1.2.3.{n}"}
        thief = Visitor(hub, **{name.replace("_", "-"): value for name, value in made_up.items()})
        tried.append(thief.sign_in(number, f"guess {n}").status)
    assert tried == [403] * 5 + [429] * 3


def test_not_even_around_the_proxy_can_an_account_be_guessed_at_will(hub: SmallHub, number: str):
    tried = []
    for n in range(34):
        thief = Visitor(hub, **{"X-Forwarded-For": f"198.51.100.{n}"})
        around = f"http://127.0.0.1:{hub.hub_port}"
        thief.ask("/hub/login", base=around)
        tried.append(thief.send("/hub/login", False, around, number=number, password=f"guess {n}").status)
    assert tried == [403] * 30 + [429] * 4


def test_a_lock_a_password_and_a_session_outlive_the_hub(hub: SmallHub, number: str):
    learner, thief = Visitor(hub), Visitor(hub)
    assert let_in(learner.sign_in(number, PASSWORD))
    for n in range(6):
        answer = thief.sign_in(number, f"guess {n}")
    assert answer.status == 429
    hub.kill()
    hub.start()
    assert thief.sign_in(number, PASSWORD).status == 429
    assert learner.signed_in
    learner.ask("/hub/logout")
    # The thief sat at the same address; the learner's own browser is known.
    assert let_in(learner.sign_in(number, PASSWORD))


def test_changing_the_password_ends_what_is_open_elsewhere(hub: SmallHub, number: str):
    here, there = Visitor(hub), Visitor(hub)
    for visitor in (here, there):
        assert let_in(visitor.sign_in(number, PASSWORD))
    tokens = [personal_token(there, number), personal_token(there, number, f"Server at /user/ql{number}/")]
    here.ask("/hub/auth/change-password")
    path, new = "/hub/auth/change-password", {"password": OTHER, "again": OTHER}
    assert said(here.send(path, old="not it", **new)) == "原密码不对，请重新输入；忘了密码，请联系管理员重置。"
    assert there.signed_in
    answer = here.send(path, old=PASSWORD, **new)
    assert (answer.status, "密码改好了" in answer.text) == (200, True)
    assert here.signed_in
    assert not there.signed_in
    assert [api(hub, "/user", token).status for token in tokens] == [403, 403]
    assert Visitor(hub).sign_in(number, PASSWORD).status == 403
    assert let_in(Visitor(hub).sign_in(number, OTHER))


def test_an_administrator_s_reset_ends_everything_and_gives_a_new_code(hub: SmallHub, number: str):
    learner = Visitor(hub)
    assert let_in(learner.sign_in(number, PASSWORD))
    code = hub.store.reset(f"ql{number}")
    time.sleep(1.2)
    assert not learner.signed_in
    assert learner.sign_in(number, PASSWORD).status == 403
    assert let_in(learner.first_sign_in(number, code, OTHER))
    time.sleep(1.2)
    assert learner.signed_in


@pytest.mark.parametrize("path", ["/hub/login", "/hub/auth/change-password"])
def test_a_form_from_another_site_is_refused(hub: SmallHub, number: str, path: str):
    learner = Visitor(hub)
    form = {"number": number, "password": PASSWORD, "old": PASSWORD, "again": OTHER}
    if "change" in path:
        assert let_in(learner.sign_in(number, PASSWORD))
        form["password"] = OTHER
    stranger = Visitor(hub, **{"User-Agent": "another browser"})
    stranger.ask("/hub/login")
    for token in ({}, {"_xsrf": "made up"}, {"_xsrf": stranger.xsrf}):
        answer = learner.ask(
            path,
            {**form, **token},
            follow=False,
            Origin="https://evil.test",
            Sec_Fetch_Site="cross-site",
            Sec_Fetch_Mode="navigate",
        )
        assert answer.status == 403
        assert "放得太久了" in answer.text
    assert hub.store.check(f"ql{number}", PASSWORD)
    if "change" not in path:
        assert not learner.signed_in


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test/",
        "///evil.test",
        "////evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "/\r\nLocation: https://evil.test",
        " https://evil.test",
        "https:evil.test",
        "http:/\\/evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "/hub/\x00//evil.test",
        "https://127.0.0.1@evil.test/",
        "http://127.0.0.1:1/",
        "evil.test",
    ],
)
def test_after_signing_in_nobody_is_sent_to_another_site(hub: SmallHub, target: str):
    hub.store.set_password("ql1028", PASSWORD)
    visitor = Visitor(hub)
    where = f"/hub/login?next={quote(target)}"
    page = visitor.ask(where)
    assert page.status == 200
    answer = visitor.send(where, False, number="1028", password=PASSWORD)
    assert answer.status == 302
    assert re.match(r"/(?![/\\])[!-~]*$", answer.address), answer.address
    assert "evil" not in answer.address or answer.address.startswith("/hub/")
    # Whoever is signed in already is sent on by the page itself.
    again = visitor.ask(where, follow=False)
    assert re.match(r"/(?![/\\])[!-~]*$", again.address), again.address


def test_a_page_of_this_site_is_gone_to(hub: SmallHub):
    hub.store.set_password("ql1028", PASSWORD)
    visitor = Visitor(hub)
    visitor.ask("/hub/login?next=%2Fhub%2Fhome%3Fa%3D1")
    answer = visitor.send("/hub/login?next=%2Fhub%2Fhome%3Fa%3D1", False, number="1028", password=PASSWORD)
    assert answer.address == "/hub/home?a=1"


ODD = [
    "",
    " ",
    ".",
    "..",
    "../../etc/passwd",
    "%2e%2e",
    "a/b",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}${7*7}",
    "1001\x00",
    "1001\n1002",
    "' OR '1'='1",
    "🎋",
    "１００１＇",
    "٣",
    "İ",
    "\u202e1001",
    "x" * 5_000,
    "%",
    "ql" * 40,
]


@pytest.mark.parametrize("typed", ODD, ids=ascii)
def test_odd_names_are_refused_like_any_other(hub: SmallHub, typed: str):
    # Around the proxy, so that these have a place of their own to fail in.
    visitor, around = Visitor(hub, **{"X-Forwarded-For": "203.0.113.7"}), f"http://127.0.0.1:{hub.hub_port}"
    visitor.ask("/hub/login", base=around)
    for step in ("", "first"):
        fields = {"number": typed, "password": OTHER, "again": OTHER, "code": typed, "step": step}
        answer = visitor.send("/hub/login", False, around, **fields)
        assert answer.status in (400, 403, 429)
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert ("{{7*7}}" in answer.text) == ("{{7*7}}" in typed)
    assert visitor.ask("/hub/login", {"_xsrf": visitor.xsrf}, base=around).status in (403, 429)


def test_a_form_with_a_file_or_twice_the_same_field_is_no_server_error(hub: SmallHub):
    visitor = Visitor(hub)
    visitor.ask("/hub/login")
    body = f"_xsrf={visitor.xsrf}&number=a&number=1001&password=%ff%fe&password=x"
    answer = visitor.ask("/hub/login", raw=body, Content_Type="application/x-www-form-urlencoded")
    assert answer.status in (400, 403)


def test_a_role_of_the_roster_makes_nobody_the_hub_s_administrator(hub: SmallHub):
    for number, status in (("9001", 403), ("9002", 200)):
        hub.store.set_password(f"ql{number}", PASSWORD)
        visitor = Visitor(hub)
        assert let_in(visitor.sign_in(number, PASSWORD))
        assert visitor.ask("/hub/admin").status == status
        assert ("管理 Hub" in visitor.ask("/hub/home").text) == (status == 200)


def test_without_the_roster_nobody_comes_in_and_nobody_is_thrown_out(hub: SmallHub, number: str):
    learner, roster = Visitor(hub), Path(hub.db_url.removeprefix("sqlite:///"))
    assert let_in(learner.sign_in(number, PASSWORD))
    away = roster.with_name("away.db")
    shutil.move(roster, away)
    try:
        time.sleep(1.2)
        answer = Visitor(hub).sign_in(number, PASSWORD)
        assert (answer.status, said(answer)) == (503, "登录服务暂时不可用，请过几分钟再试；仍不行请联系管理员。")
        assert learner.signed_in
        assert not roster.exists()
    finally:
        shutil.move(away, roster)
    assert let_in(Visitor(hub).sign_in(number, PASSWORD))


def test_the_pages_are_not_kept_by_a_shared_browser(hub: SmallHub):
    visitor = Visitor(hub)
    assert visitor.ask("/hub/login").headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in visitor.ask("/hub/login").headers["Content-Security-Policy"]
    cookies = {cookie.name: cookie for cookie in visitor.cookies}
    assert all(cookie.path == "/hub/" for cookie in cookies.values())


def test_no_password_and_no_code_gets_into_the_log(hub: SmallHub, number: str):
    code = hub.store.issue(f"ql{number}")
    visitor = Visitor(hub)
    visitor.sign_in("my secret words by mistake", "more secret words")
    visitor.first_sign_in(number, "WRONGWRONG", "secret new words")
    visitor.first_sign_in(number, code, "secret new words")
    log = hub.log
    assert "Failed login for 'what is no number'" in log
    for secret in ("secret words", "secret new words", code, "WRONGWRONG", PASSWORD, "guess 1"):
        assert secret not in log
