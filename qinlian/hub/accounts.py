"""Unix accounts of learners, and of the grader: made, locked and unlocked, never deleted.

An account has the roster's uid, a group of its own with the same number, no password and no shell, and a home
that nobody else can enter. No name or address goes into /etc/passwd, which every learner can read.
"""

from __future__ import annotations

import grp
import os
import pwd
import signal
import stat
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict

from qinlian.errors import HubError
from qinlian.hub.settings import GRADER
from qinlian.roster.people import Person

__all__ = [
    "AccountChanges",
    "end_all_of",
    "ensure_account",
    "ensure_accounts",
    "ensure_grader",
    "lock_account",
    "unlock_account",
]

_NO_SHELL = "/usr/sbin/nologin"
_COMMENT = "qinlian"
_TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"
_LOCKED, _OPEN = "1", ""
"""Days since 1970 after which an account is over; empty is never."""
_TRIES = 20
_BUSY, _IN_USE = "cannot lock", "currently used"
_SHADOW = Path("/etc/shadow")


class AccountChanges(BaseModel):
    """What was done, as accounts; ``problems`` are Chinese sentences about those in ``failed``."""

    model_config = ConfigDict(frozen=True)

    made: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def text(self) -> str:
        """One line; empty when nothing was to do."""
        parts = [
            f"{what} {len(who)} 个"
            for what, who in (("新建", self.made), ("锁定", self.locked), ("解锁", self.unlocked))
            if who
        ]
        return f"系统账号：{'，'.join(parts)}" if parts else ""


def ensure_accounts(people: Iterable[Person], homes: Path) -> AccountChanges:
    """Every learner who is there has an open account; whoever left, or learns no more, has a locked one or none.

    One account that cannot be made does not keep the others from theirs. Raises HubError when no account can
    be made at all (not root, no useradd).
    """
    _need_root()
    made, locked, unlocked, failed, problems = [], [], [], [], []
    ends = _ends()
    for person in people:
        name = person.account
        try:
            if person.learns:
                if ensure_account(person, homes):
                    made.append(name)
                elif ends.get(name):
                    unlock_account(name)
                    unlocked.append(name)
            elif _is_ours(name, person.uid, homes / name) and not ends.get(name):
                lock_account(name)
                end_all_of(name)
                locked.append(name)
        except HubError as error:
            failed.append(name)
            problems.append(str(error))
    return AccountChanges(
        made=tuple(made),
        locked=tuple(locked),
        unlocked=tuple(unlocked),
        failed=tuple(failed),
        problems=tuple(problems),
    )


def ensure_account(person: Person, homes: Path) -> bool:
    """Make the account and the home of a learner; True when the account is new.

    What is there already stays as it is. Raises HubError when the name or the number is somebody else's.
    """
    home = homes / person.account
    fresh = not _is_ours(person.account, person.uid, home)
    if fresh:
        _free_number(person)
        _make_group(person)
        # A home of this kind needs no skeleton, and a user without containers no range of subordinate ids.
        _run(
            *("useradd", "--uid", str(person.uid), "--gid", str(person.uid), "--home-dir", str(home)),
            *("--no-create-home", "--shell", _NO_SHELL, "--comment", _COMMENT),
            *("--key", "SUB_UID_COUNT=0", "--key", "SUB_GID_COUNT=0", person.account),
        )
    _make_home(home, person.uid)
    return fresh


def lock_account(name: str) -> None:
    """Nobody can become this user any more through the system's own ways of signing in."""
    _run("usermod", "--expiredate", _LOCKED, name)


def unlock_account(name: str) -> None:
    """The other way round."""
    _run("usermod", "--expiredate", _OPEN, name)


def end_all_of(account: str) -> int:
    """Kill every process of a unix user; how many there were."""
    try:
        uid = pwd.getpwnam(account).pw_uid
    except KeyError:
        return 0
    if uid == 0:
        raise ValueError("never root's")
    found = 0
    for process in psutil.process_iter(["uids"]):
        uids: Any = process.info["uids"]
        if uids is not None and uid in (uids.real, uids.effective):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
                found += 1
    return found


