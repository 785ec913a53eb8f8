"""What a learner at work costs in memory, and what each step towards less of it gave.

N learners of a real JupyterHub each open the same lesson in a browser, as ``./run --hub`` lets them; once the
questions are on the page, the server and the kernel of each are measured (PSS: what processes share counts
once). The steps are taken one on top of the other; the first is a stock server, the peer to compare with.
A last one ends the kernels, as culling does, and opens the lesson once more.

``python -m benchmarks.memory --n 6 --json``
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.learners_hub import LearnersHub, learners_of
from benchmarks.process_memory import ProcessMemory
from benchmarks.room import REPOSITORY
from qinlian.hub.learner_server import learner_command, learner_environment, write_learner_settings
from tests.e2e.classroom import browser
from tests.hub.room import SHARED

__all__ = ["STEPS", "Step", "main", "measure", "settings_of", "variables_of"]

MODULE = "02-gifts"
KEPT = Path(__file__).with_name("memory.json")
_QUESTION = "fieldset.ql-item"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One way to run a learner's servers.

    ``extensions``: only those that a lesson needs; ``own_server``: our program in the place of jupyterhub-singleuser;
    ``own_kernel``: ours in the place of IPython's.
    """

    name: str
    extensions: bool = False
    own_server: bool = False
    own_kernel: bool = False


STEPS = (
    Step("stock"),
    Step("extensions", extensions=True),
    Step("server", extensions=True, own_server=True),
    Step("kernel", extensions=True, own_server=True, own_kernel=True),
)
_LEAN = ("NBFORMAT_VALIDATOR", "MALLOC_ARENA_MAX")
"""Variables that belong to the step "server"."""


def settings_of(folder: Path, step: Step) -> None:
    """A settings folder as ``write_learner_settings`` makes it, without what the step does not have yet."""
    write_learner_settings(folder)
    path = folder / "etc" / "jupyter_server_config.json"
    said = json.loads(path.read_text("utf-8"))
    if not step.extensions:
        said["ServerApp"]["jpserver_extensions"] = {"qinlian.portal": True}
        said["ServerApp"]["terminals_enabled"] = True
    if not step.own_kernel:
        shutil.rmtree(folder / "share" / "kernels")
        said["KernelSpecManager"] = {}
        said["MappingKernelManager"].pop("transport_encryption")
    path.write_text(json.dumps(said), "utf-8")


def variables_of(folder: Path, step: Step) -> dict[str, str]:
    """What every learner's server gets; a path below its home is named from there, where it starts."""
    made = learner_environment(
        home=Path(),
        exchange=folder / "exchange",
        course_id="qinlian",
        track="",
        letterbox="",
        settings=folder / "settings",
    )
    del made["HOME"]
    if not step.own_server:
        made = {name: value for name, value in made.items() if name not in _LEAN}
    return made


def _open(page: Page, hub: LearnersHub, learner: str) -> float:
    """Sign in where that is needed and open the lesson; returns the seconds until the questions are there."""
    page.goto(f"{hub.url}/user/{learner}/qinlian/")
    if page.locator("#username_input").count():
        page.locator("#username_input").fill(learner)
        page.locator("#password_input").fill(hub.password)
        page.locator("#login_submit").click()
    begun = time.monotonic()
    page.locator(f"#open-{MODULE}").click(timeout=120_000)
    page.locator(_QUESTION).first.wait_for(timeout=180_000)
    return time.monotonic() - begun


def _median_of(figures: list[ProcessMemory]) -> dict[str, float]:
    return {"pss": statistics.median(m.pss for m in figures), "uss": statistics.median(m.uss for m in figures)}


