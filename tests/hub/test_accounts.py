"""Unix accounts, really made on this machine and removed again: they need root."""

from __future__ import annotations

import grp
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qinlian.errors import HubError
from qinlian.hub import accounts
from qinlian.hub.accounts import ensure_account, ensure_accounts, ensure_grader
from qinlian.hub.settings import GRADER
from qinlian.roster.people import Person
from tests.roster_room import person

pytestmark = [pytest.mark.hub, pytest.mark.accounts]

FIRST = 57_100
NAMES = ("qlzz-one", "qlzz_two", "qlzz3", "qlzz4", "qlzz-other")


def remove_all() -> None:
    for name in NAMES:
        for tool in ("userdel", "groupdel"):
            subprocess.run([tool, name], capture_output=True, check=False)


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Path]:
    """A folder of homes; the accounts that a test made are gone afterwards."""
    remove_all()
    try:
        yield tmp_path / "homes"
    finally:
        remove_all()


def learner(number: str, uid: int = FIRST, **more: object) -> Person:
    return person(number, uid=uid).model_copy(update=more)


def shadow(name: str) -> list[str]:
    return next(line.split(":") for line in Path("/etc/shadow").read_text().splitlines() if line.startswith(f"{name}:"))


def test_an_account_has_its_number_its_group_its_home_and_no_way_in(homes: Path):
    done = ensure_accounts([learner("zz-one")], homes)
    assert (done.made, done.problems, done.text()) == (("qlzz-one",), (), "系统账号：新建 1 个")
    made = pwd.getpwnam("qlzz-one")
    assert (made.pw_uid, made.pw_gid, made.pw_dir) == (FIRST, FIRST, str(homes / "qlzz-one"))
    assert (made.pw_shell, made.pw_gecos) == ("/usr/sbin/nologin", "qinlian")
    assert grp.getgrgid(FIRST).gr_name == "qlzz-one"
    home = (homes / "qlzz-one").stat()
    assert (home.st_uid, home.st_gid, home.st_mode & 0o777) == (FIRST, FIRST, 0o700)
    assert list((homes / "qlzz-one").iterdir()) == []
    assert shadow("qlzz-one")[1].startswith("!"), "no password"
    assert "qlzz-one" not in Path("/etc/subuid").read_text()


def test_doing_it_again_changes_nothing(homes: Path):
    people = [learner("zz-one"), learner("zz_two", FIRST + 1)]
    ensure_accounts(people, homes)
    (homes / "qlzz-one" / "answers.json").write_text("{}")
    again = ensure_accounts(people, homes)
    assert (again.made, again.locked, again.unlocked, again.text()) == ((), (), (), "")
    assert (homes / "qlzz-one" / "answers.json").read_text() == "{}"


def test_who_leaves_is_locked_and_who_comes_back_unlocked_and_the_home_stays(homes: Path):
    there = learner("zz-one")
    gone = there.model_copy(update={"archived_at": there.changed_at})
    ensure_accounts([there], homes)
    (homes / "qlzz-one" / "answers.json").write_text("{}")
    left = subprocess.Popen(["setpriv", "--reuid", "qlzz-one", "--clear-groups", "sleep", "600"])
    time.sleep(0.5)
    assert ensure_accounts([gone], homes).locked == ("qlzz-one",)
    assert left.wait(10) == -signal.SIGKILL, "what runs as somebody who left goes on"
    assert shadow("qlzz-one")[7] == "1"
    assert ensure_accounts([gone], homes).locked == ()
    assert ensure_accounts([there], homes).unlocked == ("qlzz-one",)
    assert shadow("qlzz-one")[7] == ""
    assert (homes / "qlzz-one" / "answers.json").read_text() == "{}"


def test_who_teaches_gets_no_account_and_who_begins_to_teach_loses_the_way_in(homes: Path):
    assert ensure_accounts([learner("zz_two", FIRST + 1, role="教师")], homes).made == ()
    ensure_accounts([learner("zz-one")], homes)
    assert ensure_accounts([learner("zz-one", role="教师")], homes).locked == ("qlzz-one",)


