"""``qinlian roster`` on a Hub's machine: real database, real unix users, a real JupyterHub."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from qinlian.errors import HubError
from qinlian.hub.accounts import ensure_grader
from qinlian.hub.become import run_as
from qinlian.hub.codes import sign_in_store
from qinlian.hub.settings import GRADER, HubSettings, Ports
from tests.hub.room import SHARED
from tests.hub.small_hub import ROOT, SmallHub, running

pytestmark = [pytest.mark.hub, pytest.mark.accounts]

FIRST = 57_300
"""Uids from here, so that another Hub on this machine is not in the way."""
TOKEN = "roster-token-of-this-test"
NAMES = ("qlzy1", "qlzy2", "qlzy3", "qlzy4", "qlzy-other")
SETTINGS = f"""
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.services = [{{"name": "roster", "api_token": "{TOKEN}"}}]
c.JupyterHub.load_roles = [
    {{"name": "roster", "services": ["roster"], "scopes": ["admin:users", "admin:groups", "admin:servers"]}},
]
"""
HEAD = ("姓名", "工号", "单位", "部门", "培训对象", "邮箱", "角色")
ONE, TWO, TEACHER = (
    ("周晓岚", "zy1", "省校/青禾分校"),
    ("林知远", "zy2", "省校/栖云分校"),
    ("吴思齐", "zy3", "省校/青禾分校", "", "", "", "教师"),
)


@dataclass(frozen=True)
class Place:
    """A Hub with its state folder; ``office`` is where the administrator's sheets lie."""

    settings: HubSettings
    hub: SmallHub
    office: Path
    program: Path

    def qinlian(self, *words: str) -> tuple[int, str]:
        """The command as root types it: (exit status, what it said)."""
        command = [self.program / "qinlian", "roster", *words, "--state", self.settings.state]
        environment = {**os.environ, "PYTHONUTF8": "1"}
        done = subprocess.run(command, cwd=self.office, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def as_grader(self, statement: str, *values: object) -> list[list[object]]:
        """Ask the gradebook as the one whose it is."""
        code = (
            "import json, sqlite3, sys; database = sqlite3.connect(sys.argv[1]); "
            "print(json.dumps(database.execute(sys.argv[2], json.loads(sys.argv[3])).fetchall())); database.commit()"
        )
        path = self.settings.classroom / "gradebook.db"
        asked = [self.program / "python", "-c", code, path, statement, json.dumps(values)]
        done = subprocess.run(["setpriv", "--reuid", GRADER, "--clear-groups", *asked], capture_output=True, check=True)
        found: list[list[object]] = json.loads(done.stdout)
        return found

    def sheet(self, *rows: tuple[str, ...]) -> str:
        book = openpyxl.Workbook()
        for row in (HEAD, *rows):
            book.worksheets[0].append(list(row))
        book.save(self.office / "学员.xlsx")
        return "学员.xlsx"

    def ask(self, path: str) -> dict[str, object]:
        request = urllib.request.Request(
            f"{self.settings.hub_api_url}{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            found: dict[str, object] = json.loads(answer.read())
        return found

    def members(self, group: str) -> set[str]:
        found = self.ask(f"/groups/{group}")["users"]
        assert isinstance(found, list)
        return set(found)


def environment() -> Path:
    """Python for every user of this machine, with what is under test in it; the grader is not let into .venv's."""
    made = ["bash", "-c", f". scripts/setup.sh; set_up_hub {SHARED}"]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True)
    return SHARED / "venv"


def remove_users() -> None:
    for name in NAMES:
        for tool in ("userdel", "groupdel"):
            subprocess.run([tool, name], capture_output=True, check=False)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    there = any(user.pw_name == GRADER for user in pwd.getpwall())
    folder = Path(tempfile.mkdtemp(prefix="qinlian-enrol-", dir="/srv"))
    folder.chmod(0o755)
    for name in ("hub", "office", "state"):
        (folder / name).mkdir()
    remove_users()
    try:
        hub = SmallHub(folder / "hub", "", SETTINGS)
        ports = Ports(proxy_api=1, hub=hub.hub_port, formgrader=1, staff=1)
        settings = HubSettings(state=folder / "state", course_id="qinlian", ports=ports, roster_token=TOKEN)
        settings.save()
        (folder / "state" / "course" / "course").mkdir(parents=True)
        shutil.copy(ROOT / "course" / "course.yaml", folder / "state" / "course" / "course")
        ensure_grader(settings.classroom)
        made = Place(settings, hub, folder / "office", environment() / "bin")
        _begin_at(made, FIRST - 1)
        with running(hub):
            yield made
    finally:
        remove_users()
        if not there:
            subprocess.run(["userdel", GRADER], check=False)
        shutil.rmtree(folder)


def _begin_at(place: Place, uid: int) -> None:
    """Somebody who left long ago has the highest uid so far."""
    assert place.qinlian("list") == (0, "没有人；用 qinlian roster import 学员.xlsx 导入名单\n")
    moment = "2026-01-01 00:00:00.000000"
    values = ("qlzy0", "zy0", "旧人", "省校", "", "", "", "学员", uid, moment, moment)
    place.as_grader(f"INSERT INTO qinlian_person VALUES ({', '.join('?' * len(values))})", *values)


def test_an_import_makes_people_accounts_codes_users_and_groups(place: Place):
    status, said = place.qinlian("import", place.sheet(ONE, TWO, TEACHER))
    assert status == 0, said
    assert said.splitlines()[0] == "新增 3 人，更新 0 人，不变 0 人，归档 0 人"
    assert "系统账号：新建 2 个" in said
    assert "Hub：新增用户 3 个，入组 3 个" in said
    assert [pwd.getpwnam(name).pw_uid for name in ("qlzy1", "qlzy2")] == [FIRST, FIRST + 1]
    assert not any(user.pw_name == "qlzy3" for user in pwd.getpwall()), "who teaches needs no account"
    home = (place.settings.homes / "qlzy1").stat()
    assert (home.st_uid, home.st_mode & 0o777) == (FIRST, 0o700)
    assert place.members("nbgrader-qinlian") == {"qlzy1", "qlzy2"}
    assert place.members("formgrade-qinlian") == {"qlzy3"}


def test_nothing_in_the_classroom_is_roots(place: Place):
    grader = pwd.getpwnam(GRADER).pw_uid
    assert {path.stat().st_uid for path in place.settings.classroom.rglob("*")} == {grader}
    everybody = place.as_grader("SELECT name FROM qinlian_person ORDER BY uid")
    assert everybody == [["旧人"], ["周晓岚"], ["林知远"], ["吴思齐"]]


def test_the_codes_are_good_and_in_a_file_for_root_alone(place: Place):
    path = place.office / "首次登录码.xlsx"
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, 0o600)
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(min_row=2, values_only=True))
    assert [row[:3] for row in rows] == [ONE, TWO, TEACHER[:3]]
    store = sign_in_store(place.settings)
    assert all(store.check_code(f"ql{row[1]}", str(row[3])) for row in rows)


