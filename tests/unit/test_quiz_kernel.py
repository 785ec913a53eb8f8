"""A lesson's kernel: it runs a lesson, with nothing that only helps with typing code."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from qinlian.quiz.kernel import kernelspec

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]


def test_a_lesson_runs_in_it_without_debugger_and_history(tmp_path: Path) -> None:
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps(kernelspec()), "utf-8")
    lesson = shutil.copytree(REPOSITORY / "release" / "02-gifts", tmp_path / "home" / "02-gifts")
    # What a learner saves beside the lesson must not run in the place of ours.
    (lesson / "ipykernel.py").write_text("raise SystemExit('mine')")
    found = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")], ensure_native_kernel=False)
    manager = KernelManager(kernel_name="python3", kernel_spec_manager=found, transport_encryption="required")
    manager.start_kernel(cwd=str(lesson), env=os.environ | {"HOME": str(tmp_path / "home")})
    client = manager.client()
    client.start_channels()
    said: list[str] = []
    shown: list[str] = []

    def hear(message: dict[str, dict[str, str]]) -> None:
        content = message["content"]
        (said if "text" in content else shown).append(content.get("text", json.dumps(content)))

    try:
        client.wait_for_ready(timeout=60)
        cells = json.loads((lesson / "02-gifts.ipynb").read_bytes())["cells"]
        for cell in [c for c in cells if c["cell_type"] == "code"][:3]:
            answer = client.execute_interactive("".join(cell["source"]), timeout=60, output_hook=hear)
            assert answer["content"]["status"] == "ok"
        code = "import sys; print(*[n for n in ('debugpy', 'jedi', 'sqlalchemy', 'pandas') if sys.modules.get(n)])"
        client.execute_interactive(code, timeout=60, output_hook=hear)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert any("anywidget" in content or "application/vnd.jupyter.widget" in content for content in shown)
    assert said[-1].strip() == ""
    assert not list((tmp_path / "home").rglob("history.sqlite"))
