"""``qinlian report``: what instructors take away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, load, progress_line, root_option, say
from qinlian.errors import RosterError

if TYPE_CHECKING:
    from qinlian.roster.people import Scope

_FILE = click.Path(path_type=Path)
_KEEP = "里面有姓名和成绩，请像名单一样保管"


@app.command()
@root_option
@click.option("--html", type=_FILE, metavar="文件", help="另存为网页：单位进度、分布、知识点、题目，一页看全")
@click.option("--xlsx", type=_FILE, metavar="文件", help="另存为 Excel：成绩总表和网页里的各张表")
@click.option("--csv", type=_FILE, metavar="文件", help="成绩总表另存为 CSV")
@click.option("--unit", metavar="单位", help="只出这个单位和它的下级，按名单")
@click.option("--archived", is_flag=True, help="连同已归档的学员")
@click.option("--risks", is_flag=True, help="改出履职风险自查的汇总：热力图和风险清单，不写姓名")
@click.option("--units", type=_FILE, metavar="名单", help="与 --risks 一起用，代替名单：学号、单位两列")
@click.option("--reflections", is_flag=True, help="改出心得：细则、分数、评语和相似提示，可加 --html、--xlsx")
@click.option("--earlier", type=_FILE, metavar="位置", help="与 --reflections 一起用：往期心得")
def report(
    root: Path,
    html: Path | None,
    xlsx: Path | None,
    csv: Path | None,
    unit: str | None,
    archived: bool,
    risks: bool,
    units: Path | None,
    reflections: bool,
    earlier: Path | None,
) -> None:
    """成绩总表和学习情况报表：单位进度、成绩、知识点、题目。"""
    if earlier is not None and not reflections:
        raise click.UsageError("--earlier 要和 --reflections 一起写")
    if reflections and risks:
        raise click.UsageError("--reflections 和 --risks 一次只写一个")
    if html is not None and risks:
        raise click.UsageError("--risks 只能另存为 Excel；网页报表里已有自查的汇总，去掉 --risks 就是")
    if csv is not None and (reflections or risks):
        raise click.UsageError("--csv 是成绩总表，不和 --reflections、--risks 一起写")
    if units is not None and not risks:
        raise click.UsageError("--units 要和 --risks 一起写")
    if units is not None and unit is not None:
        raise click.UsageError("--unit 按名单里的单位，不和 --units 一起写")
    if reflections:
        _report_reflections(root, xlsx, html, earlier, unit)
    elif risks:
        _report_risks(root, xlsx, units, unit)
    else:
        _report_class(root, html, xlsx, csv, unit, archived=archived)


def _scope(root: Path, unit: str | None) -> tuple[Scope, str]:
    """Whose rows the report has, and the path of that unit; everybody and no path without one."""
    from qinlian.reports.frames.people import roster_of
    from qinlian.roster.people import ALL

    if unit is None:
        return ALL, ""
    roster = roster_of(root)
    path = roster.unit_named(unit)
    return roster.scope(path), path


def _report_class(
    root: Path, html: Path | None, xlsx: Path | None, csv: Path | None, unit: str | None, *, archived: bool
) -> None:
    from qinlian.reports.table import gradebook_table, print_table

    course, (scope, path) = load(root), _scope(root, unit)
    # A row a learner and module: for a province that takes seconds, and the page has no use for it.
    table = None if html and not (xlsx or csv) else gradebook_table(root, course, scope, archived=archived)
    if table is not None and not (xlsx or csv):
        print_table(table)
    if table is not None and csv:
        from qinlian.reports.gradebook_export import write_csv

        write_csv(table, csv)
        say(f"已写入 {csv}")
    if html is None and xlsx is None:
        return

    from qinlian.reports.page.gather import gather
    from qinlian.reports.page.render import render
    from qinlian.reports.page.workbook import write_workbook
    from qinlian.reports.reflection_report import write_page

    warning = ""
    with progress_line() as tell:
        facts = gather(root, course, scope, path, archived=archived, progress=tell)
        if table is not None and xlsx:
            tell("写 Excel")
            write_workbook(facts, table, xlsx)
        if html:
            tell("画图，嵌入字体")
            page = render(facts)
            write_page(page.html, html)
            warning = page.warning
    if warning:
        say(warning)
    if xlsx:
        say(f"已写入 {xlsx}；{_KEEP}")
    if html:
        say(f"已写入 {html}，用浏览器打开就能看，也能打印；{_KEEP}")


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
    found = read_reflections(root, earlier, _scope(root, unit)[0])
    for line in reflection_lines(found):
        say(line)
    if xlsx:
        write_reflections(found, xlsx)
        say(f"已写入 {xlsx}")
    if html:
        write_page(reflection_page(found, course, datetime.now(UTC)), html)
        say(f"已写入 {html}")


def _report_risks(root: Path, xlsx: Path | None, units: Path | None, unit: str | None) -> None:
    from qinlian.reports.frames.people import roster_of
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
