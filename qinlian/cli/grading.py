"""``qinlian grade`` and ``report``: what instructors use."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, load, modules_named, root_option, say
from qinlian.errors import RosterError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from qinlian.roster.people import Scope


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


@app.command()
@root_option
@click.option("--xlsx", type=click.Path(path_type=Path), metavar="文件", help="另存为 Excel")
@click.option("--unit", metavar="单位", help="只出这个单位和它的下级，按名单")
@click.option("--archived", is_flag=True, help="连同已归档的学员")
@click.option("--risks", is_flag=True, help="改出履职风险自查的汇总：热力图和风险清单，不写姓名")
@click.option(
    "--units", type=click.Path(path_type=Path), metavar="名单", help="与 --risks 一起用，代替名单：学号、单位两列"
)
@click.option("--reflections", is_flag=True, help="改出心得：细则、分数、评语和相似提示")
@click.option("--html", type=click.Path(path_type=Path), metavar="文件", help="与 --reflections 一起用：另存为网页")
@click.option("--earlier", type=click.Path(path_type=Path), metavar="位置", help="与 --reflections 一起用：往期心得")
def report(
    root: Path,
    xlsx: Path | None,
    unit: str | None,
    archived: bool,
    risks: bool,
    units: Path | None,
    reflections: bool,
    html: Path | None,
    earlier: Path | None,
) -> None:
    """成绩总表：学员、模块、得分、状态、提交时间、学时。"""
    if (html is not None or earlier is not None) and not reflections:
        raise click.UsageError("--html 和 --earlier 要和 --reflections 一起写")
    if reflections and risks:
        raise click.UsageError("--reflections 和 --risks 一次只写一个")
    if units is not None and not risks:
        raise click.UsageError("--units 要和 --risks 一起写")
    if units is not None and unit is not None:
        raise click.UsageError("--unit 按名单里的单位，不和 --units 一起写")
    if reflections:
        _report_reflections(root, xlsx, html, earlier, unit)
        return
    if risks:
        _report_risks(root, xlsx, units, unit)
        return
    from qinlian.reports.excel import write_excel
    from qinlian.reports.table import gradebook_table, print_table

    table = gradebook_table(root, load(root), _scope(root, unit), archived=archived)
    print_table(table)
    if xlsx:
        write_excel(table, xlsx)
        say(f"已写入 {xlsx}")


def _scope(root: Path, unit: str | None) -> Scope:
    from qinlian.reports.people import roster_of
    from qinlian.roster.people import ALL

    if unit is None:
        return ALL
    roster = roster_of(root)
    return roster.scope(roster.unit_named(unit))


def _report_reflections(
    root: Path, xlsx: Path | None, html: Path | None, earlier: Path | None, unit: str | None
) -> None:
    from qinlian.reports.reflection_report import (
        read_reflections,
        reflection_lines,
        reflection_page,
        write_page,
        write_reflections,
    )

    course = load(root)
    found = read_reflections(root, earlier, _scope(root, unit))
    for line in reflection_lines(found):
        say(line)
    if xlsx:
        write_reflections(found, xlsx)
        say(f"已写入 {xlsx}")
    if html:
        write_page(reflection_page(found, course, datetime.now(UTC)), html)
        say(f"已写入 {html}")


def _report_risks(root: Path, xlsx: Path | None, units: Path | None, unit: str | None) -> None:
    from qinlian.reports.people import roster_of
    from qinlian.reports.risk_tables import print_risks, write_risks
    from qinlian.reports.risks import group_risks, risk_names, roster_risks, self_ratings
    from qinlian.reports.units import read_units

    course, roster = load(root), roster_of(root)
    ratings, names = self_ratings(root, course), risk_names(course)
    if units is None and roster.people:
        groups = roster_risks(ratings, names, roster, roster.unit_named(unit) if unit else "")
    elif unit is None:
        groups = group_risks(ratings, names, read_units(units) if units else None)
    else:
        raise RosterError("还没有名单，不能按单位出报表；先用 qinlian roster import 导入")
    print_risks(groups)
    if xlsx:
        write_risks(groups, xlsx)
        say(f"已写入 {xlsx}")
