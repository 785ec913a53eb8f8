"""The two servers of a local classroom: what each may do, and where its things lie."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from qinlian.classroom.jupyter import environment, write_settings
from qinlian.classroom.layout import INSTRUCTOR, LEARNER, Layout


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.delenv("QINLIAN_CLASSROOM", raising=False)
    made = Layout(tmp_path)
    made.make()
    return made


def settings(layout: Layout, role: str, name: str = "jupyter_server_config.json") -> Any:
    write_settings(layout, role, 9000)
    return json.loads((layout.jupyter(role) / "config" / name).read_text())


def test_the_classroom_is_closed_to_other_users_of_the_machine(layout: Layout) -> None:
    assert stat.S_IMODE(layout.base.stat().st_mode) == 0o700
    layout.tokens()
    assert stat.S_IMODE((layout.base / "tokens.json").stat().st_mode) == 0o600


def test_tokens_stay_over_restarts_and_differ_by_role(layout: Layout) -> None:
    tokens = layout.tokens()
    assert tokens == layout.tokens()
    assert tokens[LEARNER] != tokens[INSTRUCTOR]
    (layout.base / "tokens.json").write_text("{")
    assert layout.tokens() != tokens


def test_another_classroom_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QINLIAN_CLASSROOM", str(tmp_path / "other"))
    layout = Layout(tmp_path)
    assert layout.gradebook == tmp_path / "other" / "gradebook.db"
    assert layout.autograded == tmp_path / "other" / "autograded"


def test_both_servers_listen_on_this_machine_alone(layout: Layout) -> None:
    for role in (LEARNER, INSTRUCTOR):
        assert settings(layout, role)["ServerApp"]["ip"] == "127.0.0.1"


def test_the_learner_lands_on_my_learning_and_has_no_terminal_and_no_grading(layout: Layout) -> None:
    app = settings(layout, LEARNER)["ServerApp"]
    assert app["default_url"] == "/qinlian/"
    assert app["root_dir"] == str(layout.home)
    assert app["terminals_enabled"] is False
    on = {name for name, enabled in app["jpserver_extensions"].items() if enabled}
    assert on == {"jupyterlab", "notebook", "notebook_shim", "qinlian.portal"}
    off = settings(layout, LEARNER, "labconfig/page_config.json")["disabledExtensions"]
    assert off["@jupyter/nbgrader"]
    assert off["@jupyterlab/terminal-extension"]
    assert off["@jupyterlab/apputils-extension:announcements"]


def test_the_instructor_has_formgrader_over_the_course(layout: Layout) -> None:
    app = settings(layout, INSTRUCTOR)["ServerApp"]
    assert app["default_url"] == "/formgrader"
    assert app["root_dir"] == str(layout.root)
    assert app["jpserver_extensions"]["nbgrader.server_extensions.formgrader"]
    assert not app["jpserver_extensions"]["qinlian.portal"]


def test_menus_are_chinese(layout: Layout) -> None:
    for role in (LEARNER, INSTRUCTOR):
        overrides = settings(layout, role, "labconfig/default_setting_overrides.json")
        assert overrides["@jupyterlab/translation-extension:plugin"]["locale"] == "zh_CN"


def test_the_front_end_is_the_one_in_the_source_tree(layout: Layout) -> None:
    link = layout.share / "labextensions" / "qinlian"
    link.parent.mkdir(parents=True)
    link.symlink_to("/nowhere")
    write_settings(layout, LEARNER, 9000)
    assert (link / "package.json").is_file()


def test_the_learners_environment_knows_nothing_of_the_course(layout: Layout) -> None:
    base = {"PATH": "/bin", "QINLIAN_CLASSROOM": "/somewhere", "JUPYTER_CONFIG_DIR": "/mine"}
    env = environment(layout, LEARNER, "secret", "qinlian", base)
    assert env["QINLIAN_LEARNER"] == LEARNER
    assert env["QINLIAN_EXCHANGE"] == str(layout.exchange)
    assert "QINLIAN_CLASSROOM" not in env
    assert env["JUPYTER_CONFIG_DIR"].startswith(str(layout.base))
    assert "course" not in " ".join(v for k, v in env.items() if k not in ("QINLIAN_COURSE_ID", "PATH")).split("/")


def test_the_learner_is_told_where_the_grader_writes_to_them_and_the_instructors_server_is_not(layout: Layout) -> None:
    assert environment(layout, LEARNER, "t", "qinlian", {}, letterbox="ab")["QINLIAN_LETTERBOX"] == "ab"
    assert "QINLIAN_LETTERBOX" not in environment(layout, INSTRUCTOR, "t", "qinlian", {}, letterbox="ab")


def test_the_token_is_in_no_file_and_on_no_command_line(layout: Layout) -> None:
    write_settings(layout, LEARNER, 9000)
    token = layout.tokens()[LEARNER]
    files = [p for p in layout.jupyter(LEARNER).rglob("*") if p.is_file()]
    assert files
    assert not [p for p in files if token in p.read_text()]
