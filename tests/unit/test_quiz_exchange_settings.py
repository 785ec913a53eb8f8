"""Where the learner's side of the exchange finds the exchange and the learner's name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qinlian.errors import StoreError
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings, learner_name
from tests.unit.exchange_home import MODULE


class TestSettings:
    def test_nbgraders_own_file_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        lines = ["c = get_config()", "c.CourseDirectory.course_id = 'lz'", "c.Exchange.root = '/srv/x'"]
        lines += ["c.Exchange.path_includes_course = True", "c.Exchange.cache = '/home/me/cache'"]
        (tmp_path / "nbgrader_config.py").write_text("\n".join(lines))
        found = ExchangeSettings.from_environment({})
        assert (found.root, found.course_id, found.with_course) == (Path("/srv/x"), "lz", True)
        assert found.cache == Path("/home/me/cache")
        assert Exchange(found).folder(Path("/home/me"), MODULE) == Path("/home/me/lz/90-sample")

    def test_the_working_folder_stands_above_the_configuration_folders(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("near", "far"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "nbgrader_config.py").write_text(f"c.CourseDirectory.course_id = '{name}'")
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "far"))
        monkeypatch.chdir(tmp_path / "near")
        assert ExchangeSettings.from_environment({}).course_id == "near"
        assert ExchangeSettings.from_environment({"QINLIAN_COURSE_ID": "env"}).course_id == "env"

    def test_a_broken_file_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        (tmp_path / "nbgrader_config.py").write_text("c.Course(")
        with pytest.raises(StoreError, match=r"nbgrader_config\.py 读不出来"):
            ExchangeSettings.from_environment({})

    def test_the_learner_of_a_local_classroom_is_named_by_it_and_on_a_hub_it_cannot_be(self) -> None:
        assert learner_name({"QINLIAN_LEARNER": "learner"}) == "learner"
        assert learner_name({"QINLIAN_LEARNER": "someone-else", "JUPYTERHUB_USER": "xiaozhou"}) != "someone-else"

    def test_in_a_pod_whose_user_has_a_number_and_no_name_the_hub_says_who_it_is(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "getuid", lambda: 2_034_567_891)
        assert learner_name({"JUPYTERHUB_USER": "ql1001"}) == "ql1001"
        with pytest.raises(StoreError, match="联系管理员"):
            learner_name({})

    def test_importing_it_costs_neither_nbgrader_nor_pandas(self) -> None:
        code = "import sys, qinlian.quiz.exchange; print({'nbgrader', 'pandas', 'sqlalchemy'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "set()"
