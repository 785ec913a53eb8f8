"""Makes what a classroom in a cluster needs before anybody comes: ``python -m qinlian.hub.volumes``, as the grader.

On one machine ``qinlian.hub.place`` does this as root. In a pod there is no root: the volumes' own folders let the
grader's group write (fsGroup), and everything in them is made here with the modes that keep people apart.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from qinlian.database import open_engine
from qinlian.errors import HubError, QinlianError
from qinlian.roster.tables import METADATA, PERSON, UNIT

__all__ = ["PEOPLE", "main", "make_folders", "open_roster_to"]

PEOPLE = "people"
"""The folder of the volume of homes in which every learner's pod makes its own."""


def make_folders(exchange: Path, homes: Path, classroom: Path, course_id: str) -> None:
    """Make the exchange of a course, the place for homes and the graders' folders; what is there gets its mode again.

    Raises HubError, in Chinese, when a volume does not let the grader write.
    """
    course = exchange / course_id
    plan = (
        (course, 0o755),
        (course / "outbound", 0o755),
        # Nobody lists it, nobody touches another's folder in it.
        (course / "inbound", 0o1733),
        (course / "feedback", 0o711),
        (homes / PEOPLE, 0o1733),
        *((classroom / name, 0o700) for name in ("submitted", "autograded", "feedback", "logs")),
    )
    for path, mode in plan:
        try:
            path.mkdir(exist_ok=True)
            path.chmod(mode)
        except OSError as error:
            raise HubError(
                f"建不了 {path}（{error.strerror}）：存储卷的根文件夹要让评分用户（{os.geteuid()}）可写；"
                "请在存储服务器上把它的属主改成这个编号，见 deploy/k8s/README.md"
            ) from error


def open_roster_to(engine: Engine, role: str) -> None:
    """Let a database user of PostgreSQL look at the roster, and at nothing else of the gradebook's database."""
    with engine.begin() as connection:
        quoted = engine.dialect.identifier_preparer.quote(role)
        for table in (PERSON, UNIT):
            connection.execute(text(f"GRANT SELECT ON {table.name} TO {quoted}"))


def main(arguments: list[str] | None = None) -> int:
    """Run as a process of its own; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.hub.volumes", description="准备集群上的课堂")
    parser.add_argument("--state", type=Path, default=Path("/srv/qinlian"), help="各存储卷挂在哪里")
    parser.add_argument("--course", required=True, help="课程标识")
    parser.add_argument("--reader", default="hub", help="只读名单的数据库用户")
    options = parser.parse_args(arguments)
    state: Path = options.state
    try:
        make_folders(state / "exchange", state / "homes", state / "classroom", options.course)
        engine = open_engine(os.environ["QINLIAN_DATABASE_URL"], METADATA)
        open_roster_to(engine, options.reader)
    except KeyError:
        print("没有设置 QINLIAN_DATABASE_URL；请看 deploy/k8s/manifests/desk.yaml", file=sys.stderr)
        return 1
    except SQLAlchemyError:
        print("连不上数据库或没有权限；请检查 PostgreSQL 是否在运行、密码是否一致", file=sys.stderr)
        return 1
    except QinlianError as error:
        print(error, file=sys.stderr)
        return 1
    print("课堂的文件夹和名单表已就绪", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
