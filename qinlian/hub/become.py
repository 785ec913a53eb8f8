"""Work done as another unix user, in a process of its own.

Root must not write to the grader's database itself: SQLite would leave a journal of root's beside it, which the
grader can then neither write nor remove.
"""

from __future__ import annotations

import os
import pwd
import traceback
from collections.abc import Callable

from pydantic import BaseModel

from qinlian.errors import HubError, QinlianError

__all__ = ["run_as"]


class _Answer(BaseModel):
    """What comes back through the pipe: text and nothing that could be executed."""

    value: str = ""
    said: str = ""
    details: str = ""


def run_as(user: str, work: Callable[[], str]) -> str:
    """What ``work`` returns, done as ``user``; done right here by whoever is that user already.

    Raises HubError when neither holds, and with the message of a QinlianError that ``work`` raised; anything
    else it raised comes as a RuntimeError with the traceback in it.
    """
    try:
        who = pwd.getpwnam(user)
    except KeyError:
        raise HubError(f"这台机器上没有系统用户 {user}；请先运行 ./run --hub") from None
    if os.geteuid() == who.pw_uid:
        return work()
    if os.geteuid() != 0:
        raise HubError("只有管理员（root）能管理 Hub 课堂；请用 sudo 再运行一次")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(who, work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        sent = pipe.read()
    os.waitpid(child, 0)
    if not sent:
        raise HubError(f"以 {user} 的身份处理名单时中断了；请再运行一次")
    answer = _Answer.model_validate_json(sent)
    if answer.details:
        raise RuntimeError(answer.details)
    if answer.said:
        raise HubError(answer.said)
    return answer.value


def _child(who: pwd.struct_passwd, work: Callable[[], str], writer: int) -> None:
    """Become ``who``, work, answer and end, without any of the parent's own endings."""
    try:
        try:
            os.initgroups(who.pw_name, who.pw_gid)
            os.setgid(who.pw_gid)
            os.setuid(who.pw_uid)
            os.umask(0o077)
            os.chdir("/")
            os.environ |= {"HOME": who.pw_dir, "USER": who.pw_name, "LOGNAME": who.pw_name}
            answer = _Answer(value=work())
        except QinlianError as error:
            answer = _Answer(said=str(error))
        except BaseException:
            answer = _Answer(details=traceback.format_exc())
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer.model_dump_json().encode())
    finally:
        os._exit(0)