def test_importing_again_changes_nothing_and_gives_no_new_codes(place: Place):
    before = (place.office / "首次登录码.xlsx").read_bytes()
    status, said = place.qinlian("import", place.sheet(ONE, TWO, TEACHER))
    assert (status, said) == (0, "新增 0 人，更新 0 人，不变 3 人，归档 0 人\n")
    assert (place.office / "首次登录码.xlsx").read_bytes() == before
    assert place.qinlian("sync") == (0, "")


def test_a_new_code_voids_the_one_before(place: Place):
    old = openpyxl.load_workbook(place.office / "首次登录码.xlsx").worksheets[0]["D2"].value
    status, said = place.qinlian("code", "zy1")
    assert status == 0
    assert "周晓岚（zy1）的首次登录码：" in said
    store = sign_in_store(place.settings)
    assert not store.check_code("qlzy1", str(old))
    assert store.check_code("qlzy1", said.splitlines()[0].partition("：")[2])
    assert place.qinlian("code", "zy0")[0] == 1, "not for somebody who left"


def test_who_is_archived_is_locked_out_of_everything_and_comes_back_with_all_of_it(place: Place):
    (place.settings.homes / "qlzy2" / "answers.json").write_text("{}")
    status, said = place.qinlian("archive", "zy2")
    assert status == 0
    assert said.splitlines()[1:] == ["系统账号：锁定 1 个", "Hub：删除用户 1 个"]
    assert place.members("nbgrader-qinlian") == {"qlzy1"}
    assert pwd.getpwnam("qlzy2").pw_uid == FIRST + 1
    status, said = place.qinlian("restore", "zy2")
    assert status == 0
    assert said.splitlines()[1:] == ["系统账号：解锁 1 个", "Hub：新增用户 1 个，入组 1 个"]
    assert (place.settings.homes / "qlzy2" / "answers.json").read_text() == "{}"


