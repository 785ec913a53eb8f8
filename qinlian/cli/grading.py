"""``qinlian grade``: collect, grade, hand back."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, load, modules_named, root_option

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@app.command()
@root_option
@click.argument("module", required=False, metavar="[模块]")
@click.option("--force", is_flag=True, help="已评过的也重新评")
def grade(root: Path, module: str | None, force: bool) -> None:
    """收作业、评分、把结果发还给学员。"""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    modules = modules_named(load(root), module)

    from qinlian.grading.worker import grade_module

    failed = 0
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bars:
        for name in modules:
            task = bars.add_task(name, total=None)
            summary = grade_module(root, name, force=force, progress=partial(_tell, bars, task))
            bars.console.print(summary.text(), markup=False, highlight=False)
            failed += summary.failed
    sys.exit(1 if failed else 0)


def _tell(bars: Progress, task: TaskID, done: int, total: int) -> None:
    bars.update(task, completed=done, total=total)
