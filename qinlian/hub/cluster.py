"""What an administrator of a classroom in a cluster does after importing people: ``python -m qinlian.hub.cluster``.

On one machine ``qinlian roster`` does all of it as root. In a cluster the roster is written at the graders' desk, and
the passwords lie with the Hub, so that each step is taken where its data are: ``sync`` at the desk, ``codes`` in the
Hub's pod (deploy/k8s/README.md).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from qinlian.errors import HubError, QinlianError
from qinlian.hub.codes import code_lines, issue_codes
from qinlian.hub.directory import HubApi, synchronise
from qinlian.hub.settings import STATE, HubSettings, Ports
from qinlian.roster.people import Roster
from qinlian.roster.store import RosterStore

__all__ = ["codes", "main", "sync"]


def _from(environ: Mapping[str, str], *names: str) -> tuple[str, ...]:
    if missing := [name for name in names if not environ.get(name)]:
        raise HubError(f"没有设置 {'、'.join(missing)}；请在 deploy/k8s/README.md 说的那个容器里运行")
    return tuple(environ[name] for name in names)


def _roster(db_url: str) -> Roster:
    try:
        return RosterStore(db_url).roster()
    except SQLAlchemyError as error:
        raise HubError("读不到名单；请检查 PostgreSQL 是否在运行、密码是否一致") from error


def sync(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Make the Hub's users and groups what the roster says; a line of what was done, none when nothing was to do.

    Raises HubError.
    """
    names = ("QINLIAN_DATABASE_URL", "QINLIAN_HUB_API_URL", "QINLIAN_ROSTER_TOKEN", "QINLIAN_COURSE_ID")
    db_url, api, token, course = _from(environ, *names)
    said = synchronise(_roster(db_url).people, HubApi(api, token), course).text()
    return [said] if said else []


def codes(folder: Path, environ: Mapping[str, str] = os.environ, state: Path = STATE) -> list[str]:
    """Write one-time codes for everybody who cannot sign in yet into a file in ``folder``; what to tell of it.

    Raises QinlianError.
    """
    db_url, course = _from(environ, "QINLIAN_DATABASE_URL", "QINLIAN_COURSE_ID")
    here = HubSettings(state=state, course_id=course, ports=Ports(proxy_api=0, hub=0, formgrader=0, staff=0))
    return code_lines(issue_codes(_roster(db_url).people, here, folder, datetime.now(UTC)))


def main(arguments: list[str] | None = None) -> int:
    """Run as a process of its own; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.hub.cluster", description="集群上的课堂：导入名单之后")
    parser.add_argument("step", choices=["sync", "codes"], help="sync：让 Hub 与名单一致；codes：发首次登录码")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"), help="首次登录码写到哪里")
    options = parser.parse_args(arguments)
    try:
        lines = sync() if options.step == "sync" else codes(options.folder)
    except QinlianError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines or ["没有要做的"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