def test_a_complete_sheet_takes_along_accounts_and_the_hub(place: Place):
    status, said = place.qinlian("import", place.sheet(ONE, TEACHER), "--complete", "--yes")
    assert status == 0, said
    assert place.members("nbgrader-qinlian") == {"qlzy1"}
    assert place.qinlian("import", place.sheet(ONE, TWO, TEACHER))[0] == 0
    assert place.members("nbgrader-qinlian") == {"qlzy1", "qlzy2"}


def test_a_uid_of_somebody_else_is_told_and_the_others_are_served(place: Place):
    subprocess.run(["useradd", "--uid", str(FIRST + 3), "qlzy-other"], check=True)
    status, said = place.qinlian("import", place.sheet(ONE, ("赵明轩", "zy4", "省校/青禾分校")))
    assert status == 1
    assert f"qlzy4 的编号 {FIRST + 3} 在这台机器上是用户 qlzy-other 的" in said
    assert place.members("nbgrader-qinlian") == {"qlzy1", "qlzy2"}, "nobody signs in without an account"
    subprocess.run(["userdel", "qlzy-other"], check=True)
    assert place.qinlian("sync")[0] == 0
    assert place.members("nbgrader-qinlian") == {"qlzy1", "qlzy2", "qlzy4"}


def test_while_the_hub_is_down_people_and_accounts_are_made_and_the_rest_is_said(place: Place):
    place.hub.stop()
    try:
        status, said = place.qinlian("archive", "zy4")
        assert status == 1
        assert "JupyterHub 没有回答" in said
        assert "qinlian roster sync" in said
    finally:
        place.hub.start()
    assert place.qinlian("sync") == (0, "Hub：删除用户 1 个\n")


def test_only_root_may(place: Place):
    child = os.fork()
    if child == 0:
        os.setuid(65_534)
        status, said = place.qinlian("list")
        os._exit(0 if status == 1 and "sudo" in said and "Traceback" not in said else 1)
    assert os.waitpid(child, 0)[1] == 0


class TestWorkAsSomebodyElse:
    def test_it_is_done_under_their_number_and_the_answer_comes_back(self, place: Place):
        uid = pwd.getpwnam(GRADER).pw_uid
        who = f"{uid} {uid}"
        assert run_as(GRADER, lambda: f"{os.getuid()} {os.geteuid()}") == who
        assert run_as(GRADER, lambda: str(0 in os.getgroups())) == "False"
        assert os.getuid() == 0

    def test_there_is_no_way_back_to_root(self, place: Place):
        def work() -> str:
            os.setuid(0)
            return "root again"

        with pytest.raises(RuntimeError, match="PermissionError"):
            run_as(GRADER, work)

    def test_its_errors_come_back_too(self, place: Place):
        def refuse() -> str:
            raise HubError("说明")

        with pytest.raises(HubError, match=r"^说明$"):
            run_as(GRADER, refuse)
        with pytest.raises(HubError, match="中断"):
            run_as(GRADER, lambda: os._exit(0))
        with pytest.raises(HubError, match="没有系统用户"):
            run_as("nobody-of-this-name", str)