def ensure_grader(home: Path) -> pwd.struct_passwd:
    """The system user that grades, made where there is none; ``home`` is its own folder, closed to others."""
    _need_root()
    try:
        grader = pwd.getpwnam(GRADER)
    except KeyError:
        _run(
            *("useradd", "--system", "--user-group", "--home-dir", str(home), "--no-create-home"),
            *("--shell", _NO_SHELL, "--comment", _COMMENT, GRADER),
        )
        grader = pwd.getpwnam(GRADER)
    if grader.pw_uid == 0:
        raise HubError(f"系统用户 {GRADER} 的编号是 0，和 root 是同一个人；请管理员改正 /etc/passwd")
    if grader.pw_dir != str(home):
        grader = _move_grader(grader.pw_dir, home)
    _make_home(home, grader.pw_uid, grader.pw_gid)
    return grader


def _move_grader(before: str, home: Path) -> pwd.struct_passwd:
    """The classroom lies elsewhere by now; whoever starts a program as the grader gives it the home that is on record.

    Raises HubError while the classroom that had the grader before is running.
    """
    try:
        _run("usermod", "--home", str(home), GRADER)
    except HubError as error:
        if _IN_USE not in str(error):
            raise
        raise HubError(
            f"这台机器上正开着另一套课堂（{Path(before).parent}），两套不能同时开；请先停下那一套，再运行一次"
        ) from None
    return pwd.getpwnam(GRADER)


def _need_root() -> None:
    if os.geteuid() != 0:
        raise HubError("建立和锁定系统账号要用管理员身份；请用 sudo 再运行一次")


def _is_ours(name: str, uid: int, home: Path) -> bool:
    """True for the account that we made, False when there is none. Raises HubError when it is another's."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return False
    if found.pw_uid != uid or found.pw_dir != str(home):
        raise HubError(
            f"这台机器上已经有用户 {name}（编号 {found.pw_uid}，主目录 {found.pw_dir}），不是本课堂建的；"
            f"请管理员给它改名，或核对这个人的工号"
        )
    return True


def _free_number(person: Person) -> None:
    try:
        other = pwd.getpwuid(person.uid).pw_name
    except KeyError:
        return
    raise HubError(
        f"{person.account} 的编号 {person.uid} 在这台机器上是用户 {other} 的；请管理员给 {other} 换一个编号，再运行一次"
    )


def _make_group(person: Person) -> None:
    """The group of a learner alone; one that was left over from an interrupted run is taken up again."""
    try:
        other = grp.getgrgid(person.uid).gr_name
    except KeyError:
        _run("groupadd", "--gid", str(person.uid), person.account)
        return
    if other != person.account:
        raise HubError(
            f"{person.account} 的编号 {person.uid} 在这台机器上是用户组 {other} 的；请管理员给它换一个编号，再运行一次"
        )


def _make_home(home: Path, uid: int, gid: int | None = None) -> None:
    """A folder that is its user's alone. Raises HubError for one that is a link or another user's."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise HubError(f"建不了主目录 {home}（{error.strerror}）；请检查磁盘空间，或移开占了这个名字的东西") from None
    try:
        found = os.fstat(handle)
        if found.st_uid not in (0, uid):
            raise HubError(f"主目录 {home} 是别人的（编号 {found.st_uid}）；请管理员移开它，再运行一次")
        os.fchown(handle, uid, uid if gid is None else gid)
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def _ends() -> dict[str, str]:
    """Account → when it is over, as the system has it; one reading instead of a command an account."""
    ends = {}
    for line in _SHADOW.read_text(errors="replace").splitlines():
        fields = line.split(":")
        if len(fields) > 7:
            ends[fields[0]] = fields[7]
    return ends


def _run(*command: str) -> None:
    """Run one of the system's own commands. Raises HubError with what it said."""
    for _ in range(_TRIES):
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                check=False,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                env={"PATH": _TOOLS, "LC_ALL": "C"},
            )
        except FileNotFoundError:
            raise HubError(f"这台机器上没有 {command[0]}；请管理员运行：apt-get install passwd") from None
        if done.returncode == 0:
            return
        if _BUSY not in done.stderr:
            break
        # Somebody else is changing accounts at this moment.
        time.sleep(0.25)
    said = " ".join(done.stderr.split())[:300]
    raise HubError(f"{command[0]} 没有成功：{command[-1]}（{said or done.returncode}）；请管理员检查后再运行一次")
