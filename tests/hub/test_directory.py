"""The Hub's users and groups follow the roster, on a real JupyterHub with real servers and sessions."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from qinlian.errors import HubError
from qinlian.hub.directory import DirectoryChanges, HubApi, synchronise
from qinlian.roster.people import Person
from tests.hub.small_hub import SmallHub, Visitor, running
from tests.roster_room import person

pytestmark = pytest.mark.hub

TOKEN, ROOT = "roster-token-of-this-test", "administrators-token-of-this-test"
SETTINGS = f"""
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.services = [
    {{"name": "roster", "api_token": "{TOKEN}"}},
    {{"name": "administrator", "api_token": "{ROOT}", "admin": True}},
]
c.JupyterHub.load_roles = [
    {{"name": "roster", "services": ["roster"], "scopes": ["admin:users", "admin:groups", "admin:servers"]}},
]
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    folder = tmp_path_factory.mktemp("hub")
    with running(SmallHub(folder, "", SETTINGS)) as started:
        yield started


@pytest.fixture
def api(hub: SmallHub) -> HubApi:
    return HubApi(f"{hub.url}/hub/api", TOKEN)


def ask(hub: SmallHub, method: str, path: str, body: Any = None, token: str = ROOT) -> Any:
    request = urllib.request.Request(
        f"{hub.url}/hub/api{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {token}"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def members(hub: SmallHub, course: str) -> tuple[set[str], set[str]]:
    """(learners, instructors) as the Hub has them."""
    names = (f"nbgrader-{course}", f"formgrade-{course}")
    learners, instructors = (set(ask(hub, "GET", f"/groups/{name}")["users"]) for name in names)
    return learners, instructors


def gone(one: Person) -> Person:
    return one.model_copy(update={"archived_at": one.changed_at})


def home(hub: SmallHub, name: str, file: str, text: str) -> None:
    """Tell the server of ``name`` how to behave."""
    folder = hub.folder / "homes" / name
    folder.mkdir(parents=True)
    (folder / file).write_text(text)


def running_server(hub: SmallHub, name: str) -> None:
    ask(hub, "POST", f"/users/{name}/server", {})
    end = time.monotonic() + 60
    while not ask(hub, "GET", f"/users/{name}")["server"]:
        assert time.monotonic() < end, hub.log[-2000:]
        time.sleep(0.2)


def test_people_become_users_in_the_groups_of_their_roles_once(hub: SmallHub, api: HubApi):
    people = [
        person("a1"),
        person("a2"),
        person("a3", role="教师"),
        person("a4", role="管理员"),
        person("a5", gone=True),
    ]
    done = synchronise(people, api, "one")
    assert (done.added, done.joined) == (("qla1", "qla2", "qla3", "qla4"), ("qla1", "qla2", "qla3", "qla4"))
    assert done.text() == "Hub：新增用户 4 个，入组 4 个"
    assert members(hub, "one") == ({"qla1", "qla2"}, {"qla3", "qla4"})
    assert "qla5" not in api.users()
    again = synchronise(people, api, "one")
    assert (again, again.text()) == (DirectoryChanges(), "")


def test_who_changes_role_changes_group(hub: SmallHub, api: HubApi):
    synchronise([person("b1"), person("b2", role="教师")], api, "two")
    done = synchronise([person("b1", role="教师"), person("b2")], api, "two")
    assert (done.joined, done.left) == (("qlb1", "qlb2"), ("qlb1", "qlb2"))
    assert members(hub, "two") == ({"qlb2"}, {"qlb1"})


def test_whoever_the_roster_does_not_know_is_left_alone(hub: SmallHub, api: HubApi):
    synchronise([person("c1")], api, "three")
    ask(hub, "POST", "/users", {"usernames": ["stranger"]})
    ask(hub, "POST", "/groups/formgrade-three/users", {"users": ["stranger"]})
    synchronise([person("c1")], api, "three")
    assert members(hub, "three") == ({"qlc1"}, {"stranger"})


def test_with_who_leaves_server_session_and_token_end(hub: SmallHub, api: HubApi):
    people = [person("d1"), person("d2")]
    synchronise(people, api, "four")
    visitor = Visitor(hub)
    visitor.ask("/hub/login")
    visitor.send("/hub/login", follow=False, username="qld1", password="any")
    assert visitor.signed_in
    running_server(hub, "qld1")
    assert visitor.ask("/user/qld1/").status == 200
    token = ask(hub, "POST", "/users/qld1/tokens", {"note": "test"})["token"]
    assert ask(hub, "GET", "/user", token=token)["name"] == "qld1"

    done = synchronise([gone(people[0]), people[1]], api, "four")

    assert done.removed == ("qld1",)
    assert "qld1" not in api.users()
    assert members(hub, "four")[0] == {"qld2"}
    assert not visitor.signed_in
    assert "/hub/login" in visitor.ask("/user/qld1/").address, "there is no server: the Hub itself answers"
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(hub, "GET", "/user", token=token)
    assert refused.value.code == 403
    assert synchronise([gone(people[0]), people[1]], api, "four") == DirectoryChanges()


def test_somebody_who_leaves_while_their_server_starts_leaves_no_server_behind(hub: SmallHub, api: HubApi):
    one = person("e1")
    home(hub, "qle1", "wait", "12")
    synchronise([one], api, "five")
    ask(hub, "POST", "/users/qle1/server", {})
    assert ask(hub, "GET", "/users/qle1")["pending"] == "spawn"
    assert synchronise([gone(one)], api, "five").removed == ("qle1",)
    assert "qle1" not in api.users()
    assert "qle1" not in json.dumps(ask(hub, "GET", "/proxy"))


def test_a_server_that_will_not_stop_is_waited_for(hub: SmallHub, api: HubApi):
    one = person("i1")
    home(hub, "qli1", "stubborn", "")
    synchronise([one], api, "ten")
    running_server(hub, "qli1")
    assert synchronise([gone(one)], api, "ten").removed == ("qli1",)
    assert "qli1" not in api.users()


def test_who_comes_back_is_a_user_again(hub: SmallHub, api: HubApi):
    one = person("f1")
    for _ in range(2):
        assert synchronise([one], api, "six").added == ("qlf1",)
        assert synchronise([gone(one)], api, "six").removed == ("qlf1",)


def test_who_begins_to_teach_has_no_server_any_more(hub: SmallHub, api: HubApi):
    synchronise([person("g1")], api, "seven")
    running_server(hub, "qlg1")
    done = synchronise([person("g1", role="教师")], api, "seven")
    assert done.stopped == ("qlg1",)
    assert not ask(hub, "GET", "/users/qlg1")["server"]


def test_more_people_than_one_page_of_the_hub_holds(hub: SmallHub, api: HubApi):
    people = [person(f"h{n:03d}") for n in range(450)]
    assert len(synchronise(people, api, "eight").added) == 450
    assert synchronise(people, api, "eight") == DirectoryChanges()
    assert len(members(hub, "eight")[0]) == 450


def test_a_hub_that_is_down_or_knows_no_such_token_is_told_in_chinese(hub: SmallHub):
    with pytest.raises(HubError, match="不认名单的令牌"):
        synchronise([], HubApi(f"{hub.url}/hub/api", "wrong"), "nine")
    with pytest.raises(HubError, match="没有回答") as raised:
        synchronise([], HubApi("http://127.0.0.1:9/hub/api", TOKEN), "nine")
    assert TOKEN not in str(raised.value)
