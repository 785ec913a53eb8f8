"""What every command shares: the group, --root, how to say things, how to find the course."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.text import ChineseGroup
from qinlian.core.diagnostics import Diagnostic
from qinlian.errors import QinlianError

if TYPE_CHECKING:
    from qinlian.core.model import Course

__all__ = ["Run", "app", "course_dir", "load", "modules_named", "progress_line", "root_option", "say", "show"]


@dataclass
class Run:
    """What is known of this run wherever it ends."""

    root: Path = Path()


def _note_root(context: click.Context, _option: click.Parameter, root: Path) -> Path:
    if isinstance(context.obj, Run):
        context.obj.root = root
    return root


root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="文件夹",
    callback=_note_root,
    help="课程仓库的位置（默认当前文件夹）",
)


@click.group(cls=ChineseGroup)
def app() -> None:
    """勤廉学堂：检查、生成、评分、报表和本地课堂。"""


def say(line: str) -> None:
    click.echo(line)


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """A line that tells what is going on; on a terminal it moves, in a log it is printed."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: click.echo(text, err=True)
        return
    with console.status("请稍候…") as status:
        yield lambda text: status.update(Text(f"{text}…"))


def show(diagnostics: tuple[Diagnostic, ...], as_json: bool) -> None:
    if as_json:
        say(json.dumps([d.model_dump() | {"place": d.place} for d in diagnostics], ensure_ascii=False, indent=1))
        return
    for diagnostic in diagnostics:
        say(str(diagnostic))


def course_dir(root: Path) -> Path:
    if not (root / "course" / "course.yaml").is_file():
        raise QinlianError(f"{root.resolve()} 里没有 course/course.yaml；请到课程仓库里运行，或用 --root 指明位置")
    return root / "course"


def load(root: Path) -> Course:
    from qinlian.authoring.reader import load_course

    return load_course(course_dir(root))


def modules_named(course: Course, module: str | None) -> list[str]:
    """That module, or all without; raises QinlianError when the course has no such module."""
    known = [m.id for m in course.modules]
    if module is not None and module not in known:
        raise QinlianError(f"课程里没有模块 {module}；有的是 {'、'.join(known)}")
    return [module] if module else known
