"""The memory of learners' servers: what is read of a process, and what each step has that the one before had not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.memory import STEPS, settings_of, variables_of
from benchmarks.process_memory import ProcessMemory


def test_a_process_has_memory_of_its_own_and_shares_some() -> None:
    found = ProcessMemory.of(os.getpid())
    assert 1 < found.uss <= found.pss <= found.rss < 4000


def test_each_step_adds_one_thing(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool, bool]] = []
    for step in STEPS:
        folder = tmp_path / step.name
        settings_of(folder / "settings", step)
        said: dict[str, Any] = json.loads((folder / "settings/etc/jupyter_server_config.json").read_text("utf-8"))
        few = said["ServerApp"]["jpserver_extensions"].get("jupyter_lsp") is False
        lean = "MALLOC_ARENA_MAX" in variables_of(folder, step)
        own_kernel = (folder / "settings/share/kernels/python3/kernel.json").is_file()
        seen.append((few, lean, own_kernel))
    assert seen == [(False, False, False), (True, False, False), (True, True, False), (True, True, True)]


def test_the_home_is_the_learners_own_and_no_other(tmp_path: Path) -> None:
    made = variables_of(tmp_path, STEPS[-1])
    assert "HOME" not in made
    assert made["JUPYTERLAB_SETTINGS_DIR"] == ".qinlian/jupyter"
