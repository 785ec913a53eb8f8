"""``qinlian backup`` and ``restore``: everything a classroom needs to come back, in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, root_option, say
from qinlian.errors import BackupError

if TYPE_CHECKING:
    from qinlian.backup.reading import Contents
    from qinlian.backup.site import Site

_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="文件夹",
    envvar="QINLIAN_STATE",
    help="Hub 课堂的位置，如 /srv/qinlian；不写就是本机课堂",
)
_homes_option = click.option(
    "--homes", type=click.Path(path_type=Path), metavar="文件夹", help="学员的家目录另放在一处时写明（Kubernetes）"
)
_database_option = click.option("--database-url", metavar="地址", help="Hub 课堂恢复到哪个 PostgreSQL 数据库")


@app.command()
@root_option
@_state_option
@_homes_option
@click.argument("file", required=False, type=click.Path(), metavar="[文件]")
def backup(root: Path, state: Path | None, homes: Path | None, file: str | None) -> None:
    """把整个课堂备份成一个文件（课堂可以开着）；写文件夹就在里面按时间取名。"""
    from qinlian.backup.making import backup_name, make_backup

    site = _site(root, state, homes)
    if state is None and next(site.learners_data(), None) is None:
        raise BackupError("这里还没有开过课，没有可备份的；要备份 Hub 课堂，请写 --state 文件夹，如 /srv/qinlian")
    path = Path(file or ".")
    # A disk that is not mounted tonight must not leave a file where the folder should be.
    if file is not None and file.endswith("/") and not path.is_dir():
        raise BackupError(f"没有文件夹 {path}；请先建好，或检查它所在的磁盘挂上没有")
    if path.is_dir():
        path /= backup_name(site.course_id, datetime.now(UTC))
    with _bar() as progress, _said("没有备份"):
        made = make_backup(site, path, progress)
    say(f"已备份到 {path}：{made.files} 个文件，{made.packed / 1e6:.1f} MB（原 {made.size / 1e6:.1f} MB）")
    for line in made.warnings:
        click.secho(f"没有收进备份：{line}", fg="yellow", err=True)
    say("里面有答案、密钥和学员的作答，请像保管试卷一样保管")


@app.command()
@root_option
@_state_option
@_homes_option
@_database_option
@click.option("--replace", is_flag=True, help="这里已有课堂也恢复：原来的移到一边，不删除")
@click.option("--check", is_flag=True, help="只检查备份完不完整，不恢复")
@click.argument("file", type=click.Path(path_type=Path), metavar="文件")
def restore(
    root: Path,
    state: Path | None,
    homes: Path | None,
    database_url: str | None,
    replace: bool,
    check: bool,
    file: Path,
) -> None:
    """从备份恢复整个课堂；先检查，再恢复，要么全部恢复，要么什么也不动。"""
    from qinlian.backup.reading import read_backup

    if not file.is_file():
        raise BackupError(f"没有找到文件 {file}；请检查写法")
    with _bar() as progress, _said("没有恢复"):
        done, total = 0, file.stat().st_size

        def count(read: int) -> None:
            nonlocal done
            done += read
            progress("检查备份", done, max(total, done))

        contents = read_backup(file, progress=count)
    say(_described(contents))
    if check:
        return

    from qinlian.backup.hubs import course_to_bring, restored_settings, save_settings
    from qinlian.backup.restoring import restore_backup
    from qinlian.backup.site import hub_site, local_site

    begin = partial(restore_backup, path=file, contents=contents, replace=replace)
    other: tuple[Path, Path] | None = None
    with _bar() as progress, _said("没有恢复"):
        if state is None:
            restored = begin(local_site(root, homes), progress=progress)
        else:
            hub = restored_settings(state, contents, database_url)
            restored = begin(hub_site(hub), progress=progress, settle=save_settings(hub))
            other = course_to_bring(hub, root)
    say("已恢复")
    for folder in restored.aside:
        say(f"原来的移到了 {folder}")
    if restored.strangers:
        names = sorted(restored.strangers)
        shown = "、".join(names[:3]) + (" 等" if len(names) > 3 else "")
        click.secho(
            f"这台机器上还没有账号 {shown}（{len(names)} 个），他们的文件先按编号归属；下次 ./run --hub 会建好账号",
            fg="yellow",
            err=True,
        )
    if other is not None:
        restored_course, repository = other
        click.secho(
            "课程仓库里的密钥和恢复的课堂不同；开课以前请先把恢复的课程拷回仓库："
            f"cp -a {restored_course}/. {repository}/",
            fg="yellow",
            err=True,
        )
    say("接下来照常开课；自动评分会接着评，并把结果重新发给学员")


def _site(root: Path, state: Path | None, homes: Path | None) -> Site:
    from qinlian.backup.site import hub_site, local_site

    if state is None:
        return local_site(root, homes)
    from qinlian.hub.settings import HubSettings

    return hub_site(HubSettings.load(state))


def _described(contents: Contents) -> str:
    header = contents.header
    when = f"{header.made_at.astimezone():%Y-%m-%d %H:%M}"
    size = contents.size.total() / 1e6
    return f"备份完好：课程 {header.course}，{when}，{contents.files.total()} 个文件，{size:.1f} MB"


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Say in Chinese what the disk said."""
    try:
        yield
    except OSError as error:
        raise BackupError(f"{what}：{_reason(error)}") from error


def _reason(error: OSError) -> str:
    import errno

    known = {
        errno.ENOSPC: "磁盘满了，请换一个空间够的位置",
        errno.EDQUOT: "磁盘配额用完了，请换一个空间够的位置",
        errno.EACCES: "没有权限，请用管理员（sudo）或课堂所属的账号运行",
        errno.EPERM: "没有权限，请用管理员（sudo）或课堂所属的账号运行",
        errno.EROFS: "磁盘是只读的，请换一个位置",
    }
    where = f"（{error.filename}）" if error.filename else ""
    return known.get(error.errno or 0, "磁盘读写出错，请检查磁盘") + where


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal; nothing in a log."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("请稍候", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total or None)

        yield tell
