"""``qinlian …``: parse, call, print. Every command is thin; heavy imports wait until they are needed.

Exit status: 0 all well · 1 the course, a submission or the set-up has a problem · 2 wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli_text import ChineseGroup, usage_sentence
from qinlian.core.diagnostics import Diagnostic, has_errors
from qinlian.errors import QinlianError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from qinlian.core.model import Course, Item


@dataclass
class _Run:
    """What is known of this run wherever it ends."""

    root: Path = Path()


def _note_root(context: click.Context, _option: click.Parameter, root: Path) -> Path:
    if isinstance(context.obj, _Run):
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


def _say(line: str) -> None:
    click.echo(line)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that tells what is going on; on a terminal it moves, in a log it is printed."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: click.echo(text, err=True)
        return
    with console.status("请稍候…") as status:
        yield lambda text: status.update(Text(f"{text}…"))


def _show(diagnostics: tuple[Diagnostic, ...], as_json: bool) -> None:
    if as_json:
        _say(json.dumps([d.model_dump() | {"place": d.place} for d in diagnostics], ensure_ascii=False, indent=1))
        return
    for diagnostic in diagnostics:
        _say(str(diagnostic))


def _course_dir(root: Path) -> Path:
    if not (root / "course" / "course.yaml").is_file():
        raise QinlianError(f"{root.resolve()} 里没有 course/course.yaml；请到课程仓库里运行，或用 --root 指明位置")
    return root / "course"


def _load(root: Path) -> Course:
    from qinlian.authoring.reader import load_course

    return load_course(_course_dir(root))


def _modules(course: Course, module: str | None) -> list[str]:
    """That module, or all without; raises QinlianError when the course has no such module."""
    known = [m.id for m in course.modules]
    if module is not None and module not in known:
        raise QinlianError(f"课程里没有模块 {module}；有的是 {'、'.join(known)}")
    return [module] if module else known


@app.command()
@root_option
@click.option("--strict", is_flag=True, help="有提醒也算不通过")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，供别的工具读取")
def check(root: Path, strict: bool, as_json: bool) -> None:
    """检查课程文本，一次列出全部问题。"""
    from qinlian.authoring.reader import read_course

    course, diagnostics = read_course(_course_dir(root))
    _show(diagnostics, as_json)
    errors = sum(d.is_error for d in diagnostics)
    if not as_json:
        if course is not None and not errors:
            items = sum(len(m.own_items) for m in course.modules)
            _say(f"检查通过：{len(course.modules)} 个模块，{items} 道题，{len(diagnostics)} 条提醒")
        else:
            _say(f"共 {errors} 个错误，{len(diagnostics) - errors} 条提醒；改完后请再运行一次 qinlian check")
    sys.exit(1 if errors or (strict and diagnostics) else 0)


@app.command()
@root_option
@click.option("--check", "check_only", is_flag=True, help="只核对 source/ 和 release/ 是否最新")
@click.option("--track", metavar="培训对象", help="只生成这一类培训对象的模块，写到 --to 指的文件夹")
@click.option("--to", "target", type=click.Path(path_type=Path), metavar="文件夹", help="与 --track 一起用")
def build(root: Path, check_only: bool, track: str | None, target: Path | None) -> None:
    """由 course/ 生成 source/ 和 release/。"""
    from qinlian.notebooks import build as builder

    _course_dir(root)
    if track is not None or target is not None:
        if track is None or target is None or check_only:
            raise click.UsageError("--track 和 --to 要一起写，不能与 --check 同用")
        with _progress() as progress:
            modules = builder.build_track(root, track, target, progress)
        _say(f"已为{track}生成 {len(modules)} 个模块，在 {target}")
        return
    with _progress() as progress:
        changed = builder.stale(root, progress) if check_only else builder.build(root, progress)
    for name in changed:
        _say(f"{'不是最新' if check_only else '已更新'}：{name}")
    if check_only and changed:
        _say("请运行 qinlian build，并把结果一起提交")
        sys.exit(1)
    if not changed:
        _say("source/ 和 release/ 已是最新")


@app.command("import")
@root_option
@click.argument("workbook", type=click.Path(path_type=Path), metavar="题库.xlsx")
@click.option("--module", metavar="模块", help="没有题号的新题放进哪个模块，如 02-gifts")
def import_(root: Path, workbook: Path, module: str | None) -> None:
    """把 Excel 题库里的题并入各模块的 questions.md；没写用途的算测验题。"""
    from qinlian.authoring.merge import merge_questions, module_prefix
    from qinlian.authoring.rulebook import Rulebook
    from qinlian.authoring.workbook import import_workbook

    course = _load(root)
    owners = {item.id: m.id for m in course.modules for item in m.own_items}
    _modules(course, module)
    prefix = module_prefix(module, [i for i, owner in owners.items() if owner == module]) if module else ""
    items, diagnostics = import_workbook(workbook, owners, prefix, Rulebook(course.documents))
    _show(diagnostics, as_json=False)
    if has_errors(diagnostics):
        _say("有错误，一道题也没有导入；改好表格后请再试一次")
        sys.exit(1)
    by_module: dict[str, list[Item]] = {}
    for item in items:
        owner = owners.get(item.id, module)
        if owner is None:
            raise QinlianError(f"{item.id} 是新题，不知道放进哪个模块；请用 --module 指明，一道题也没有导入")
        by_module.setdefault(owner, []).append(item)
    for owner, chosen in by_module.items():
        merge_questions(_course_dir(root), owner, chosen)
        _say(f"已把 {len(chosen)} 道题并入 course/modules/{owner}/questions.md")
    _say("请运行 qinlian check 再看一遍，然后 qinlian build")


@app.command()
@root_option
@click.option("--xlsx", "workbook", type=click.Path(path_type=Path), metavar="文件", help="把题目导出成 Excel 题库")
@click.option("--module", metavar="模块", help="与 --xlsx 一起用：只导出一个模块")
@click.option("--graph", "story", metavar="题号", help="把一道抉择画成图，如 LZ-02-D1；不写文件名就写到 题号.svg")
@click.argument("picture", required=False, type=click.Path(path_type=Path), metavar="[文件.svg]")
def export(root: Path, workbook: Path | None, module: str | None, story: str | None, picture: Path | None) -> None:
    """导出 Excel 题库，或把一道抉择画成图（都含答案，请妥善保管）。"""
    if story is not None and workbook is None:
        _draw(_load(root), story, picture or Path(f"{story}.svg"))
        return
    if workbook is None or story is not None or picture is not None:
        raise click.UsageError("--xlsx 和 --graph 写一个")
    from qinlian.authoring.workbook import export_workbook

    course = _load(root)
    chosen = _modules(course, module)
    export_workbook(course, workbook, modules=chosen)
    count = sum(len(m.own_items) for m in course.modules if m.id in chosen)
    _say(f"已导出 {count} 道题到 {workbook}；表里有答案，请像保管试卷一样保管")


def _draw(course: Course, story: str, picture: Path) -> None:
    from qinlian.items.decision import TYPE
    from qinlian.items.decision.graph import draw

    stories = {item.id: item for m in course.modules for item in m.own_items if item.kind == TYPE.label}
    if story not in stories:
        raise QinlianError(f"课程里没有抉择 {story}；有的是 {'、'.join(stories) or '（还没有）'}")
    try:
        picture.write_bytes(draw(story, stories[story].body))
    except OSError as error:
        raise QinlianError(f"写不了 {picture}；请换一个存在、可以写的文件夹") from error
    _say(f"已画到 {picture}，用浏览器打开；图上有得分，请像保管试卷一样保管")


@app.command()
@root_option
@click.argument("module", required=False, metavar="[模块]")
@click.option("--force", is_flag=True, help="已评过的也重新评")
def grade(root: Path, module: str | None, force: bool) -> None:
    """收作业、评分、把结果发还给学员。"""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    modules = _modules(_load(root), module)

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


@app.command()
@root_option
@click.option("--xlsx", type=click.Path(path_type=Path), metavar="文件", help="另存为 Excel")
@click.option("--risks", is_flag=True, help="改出履职风险自查的汇总：热力图和风险清单，不写姓名")
@click.option("--units", type=click.Path(path_type=Path), metavar="名单", help="与 --risks 一起用：学号、单位两列")
@click.option("--reflections", is_flag=True, help="改出心得：细则、分数、评语和相似提示")
@click.option("--html", type=click.Path(path_type=Path), metavar="文件", help="与 --reflections 一起用：另存为网页")
@click.option("--earlier", type=click.Path(path_type=Path), metavar="位置", help="与 --reflections 一起用：往期心得")
def report(
    root: Path,
    xlsx: Path | None,
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
    if reflections:
        _report_reflections(root, xlsx, html, earlier)
        return
    if units is not None and not risks:
        raise click.UsageError("--units 要和 --risks 一起写")
    if risks:
        _report_risks(root, xlsx, units)
        return
    from qinlian.reports.excel import write_excel
    from qinlian.reports.table import gradebook_table, print_table

    table = gradebook_table(root, _load(root))
    print_table(table)
    if xlsx:
        write_excel(table, xlsx)
        _say(f"已写入 {xlsx}")


def _report_reflections(root: Path, xlsx: Path | None, html: Path | None, earlier: Path | None) -> None:
    from qinlian.reports.reflection_report import (
        read_reflections,
        reflection_lines,
        reflection_page,
        write_page,
        write_reflections,
    )

    course = _load(root)
    found = read_reflections(root, earlier)
    for line in reflection_lines(found):
        _say(line)
    if xlsx:
        write_reflections(found, xlsx)
        _say(f"已写入 {xlsx}")
    if html:
        write_page(reflection_page(found, course, datetime.now(UTC)), html)
        _say(f"已写入 {html}")


def _report_risks(root: Path, xlsx: Path | None, units: Path | None) -> None:
    from qinlian.reports.risk_tables import print_risks, write_risks
    from qinlian.reports.risks import group_risks, risk_names, self_ratings
    from qinlian.reports.units import read_units

    course = _load(root)
    groups = group_risks(self_ratings(root, course), risk_names(course), read_units(units) if units else None)
    print_risks(groups)
    if xlsx:
        write_risks(groups, xlsx)
        _say(f"已写入 {xlsx}")


@app.command()
@root_option
@click.option("--port", type=click.IntRange(1024, 65000), default=8888, metavar="端口", help="学员用这个，教师用下一个")
@click.option("--browser/--no-browser", default=True, help="是否打开浏览器")
@click.option("--demo", is_flag=True, help="加入 30 名演示学员和他们的作业")
@click.option("--track", metavar="培训对象", help="只为这一类培训对象开课，如 青年干部")
def classroom(root: Path, port: int, browser: bool, demo: bool, track: str | None) -> None:
    """在本机开课：学员、教师和自动评分一起启动，按 Ctrl-C 结束。"""
    from qinlian.classroom.servers import run_classroom

    _course_dir(root)
    sys.exit(run_classroom(root.resolve(), port=port, browser=browser, demo=demo, track=track or ""))


def _tell(bars: Progress, task: TaskID, done: int, total: int) -> None:
    bars.update(task, completed=done, total=total)


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
    run = _Run()
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


if __name__ == "__main__":
    main()
