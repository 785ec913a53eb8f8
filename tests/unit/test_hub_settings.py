"""One record says where everything of a Hub lies; it is root's alone and keeps what was asked for before."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from qinlian.errors import ClassroomError
from qinlian.hub.servers import Wishes, settings_for
from qinlian.hub.settings import HubSettings, Ports, state_folder

PORTS = Ports(proxy_api=1, hub=2, formgrader=3, staff=4)


def settings(state: Path, **more: object) -> HubSettings:
    return HubSettings(state=state, course_id="qinlian", ports=PORTS, **more)  # type: ignore[arg-type]


class TestTheFile:
    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        made = settings(tmp_path, port=8100, database_url="postgresql+psycopg://u:p@h/d", admins=("qla1",))
        made.save()
        assert HubSettings.load(tmp_path) == made

    def test_nobody_else_reads_it(self, tmp_path: Path) -> None:
        settings(tmp_path).save()
        path = tmp_path / "hub" / "settings.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_what_is_printed_holds_no_secret(self, tmp_path: Path) -> None:
        made = settings(
            tmp_path, database_url="postgresql+psycopg://u:geheim@h/d", single_sign_on={"client_secret": "x9"}
        )
        said = repr(made)
        for secret in (made.roster_token, made.proxy_token, "geheim", "x9"):
            assert secret not in said

    def test_where_there_is_no_hub_the_way_out_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ClassroomError, match=r"run --hub"):
            HubSettings.load(tmp_path)

    def test_a_damaged_file_is_told_and_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "hub").mkdir()
        path = tmp_path / "hub" / "settings.json"
        path.write_text("{", "utf-8")
        with pytest.raises(ClassroomError, match="读不出来"):
            settings_for(tmp_path, "qinlian", Wishes())
        assert path.read_text("utf-8") == "{"


class TestPlaces:
    def test_the_gradebook_is_sqlite_unless_told_otherwise(self, tmp_path: Path) -> None:
        assert settings(tmp_path).db_url == f"sqlite:///{tmp_path}/classroom/gradebook.db"
        assert settings(tmp_path, database_url="postgresql+psycopg://h/d").db_url == "postgresql+psycopg://h/d"

    def test_what_learners_write_lies_together_and_apart_from_the_rest(self, tmp_path: Path) -> None:
        hub = settings(tmp_path)
        assert hub.exchange.parent == hub.homes.parent == hub.learners
        for place in (hub.classroom, hub.course_root, hub.private, hub.environment_folder):
            assert hub.learners not in (place, *place.parents)

    def test_the_folder_is_the_one_named_else_the_environments_else_the_usual(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("QINLIAN_STATE", raising=False)
        assert state_folder() == Path("/srv/qinlian")
        monkeypatch.setenv("QINLIAN_STATE", "/elsewhere")
        assert state_folder() == Path("/elsewhere")
        assert state_folder(Path("/named")) == Path("/named")


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "port": 80}, "http://127.0.0.1:80"),
        ({"certificate": "/c", "key": "/k", "port": 443, "host": "10.0.0.5"}, "https://10.0.0.5:443"),
        ({"known_as": "https://xuetang.example.cn/"}, "https://xuetang.example.cn"),
    ],
)
def test_the_address_that_people_type(tmp_path: Path, more: dict[str, object], url: str) -> None:
    assert settings(tmp_path, **more).url == url


class TestASecondStart:
    def test_keeps_what_the_first_one_was_told(self, tmp_path: Path) -> None:
        first = settings_for(
            tmp_path, "qinlian", Wishes(port=8123, contact="培训处", database_url="postgresql+psycopg://h/d")
        )
        first.save()
        again = settings_for(tmp_path, "qinlian", Wishes())
        assert again == first
        assert (again.port, again.database_url) == (8123, "postgresql+psycopg://h/d")

    def test_its_ports_are_not_those_that_any_program_may_be_given(self, tmp_path: Path) -> None:
        ports = settings_for(tmp_path, "qinlian", Wishes()).ports
        assert ports.hub < 1024 > ports.proxy_api
        assert 1024 < ports.formgrader < 32768 > ports.staff > 1024
        assert len(set(ports.model_dump().values())) == 4

    def test_takes_what_it_is_told_now(self, tmp_path: Path) -> None:
        settings_for(tmp_path, "qinlian", Wishes(port=8123)).save()
        assert settings_for(tmp_path, "qinlian", Wishes(port=8124, host="0.0.0.0")).port == 8124

    def test_of_another_course_is_refused(self, tmp_path: Path) -> None:
        settings_for(tmp_path, "qinlian", Wishes()).save()
        with pytest.raises(ClassroomError, match="--state"):
            settings_for(tmp_path, "other", Wishes())

    def test_a_certificate_needs_its_key(self, tmp_path: Path) -> None:
        (tmp_path / "cert.pem").touch()
        with pytest.raises(ClassroomError, match="--key"):
            settings_for(tmp_path, "qinlian", Wishes(certificate=tmp_path / "cert.pem"))
        with pytest.raises(ClassroomError, match="没有找到"):
            settings_for(tmp_path, "qinlian", Wishes(certificate=tmp_path / "none.pem"))

    def test_single_sign_on_is_read_from_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "sso.yaml").write_text("client_id: hub\nscope: [openid, profile]\n", "utf-8")
        made = settings_for(tmp_path, "qinlian", Wishes(single_sign_on=tmp_path / "sso.yaml"))
        assert made.single_sign_on == {"client_id": "hub", "scope": ["openid", "profile"]}
        (tmp_path / "sso.yaml").write_text("just words\n", "utf-8")
        with pytest.raises(ClassroomError, match="名称: 值"):
            settings_for(tmp_path, "qinlian", Wishes(single_sign_on=tmp_path / "sso.yaml"))
