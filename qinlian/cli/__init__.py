"""``qinlian …``: parse, call, print. Every command is thin; heavy imports wait until they are needed.

Exit status: 0 all well · 1 the course, a submission or the set-up has a problem · 2 wrong usage.
One module holds the commands of one noun.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from qinlian.cli import backup, certificates, classroom, course, grading, hub, report, roster
from qinlian.cli.base import Run, app
from qinlian.cli.text import usage_sentence
from qinlian.errors import QinlianError

__all__ = ["app", "backup", "certificates", "classroom", "course", "grading", "hub", "main", "report", "roster"]


def _open_log(root: Path) -> tuple[int, Path]:
    """A new file for this user alone: in the classroom's logs, else where temporary files go."""
    from qinlian.classroom.layout import Layout

    name = f"error-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    with suppress(OSError):
        path = Layout(root).logs / f"{name}.log"
        path.parent.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path
    handle, made = tempfile.mkstemp(prefix=f"qinlian-{name}-", suffix=".log")
    return handle, Path(made)


def _log_unexpected(error: BaseException, root: Path) -> Path | None:
    """Where the details stand; None when they could be written nowhere."""
    try:
        handle, path = _open_log(root)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
            log.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return path


def main() -> None:
    """Run the command line; no user ever sees a traceback."""
    run = Run()
    try:
        status = app(args=sys.argv[1:] or ["--help"], prog_name="qinlian", standalone_mode=False, obj=run)
    except click.UsageError as error:
        click.secho(usage_sentence(error), fg="red", err=True)
        sys.exit(2)
    except QinlianError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except Exception as error:
        path = _log_unexpected(error, run.root)
        details = f"详情写在 {path}，请把它交给管理员" if path else "详情没有地方可写，请检查磁盘空间后再试一次"
        click.secho(f"程序出了意外，没有完成。{details}", fg="red", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
