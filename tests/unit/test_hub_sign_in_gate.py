"""What both authenticators share, and what single sign-on may be set to; no Hub, no provider."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tornado import web
from traitlets import TraitError
from traitlets.config import Config

from qinlian.hub.gate import RosterGate
from qinlian.hub.id_token import UnverifiedError
from qinlian.hub.listed import Listed
from qinlian.hub.sign_in import QinlianAuthenticator
from qinlian.hub.sign_in_desk import Refusal
from qinlian.hub.single_sign_on import QinlianSingleSignOn
from tests.sign_in_room import GONE, ZHANG, People

OPEN_TO_ALL = Config()
for section in ("Authenticator", "OAuthenticator", "QinlianAuthenticator", "QinlianSingleSignOn"):
    OPEN_TO_ALL[section] = Config(allow_all=True, allow_existing_users=True, allowed_users={"ql99999", "ql10002"})
OPEN_TO_ALL.OAuthenticator.allowed_scopes = []
ADMIN = Listed("ql1", "冯子墨", "管理员", archived=False)


@pytest.fixture(params=[QinlianAuthenticator, QinlianSingleSignOn])
def gate(request: pytest.FixtureRequest) -> RosterGate:
    made: RosterGate = request.param(config=OPEN_TO_ALL)
    made.roster = People(ZHANG, GONE, ADMIN)
    return made


def admitted(gate: RosterGate, name: str) -> dict[str, Any] | None:
    """What JupyterHub makes of somebody whom the authenticator has recognized."""

    async def recognized(*_: Any) -> dict[str, Any]:
        return {"name": name, "auth_state": {}}

    gate.authenticate = recognized
    found: dict[str, Any] | None = asyncio.run(gate.get_authenticated_user(None, None))
    return found


def test_the_roster_decides_whatever_else_is_allowed(gate: RosterGate):
    assert not gate.allow_all
    found = admitted(gate, "ql10001")
    assert found is not None
    assert found["user_info"] == {"name": "张三"}
    for name, said in (("ql10002", "已经不在名单上"), ("ql99999", "名单上没有您的工号"), ("root", "名单上没有")):
        with pytest.raises(web.HTTPError, match=said) as refused:
            admitted(gate, name)
        assert refused.value.status_code == 403


def test_a_roster_that_cannot_be_read_is_no_open_door(gate: RosterGate):
    gate.roster.broken = True
    with pytest.raises(web.HTTPError, match="登录服务暂时不可用") as refused:
        admitted(gate, "ql10001")
    assert refused.value.status_code == 503


def test_only_who_is_named_is_the_hub_s_administrator(gate: RosterGate):
    found = admitted(gate, "ql1")
    assert found is not None
    # False and not None: whoever was named once and is no more loses it.
    assert found["admin"] is False
    gate.admin_users = {"ql1"}
    again = admitted(gate, "ql1")
    assert again is not None
    assert again["admin"] is True


def test_whoever_is_archived_has_to_sign_in_again_and_nobody_else(gate: RosterGate, tmp_path: Path):
    gate.store_path = str(tmp_path / "sign-in.sqlite")

    def stays(name: str) -> Any:
        return asyncio.run(gate.refresh_user(SimpleNamespace(name=name)))

    assert stays("ql10001") is True
    assert stays("ql10002") is False
    assert stays("ql99999") is False
    gate.roster.broken = True
    assert stays("ql10001") is True


def test_a_token_does_not_outlive_its_owner_s_place(gate: RosterGate):
    assert gate.auth_refresh_strict
    assert gate.auth_refresh_age == 60


@pytest.mark.parametrize("trouble", ["no roster", "no store"])
def test_settings_that_lead_nowhere_open_no_door(tmp_path: Path, trouble: str):
    db_url = "nonsense" if trouble == "no roster" else f"sqlite:///{tmp_path / 'gradebook.db'}"
    made = QinlianAuthenticator(db_url=db_url, store_path=str(tmp_path / "no folder" / "sign-in.sqlite"))
    handler = SimpleNamespace(address="10.0.0.1", device="a" * 32, refusal=None)
    typed = {"username": "ql10001", "number": "10001", "password": "whatever it is"}
    assert asyncio.run(made.authenticate(handler, typed)) is None
    assert isinstance(handler.refusal, Refusal)
    assert (handler.refusal.status, "暂时不可用" in handler.refusal.text) == (503, True)
    # And whoever is in stays in.
    assert asyncio.run(made.refresh_user(SimpleNamespace(name="ql10001"))) is True


def test_deleting_a_hub_user_leaves_the_password(tmp_path: Path):
    made = QinlianAuthenticator(store_path=str(tmp_path / "sign-in.sqlite"))
    code = made.store.issue("ql10001")
    made.delete_user(SimpleNamespace(name="ql10001"))
    assert made.store.check_code("ql10001", code)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sign-in.sqlite"]


def test_more_people_than_can_wait_are_told_so(gate: RosterGate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("qinlian.hub.gate._QUEUE", 3)
    go = threading.Event()

    async def crowd() -> list[Any]:
        waiting = [asyncio.ensure_future(gate.aside(lambda: go.wait(10))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="现在登录的人太多") as refused:
            await gate.aside(lambda: True)
        assert (refused.value.status, refused.value.wait) == (503, 60)
        go.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(crowd()) == [True] * 3
    assert asyncio.run(gate.aside(lambda: "again")) == "again"


def test_single_sign_on_takes_no_address_in_the_clear():
    for wrong in ("http://sso.example.cn", "sso.example.cn", ""):
        with pytest.raises((TraitError, ValueError), match="https"):
            QinlianSingleSignOn(issuer=wrong)
    assert QinlianSingleSignOn(issuer="https://sso.example.cn").issuer == "https://sso.example.cn"


def test_single_sign_on_always_asks_with_openid_and_pkce():
    config = Config()
    config.QinlianSingleSignOn.scope = ["profile"]
    config.QinlianSingleSignOn.enable_pkce = False
    config.OAuthenticator.enable_pkce = False
    made = QinlianSingleSignOn(config=config)
    assert made.scope == ["openid", "profile"]
    assert made.enable_pkce


@pytest.mark.parametrize(
    ("said", "account"),
    [("10001", "ql10001"), (10001, "ql10001"), (" Ａ-7 ", "qla-7"), ("", None), (None, None), (["10001"], None)],
)
def test_the_claim_becomes_an_account(said: Any, account: str | None):
    made = QinlianSingleSignOn(username_claim="employee_number")
    if account:
        assert made.user_info_to_username({"employee_number": said}) == account
    else:
        with pytest.raises(web.HTTPError, match="没有可用的工号"):
            made.user_info_to_username({"employee_number": said})


def test_what_is_said_of_another_person_is_not_believed(monkeypatch: pytest.MonkeyPatch):
    made = QinlianSingleSignOn(userdata_url="https://sso.example.cn/me")
    tokens = {"access_token": "t", "token_type": "Bearer", "qinlian_claims": {"sub": "s-1", "iss": "i"}}

    def answering(said: Any) -> dict[str, Any]:
        async def answer(*_: Any, **__: Any) -> Any:
            return said

        monkeypatch.setattr(made, "httpfetch", answer)
        found: dict[str, Any] = asyncio.run(made.token_to_user(tokens))
        return found

    assert answering({"sub": "s-1", "employee_number": "10001"})["employee_number"] == "10001"
    for said in ({"sub": "s-2", "employee_number": "10001"}, {"employee_number": "10001"}, None, "text"):
        with pytest.raises(UnverifiedError):
            answering(said)
    made.userdata_url = ""
    assert asyncio.run(made.token_to_user(tokens)) == {"sub": "s-1", "iss": "i"}


def test_the_provider_s_keys_are_asked_for_again_when_they_changed_but_not_at_every_forgery(
    monkeypatch: pytest.MonkeyPatch,
):
    made = QinlianSingleSignOn(issuer="https://sso.example.cn", client_id="qinlian")
    asked: list[str] = []
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("qinlian.hub.single_sign_on.time", SimpleNamespace(monotonic=lambda: clock.now))

    async def answer(address: str, *_: Any, **__: Any) -> Any:
        asked.append(address)
        return {"keys": [{"kid": str(len(asked))}, "nonsense"]}

    monkeypatch.setattr(made, "httpfetch", answer)
    provider: Any = SimpleNamespace(keys_url="https://sso.example.cn/jwks")

    def keys(fresh: bool = False) -> list[str]:
        return [key["kid"] for key in asyncio.run(made._signing_keys(provider, fresh))]

    assert (keys(), keys(), keys(fresh=True)) == (["1"], ["1"], ["1"])
    clock.now += 31
    assert (keys(), keys(fresh=True), keys(fresh=True)) == (["1"], ["2"], ["2"])
    clock.now += 3601
    assert keys() == ["3"]


def test_who_is_signed_in_does_not_wait_for_other_peoples_passwords(gate: RosterGate):
    go_on = threading.Event()

    async def rush() -> Listed:
        hashing = [asyncio.ensure_future(gate.aside(go_on.wait)) for _ in range(20)]
        try:
            return await asyncio.wait_for(gate.look_up(lambda: ZHANG), 5)
        finally:
            go_on.set()
            await asyncio.gather(*hashing)

    assert asyncio.run(rush()) == ZHANG