def _step(folder: Path, learners: list[str], step: Step, opened: Browser, say: Say) -> dict[str, Any]:
    shutil.rmtree(folder / "settings", ignore_errors=True)
    settings_of(folder / "settings", step)
    programs = _programs()
    command = learner_command(programs) if step.own_server else [str(programs / "jupyterhub-singleuser")]
    with LearnersHub(folder, learners, command, variables_of(folder, step)) as hub:
        started, opening, pages = [], [], []
        for name in learners:
            started.append(hub.start_server(name))
            page = opened.new_context(locale="zh-CN").new_page()
            opening.append(_open(page, hub, name))
            pages.append(page)
            say(f"{step.name}: {name}")
        # What is freed after the opening is not what a learner at work costs.
        time.sleep(10)
        servers, kernels = [], []
        for name in learners:
            server, its_kernels = hub.processes(name)
            servers.append(ProcessMemory.of(server))
            kernels += [ProcessMemory.of(kernel) for kernel in its_kernels]
        found: dict[str, Any] = {
            "name": step.name,
            "server": _median_of(servers),
            "kernel": _median_of(kernels),
            "learner_pss": statistics.median(s.pss + k.pss for s, k in zip(servers, kernels, strict=True)),
            "start_s": statistics.median(started),
            "open_s": statistics.median(opening),
        }
        if step is STEPS[-1]:
            found |= _culled(hub, learners, pages)
        for page in pages:
            page.context.close()
    return found


def _culled(hub: LearnersHub, learners: list[str], pages: list[Page]) -> dict[str, Any]:
    """End the kernels as culling does; what the servers take then, and how long it takes to go on."""
    for page in pages:
        page.goto("about:blank")
    for name in learners:
        hub.end_kernels(name)
    time.sleep(5)
    left = [ProcessMemory.of(hub.processes(name)[0]).pss for name in learners]
    again = [_open(page, hub, name) for page, name in zip(pages, learners, strict=True)]
    return {"culled_pss": statistics.median(left), "open_again_s": statistics.median(again)}


def _programs() -> Path:
    """Where the learners' programs are: as root in an environment that all users of the machine can read."""
    if os.geteuid() != 0:
        return Path(sys.executable).parent
    script = f". scripts/setup.sh; set_up_hub {SHARED}"
    subprocess.run(["bash", "-c", script], cwd=REPOSITORY, check=True, capture_output=True)
    return SHARED / "venv" / "bin"


def measure(count: int, say: Say) -> dict[str, Any]:
    """All steps with so many learners; megabytes and seconds, medians over the learners."""
    # Learners must be able to pass through to their homes.
    with tempfile.TemporaryDirectory(prefix="qinlian-memory-", dir="/srv" if os.geteuid() == 0 else None) as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "homes").mkdir()
        with learners_of(count, folder / "homes") as learners, browser() as opened:
            steps = [_step(folder, list(learners), step, opened, say) for step in STEPS]
    first, last = steps[0]["learner_pss"], steps[-1]["learner_pss"]
    return {"learners": count, "module": MODULE, "steps": steps, "ratio": last / first}


def _keep(found: dict[str, Any]) -> None:
    """Write the figures that benchmarks.capacity counts with."""
    last = found["steps"][-1]
    server, kernel = round(last["server"]["pss"]), round(last["kernel"]["pss"])
    source = f"服务器 {server} MB、内核 {kernel} MB（PSS，{found['learners']} 名学员的中位数），课程打开之后"
    said = {"learner_mb": round(last["learner_pss"]), "source": source}
    KEPT.write_text(json.dumps(said, ensure_ascii=False) + "\n", "utf-8")


def main() -> int:
    """Measure, print, and return 1 when a learner takes more than 120 MB."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=6, help="how many learners")
    parser.add_argument("--write", action="store_true", help="keep the figures for benchmarks.capacity")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.n, lambda line: print(line, file=sys.stderr, flush=True))
    if options.write:
        _keep(found)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for step in found["steps"]:
            print(
                f"{step['name']:<12}{step['learner_pss']:7.1f} MB = {step['server']['pss']:.1f} + "
                f"{step['kernel']['pss']:.1f}; opens in {step['open_s']:.1f} s"
            )
        print(f"last / first = {found['ratio']:.2f}")
    return 0 if found["steps"][-1]["learner_pss"] <= 120 else 1


if __name__ == "__main__":
    sys.exit(main())