def taken_name(homes: Path) -> None:
    subprocess.run(["useradd", "--uid", str(FIRST + 9), "qlzz-one"], check=True)


def taken_number(homes: Path) -> None:
    subprocess.run(["useradd", "--uid", str(FIRST), "qlzz-other"], check=True)


def taken_group(homes: Path) -> None:
    subprocess.run(["groupadd", "--gid", str(FIRST), "qlzz-other"], check=True)


def foreign_home(homes: Path) -> None:
    (homes / "qlzz-one").mkdir(parents=True)
    os.chown(homes / "qlzz-one", FIRST + 9, FIRST + 9)


def linked_home(homes: Path) -> None:
    homes.mkdir()
    (homes / "qlzz-one").symlink_to("/etc")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (taken_name, "已经有用户 qlzz-one"),
        (taken_number, f"编号 {FIRST} 在这台机器上是用户 qlzz-other 的"),
        (taken_group, f"编号 {FIRST} 在这台机器上是用户组 qlzz-other 的"),
        (foreign_home, "是别人的"),
        (linked_home, "建不了主目录"),
    ],
)
def test_what_is_somebody_elses_is_left_alone_and_told_and_the_others_get_theirs(
    homes: Path, before: Callable[[Path], None], said: str
):
    before(homes)
    etc = Path("/etc").stat()
    done = ensure_accounts([learner("zz-one"), learner("zz_two", FIRST + 1)], homes)
    assert (done.made, done.failed) == (("qlzz_two",), ("qlzz-one",))
    (problem,) = done.problems
    assert said in problem
    assert (Path("/etc").stat().st_uid, Path("/etc").stat().st_mode) == (etc.st_uid, etc.st_mode)


def test_a_group_left_over_from_an_interrupted_run_is_taken_up_again(homes: Path):
    subprocess.run(["groupadd", "--gid", str(FIRST), "qlzz-one"], check=True)
    assert ensure_account(learner("zz-one"), homes)
    assert pwd.getpwnam("qlzz-one").pw_gid == FIRST


def test_several_at_once_wait_for_each_other(homes: Path):
    threads = [
        threading.Thread(target=ensure_accounts, args=([learner(name[2:], FIRST + n)], homes))
        for n, name in enumerate(NAMES[:4])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [pwd.getpwnam(name).pw_uid for name in NAMES[:4]] == [FIRST + n for n in range(4)]


def test_the_grader_is_a_system_user_with_a_folder_of_its_own(tmp_path: Path):
    there = any(user.pw_name == GRADER for user in pwd.getpwall())
    try:
        grader = ensure_grader(tmp_path / "classroom")
        assert grader == ensure_grader(tmp_path / "classroom")
        assert 0 < grader.pw_uid < 1000
        assert (tmp_path / "classroom").stat().st_uid == grader.pw_uid
        assert (tmp_path / "classroom").stat().st_mode & 0o777 == 0o700
        # The classroom moved: programs of the grader's must not look for a home that is gone.
        assert ensure_grader(tmp_path / "elsewhere" / "classroom").pw_dir == str(tmp_path / "elsewhere" / "classroom")
        with subprocess.Popen(["setpriv", "--reuid", GRADER, "--clear-groups", "sleep", "60"]) as running:
            time.sleep(0.5)
            with pytest.raises(HubError, match="正开着另一套课堂") as told:
                ensure_grader(tmp_path / "third")
            assert str(tmp_path / "elsewhere") in str(told.value)
            running.kill()
    finally:
        if not there:
            subprocess.run(["userdel", GRADER], check=True)


def test_without_root_and_without_the_commands_it_is_said_in_chinese(
    homes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(accounts, "_TOOLS", str(tmp_path))
    (problem,) = ensure_accounts([learner("zz-one")], homes).problems
    assert problem == "这台机器上没有 groupadd；请管理员运行：apt-get install passwd"
    child = os.fork()
    if child == 0:
        os.setuid(65_534)
        try:
            ensure_accounts([learner("zz-one")], homes)
        except HubError as error:
            os._exit(0 if "sudo" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
