"""The settings that a restored Hub starts with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from qinlian.atomic import replace_file
from qinlian.authoring.secret import SECRET_NAME
from qinlian.backup.reading import Contents
from qinlian.errors import BackupError, ClassroomError
from qinlian.hub.settings import HubSettings

__all__ = ["course_to_bring", "restored_settings", "save_settings"]


def restored_settings(state: Path, contents: Contents, database_url: str | None) -> HubSettings:
    """The backed-up Hub's settings, for the place ``state`` on this machine.

    Where the Hub is set up here already, its gradebook stays the one it has, unless ``database_url`` names
    another. Elsewhere a gradebook on PostgreSQL must be named: that of the backup may be in use. Raises
    BackupError and ClassroomError.
    """
    if not contents.settings:
        raise BackupError("这份备份里没有 Hub 课堂的设置，不能恢复成 Hub 课堂；请检查文件")
    try:
        found = HubSettings.model_validate(json.loads(contents.settings) | {"state": str(state.resolve())})
    except (ValueError, TypeError, RecursionError):
        raise BackupError("备份里 Hub 课堂的设置读不懂；请用写这份备份的那一版程序恢复") from None
    try:
        here = HubSettings.load(state).database_url
    except ClassroomError:
        if (state / "hub" / "settings.json").exists():
            raise
        here = ""
        if found.database_url and database_url is None:
            raise BackupError(
                "备份里的成绩册在 PostgreSQL 上；请用 --database-url 写明恢复到哪个空的数据库，免得动到还在用的那一个"
            ) from None
    return found.model_copy(update={"database_url": here if database_url is None else database_url})


def course_to_bring(hub: HubSettings, root: Path) -> tuple[Path, Path] | None:
    """The restored course and that of the repository at ``root`` where their keys are not the same.

    The next start copies the repository's course to the Hub: with another key every question would become a new
    one. None where they are the same, or ``root`` is no course repository.
    """
    restored, repository = hub.course_root / "course", root / "course"
    if not (repository / "course.yaml").is_file() or not (restored / SECRET_NAME).is_file():
        return None
    theirs = (repository / SECRET_NAME).read_bytes() if (repository / SECRET_NAME).is_file() else b""
    return None if theirs.strip() == (restored / SECRET_NAME).read_bytes().strip() else (restored, repository)


def save_settings(hub: HubSettings) -> Callable[[Path], None]:
    """What writes these settings into the Hub's own folder while it is not in its place yet."""

    def save(folder: Path) -> None:
        replace_file(folder / "settings.json", (hub.model_dump_json(indent=1) + "\n").encode(), mode=0o600)

    return save
