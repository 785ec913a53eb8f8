"""A learner's pod as the Hub prepares it: whose number, which folders, what it is told."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from qinlian.core.files import letterbox_name
from qinlian.errors import HubError, SignInError
from qinlian.hub.listed import Listed
from qinlian.hub.pods import Places, Pods, configure

SECRET = bytes(range(32))
PEOPLE = {
    "ql1001": Listed("ql1001", "周晓岚", "学员", archived=False, track="年轻干部", uid=20_001),
    "ql1002": Listed("ql1002", "林老师", "教师", archived=False, uid=20_002),
    "ql1003": Listed("ql1003", "王五", "学员", archived=True, uid=20_003),
    "ql1-": Listed("ql1-", "赵六", "学员", archived=False, uid=20_004),
    "ql65534": Listed("ql65534", "孙七", "学员", archived=False, uid=65_534),
}


@dataclass
class KnownPeople:
    """A roster in memory: another implementation of the port that the Hub looks people up through."""

    people: dict[str, Listed] = field(default_factory=lambda: PEOPLE)
    broken: bool = False

    def find(self, account: str) -> Listed | None:
        if self.broken:
            raise SignInError("名单数据库读不出来")
        return self.people.get(account)


def prepared(account: str, *, roster: KnownPeople | None = None, **given: Any) -> SimpleNamespace:
    """The settings a spawner has after the hook; KubeSpawner itself is asked in test_hub_pods_manifest."""
    spawner = SimpleNamespace(
        user=SimpleNamespace(name=account),
        image="learner:1",
        volume_mounts=[{"name": "tmp", "mountPath": "/tmp"}],
        environment={"LANG": "C.UTF-8"},
        **given,
    )
    pods = Pods(roster or KnownPeople(), Places("qinlian"), SECRET)
    asyncio.run(pods.prepare(spawner))
    return spawner


class TestWhoseNumber:
    def test_everything_in_the_pod_runs_under_the_number_of_the_roster(self) -> None:
        spawner = prepared("ql1001")
        assert (spawner.uid, spawner.gid) == (20_001, 20_001)
        assert spawner.pod_security_context["runAsUser"] == spawner.pod_security_context["runAsGroup"] == 20_001

    def test_no_group_of_its_own_reaches_for_the_shared_volumes(self) -> None:
        spawner = prepared("ql1001")
        assert spawner.fs_gid is None
        assert spawner.supplemental_gids == []
        assert "fsGroup" not in spawner.pod_security_context

    def test_two_learners_never_share_one(self) -> None:
        assert prepared("ql1001").uid != prepared("ql1-").uid

    def test_nobodys_number_is_given_to_nobody(self) -> None:
        with pytest.raises(HubError, match="系统保留"):
            prepared("ql65534")


class TestFolders:
    def test_home_is_the_learners_own_folder_of_the_volume(self) -> None:
        (home,) = [m for m in prepared("ql1001").volume_mounts if m["name"] == "homes"]
        assert (home["subPath"], home["mountPath"]) == ("people/ql1001", "/srv/qinlian/home")

    def test_an_account_that_ends_in_a_hyphen_gets_its_own_and_not_its_namesakes(self) -> None:
        (home,) = [m for m in prepared("ql1-").volume_mounts if m["name"] == "homes"]
        assert home["subPath"] == "people/ql1-"

    def test_of_the_exchange_only_inbound_can_be_written_to(self) -> None:
        mounts = {m["subPath"]: m["readOnly"] for m in prepared("ql1001").volume_mounts if m["name"] == "exchange"}
        assert mounts == {"qinlian/outbound": True, "qinlian/inbound": False, "qinlian/feedback": True}

    def test_what_is_mounted_for_everybody_stays(self) -> None:
        assert {"name": "tmp", "mountPath": "/tmp"} in prepared("ql1001").volume_mounts

    def test_a_second_start_adds_nothing(self) -> None:
        spawner = prepared("ql1001")
        before = list(spawner.volume_mounts)
        asyncio.run(Pods(KnownPeople(), Places("qinlian"), SECRET).prepare(spawner))
        assert spawner.volume_mounts == before

    def test_the_home_is_made_before_the_server_starts_closed_to_others(self) -> None:
        (first,) = prepared("ql1001").init_containers
        assert first["command"] == ["mkdir", "-p", "-m", "0700", "/homes/ql1001"]
        assert first["volumeMounts"] == [{"name": "homes", "mountPath": "/homes", "subPath": "people"}]


class TestWhatItIsTold:
    def test_course_track_and_letterbox(self) -> None:
        told = prepared("ql1001").environment
        assert told["QINLIAN_COURSE_ID"] == "qinlian"
        assert told["QINLIAN_TRACK"] == "年轻干部"
        assert told["QINLIAN_LETTERBOX"] == letterbox_name(SECRET, "ql1001")
        assert (told["HOME"], told["USER"], told["LANG"]) == ("/srv/qinlian/home", "ql1001", "C.UTF-8")

    def test_neither_database_nor_secret_are_among_it(self) -> None:
        told = " ".join(f"{name}={value}" for name, value in prepared("ql1001").environment.items())
        assert "DATABASE" not in told
        assert SECRET.hex() not in told

    def test_braces_in_a_track_are_text_to_kubespawner(self) -> None:
        odd = Listed("ql7", "周", "学员", archived=False, track="{userid}", uid=20_009)
        assert prepared("ql7", roster=KnownPeople({"ql7": odd})).environment["QINLIAN_TRACK"] == "{{userid}}"


class TestWhoGetsNone:
    @pytest.mark.parametrize(
        ("account", "reason"),
        [("ql1002", "教师工作台"), ("ql1003", "已经不在名单上"), ("ql9999", "名单里没有")],
    )
    def test_the_reason_is_what_the_page_shows(self, account: str, reason: str) -> None:
        with pytest.raises(HubError, match=reason) as refused:
            prepared(account)
        assert refused.value.jupyterhub_message == str(refused.value)  # type: ignore[attr-defined]

    def test_without_the_roster_nobody_gets_one_under_a_number_that_was_guessed(self) -> None:
        with pytest.raises(HubError, match="暂时读不到名单"):
            prepared("ql1001", roster=KnownPeople(broken=True))


class TestConfiguration:
    def test_the_charts_spawner_is_given_the_hook_and_the_gate_the_roster(self, tmp_path: Path) -> None:
        (tmp_path / "secret.txt").write_text(SECRET.hex())
        url = f"sqlite:///{tmp_path / 'gradebook.db'}"
        c = Config()
        configure(
            c, {"QINLIAN_DATABASE_URL": url, "QINLIAN_COURSE_ID": "qinlian", "QINLIAN_COURSE_SECRET": str(tmp_path)}
        )
        hook = c.KubeSpawner.pre_spawn_hook
        assert copy.deepcopy(c).KubeSpawner.pre_spawn_hook is hook, "every spawner copies its configuration"
        assert c.RosterGate.db_url == url
        assert Path(c.JupyterHub.template_paths[0], "login.html").is_file()

    def test_what_is_missing_is_named(self) -> None:
        with pytest.raises(HubError, match="QINLIAN_DATABASE_URL、QINLIAN_COURSE_SECRET"):
            configure(Config(), {"QINLIAN_COURSE_ID": "qinlian"})

    def test_a_secret_that_is_none_is_refused_and_not_shown(self, tmp_path: Path) -> None:
        (tmp_path / "secret.txt").write_text("abc123")
        environ = {
            "QINLIAN_DATABASE_URL": "sqlite://",
            "QINLIAN_COURSE_ID": "x",
            "QINLIAN_COURSE_SECRET": str(tmp_path),
        }
        with pytest.raises(HubError, match="密钥") as refused:
            configure(Config(), environ)
        assert "abc123" not in str(refused.value)
