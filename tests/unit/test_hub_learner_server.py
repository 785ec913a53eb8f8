"""A learner's server on a Hub: what is on in it, what is not, and that a learner's own files change none of it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH
from jupyter_server.extension.config import ExtensionConfigManager

from qinlian.hub.learner_server import Patience, learner_command, learner_environment, write_learner_settings


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    folder = tmp_path / "learner"
    write_learner_settings(folder)
    return folder


@pytest.fixture
def environment(tmp_path: Path, settings: Path) -> dict[str, str]:
    return learner_environment(
        home=tmp_path / "home",
        exchange=tmp_path / "exchange",
        course_id="qinlian",
        track="机关干部",
        letterbox="f00",
        settings=settings,
    )


def read(settings: Path, name: str = "etc/jupyter_server_config.json") -> Any:
    return json.loads((settings / name).read_text("utf-8"))


def seen_by_the_server(environment: dict[str, str], code: str) -> list[str]:
    """What ``code`` prints where a learner's server would run it, with JupyterHub's own refusal of settings at home."""
    start = (
        "from pathlib import Path\nfrom jupyter_server.serverapp import ServerApp\n"
        "from jupyterhub.singleuser._disable_user_config import _disable_user_config\n"
        "app = ServerApp()\n_disable_user_config(app)\n"
    )
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", start + code],
        env=base | environment,
        cwd=environment["HOME"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_nothing_but_the_lesson_and_my_learning_is_on_whatever_is_installed(settings: Path) -> None:
    paths = [str(settings / "etc"), *ENV_CONFIG_PATH, *SYSTEM_CONFIG_PATH]
    installed = ExtensionConfigManager(read_config_path=paths).get_jpserver_extensions()
    named = read(settings)["ServerApp"]["jpserver_extensions"]
    assert {name for name, on in (installed | named).items() if on} == {"notebook", "qinlian.portal"}


def test_there_is_no_terminal_no_export_and_no_nbgrader_in_the_front_end(settings: Path) -> None:
    off = read(settings, "etc/labconfig/page_config.json")["disabledExtensions"]
    assert {
        "@jupyter/nbgrader",
        "@jupyter-notebook/terminal-extension",
        "@jupyterlab/terminal-extension",
        "@jupyterlab/extensionmanager-extension",
        "@jupyterlab/notebook-extension:export",
    } <= {name for name, no in off.items() if no}
    assert read(settings)["ServerApp"]["terminals_enabled"] is False
    overrides = read(settings, "etc/labconfig/default_setting_overrides.json")
    assert overrides["@jupyterlab/translation-extension:plugin"] == {"locale": "zh_CN"}


def test_everybody_reads_the_settings_and_only_their_owner_writes_them(settings: Path) -> None:
    os.umask(os.umask(0o077))
    for path in (settings, *settings.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644)


def test_kernels_speak_only_to_those_who_have_the_key(settings: Path) -> None:
    kernel = read(settings, "share/kernels/python3/kernel.json")
    assert kernel["argv"] == ["python", "-P", "-m", "qinlian.quiz.kernel", "-f", "{connection_file}"]
    assert kernel["metadata"]["supported_encryption"] == ["curve"]
    assert read(settings)["MappingKernelManager"]["transport_encryption"] == "required"


def test_what_nobody_uses_ends_after_the_time_that_was_given(tmp_path: Path) -> None:
    write_learner_settings(tmp_path, patience=Patience(kernel=40, closed=9, server=70))
    found = read(tmp_path)
    assert found["MappingKernelManager"]["cull_idle_timeout"] == 40
    assert found["MappingKernelManager"]["cull_connected"] is True
    assert found["MappingKernelManager"]["cull_interval"] == 3
    assert found["LessonKernels"] == {"closed_timeout": 9}
    assert found["ServerApp"]["shutdown_no_activity_timeout"] == 70


def test_the_command_takes_no_module_from_the_learners_folder() -> None:
    assert learner_command(Path("/srv/q/venv/bin")) == [
        "/srv/q/venv/bin/python", "-P", "-m", "qinlian.portal.hub_server"
    ]  # fmt: skip


def test_the_server_knows_the_exchange_the_course_and_the_learners_own_letterbox(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert environment["HOME"] == str(tmp_path / "home")
    assert environment["QINLIAN_EXCHANGE"] == str(tmp_path / "exchange")
    assert environment["QINLIAN_COURSE_ID"] == "qinlian"
    assert environment["QINLIAN_TRACK"] == "机关干部"
    assert environment["QINLIAN_LETTERBOX"] == "f00"


@pytest.mark.slow
def test_nothing_in_the_home_stands_above_the_settings(environment: dict[str, str]) -> None:
    home = Path(environment["HOME"])
    for folder in (".jupyter", ".local/etc/jupyter"):
        (home / folder / "labconfig").mkdir(parents=True)
        (home / folder / "jupyter_server_config.py").write_text("c.ServerApp.terminals_enabled = True\n")
        (home / folder / "jupyter_server_config.json").write_text(
            '{"ServerApp": {"terminals_enabled": true, "jpserver_extensions": {"jupyter_server_terminals": true}}}'
        )
        (home / folder / "labconfig" / "page_config.json").write_text(
            '{"disabledExtensions": {"@jupyterlab/terminal-extension": false}}'
        )
    # A kernel leaves this behind; Jupyter must not want to write into root's folder because of it.
    (home / ".ipython").mkdir()
    own = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    own.mkdir(parents=True)
    (own / "kernel.json").write_text('{"argv": ["sh"], "display_name": "mine", "language": "sh"}')
    found = seen_by_the_server(
        environment,
        "before = sorted(str(f) for f in Path(app.config_dir).rglob('*'))\n"
        "app.load_config_file()\napp.find_server_extensions()\napp.migrate_config()\n"
        "print(before == sorted(str(f) for f in Path(app.config_dir).rglob('*')))\n"
        "print(app.config.ServerApp.terminals_enabled)\n"
        "print(*sorted(name for name, on in app.config.ServerApp.jpserver_extensions.items() if on))\n"
        "from jupyterlab_server.config import get_page_config\n"
        "print('@jupyterlab/terminal-extension' in get_page_config([])['disabledExtensions'])\n"
        "from jupyter_client.kernelspec import KernelSpecManager\n"
        "print(KernelSpecManager(config=app.config).get_kernel_spec('python3').display_name)\n",
    )
    assert found == ["True", "False", "notebook qinlian.portal", "True", "勤廉课程"]
