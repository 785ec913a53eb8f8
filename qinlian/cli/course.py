"""``qinlian check``, ``build``, ``import`` and ``export``: what authors use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, course_dir, load, modules_named, progress_line, root_option, say, show
from qinlian.core.diagnostics import has_errors
from qinlian.errors import QinlianError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qinlian.authoring.interchange.filing import Filed
    from qinlian.authoring.interchange.gate import Bank
    from qinlian.core.model import Course


@app.command()
@root_option
@click.option("--strict", is_flag=True, help="有提醒也算不通过")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，供别的工具读取")
def check(root: Path, strict: bool, as_json: bool) -> None:
    """检查课程文本，一次列出全部问题。"""
    from qinlian.authoring.reader import read_course

    course, diagnostics = read_course(course_dir(root))
    show(diagnostics, as_json)
    errors = sum(d.is_error for d in diagnostics)
    if not as_json:
        if course is not None and not errors:
            items = sum(len(m.own_items) for m in course.modules)
            say(f"检查通过：{len(course.modules)} 个模块，{items} 道题，{len(diagnostics)} 条提醒")
        else:
            say(f"共 {errors} 个错误，{len(diagnostics) - errors} 条提醒；改完后请再运行一次 qinlian check")
    sys.exit(1 if errors or (strict and diagnostics) else 0)


@app.command()
@root_option
@click.option("--check", "check_only", is_flag=True, help="只核对 source/ 和 release/ 是否最新")
@click.option("--track", metavar="培训对象", help="只生成这一类培训对象的模块，写到 --to 指的文件夹")
@click.option("--to", "target", type=click.Path(path_type=Path), metavar="文件夹", help="与 --track 一起用")
def build(root: Path, check_only: bool, track: str | None, target: Path | None) -> None:
    """由 course/ 生成 source/ 和 release/。"""
    from qinlian.notebooks import build as builder

    course_dir(root)
    if track is not None or target is not None:
        if track is None or target is None or check_only:
            raise click.UsageError("--track 和 --to 要一起写，不能与 --check 同用")
        with progress_line() as progress:
            modules = builder.build_track(root, track, target, progress)
        say(f"已为{track}生成 {len(modules)} 个模块，在 {target}")
        return
    with progress_line() as progress:
        changed = builder.stale(root, progress) if check_only else builder.build(root, progress)
    for name in changed:
        say(f"{'不是最新' if check_only else '已更新'}：{name}")
    if check_only and changed:
        say("请运行 qinlian build，并把结果一起提交")
        sys.exit(1)
    if not changed:
        say("source/ 和 release/ 已是最新")


@app.command("import")
@root_option
@click.argument("bank", type=click.Path(path_type=Path), metavar="题库文件")
@click.option("--module", metavar="模块", help="没有题号的新题放进哪个模块，如 02-gifts")
def import_(root: Path, bank: Path, module: str | None) -> None:
    """把题库并入各模块的 questions.md：Excel、Moodle XML、GIFT、QTI 2.1 包，或补好的 drafts.md。

    没写用途的算测验题。从别的系统来的题缺了依据、解析的，先放进 drafts.md，不影响课程。
    """
    from qinlian.authoring.interchange.gate import open_bank

    opened, problems = open_bank(bank)
    if opened is None:
        show(problems, as_json=False)
        say("一道题也没有导入")
        sys.exit(1)
    course = load(root)
    modules_named(course, module)
    if opened.format == "xlsx":
        _import_workbook(root, course, bank, module)
        return
    _import_bank(root, course, opened, bank, module)


def _import_workbook(root: Path, course: Course, workbook: Path, module: str | None) -> None:
    from qinlian.authoring.interchange.filing import Filed
    from qinlian.authoring.merge import by_module, merge_questions, module_prefix
    from qinlian.authoring.rulebook import Rulebook
    from qinlian.authoring.workbook import import_workbook

    before = {item.id: item for m in course.modules for item in m.own_items}
    owners = {item.id: m.id for m in course.modules for item in m.own_items}
    prefix = module_prefix(module, [i for i, owner in owners.items() if owner == module]) if module else ""
    items, diagnostics = import_workbook(workbook, owners, prefix, Rulebook(course.documents))
    show(diagnostics, as_json=False)
    if has_errors(diagnostics):
        say("有错误，一道题也没有导入；改好表格后请再试一次")
        sys.exit(1)
    for owner, chosen in by_module(items, owners, module).items():
        merge_questions(course_dir(root), owner, chosen)
        _say_filed(Filed.of(owner, chosen, before))
    say("请运行 qinlian check 再看一遍，然后 qinlian build")


def _import_bank(root: Path, course: Course, opened: Bank, bank: Path, module: str | None) -> None:
    from qinlian.authoring.interchange.drafts import DRAFTS
    from qinlian.authoring.interchange.filing import BankImport

    started = BankImport(course_dir(root), course, opened, bank, module)
    show(started.brought.diagnostics, as_json=False)
    if not started.brought.ready and not started.brought.waiting:
        say("一道题也没有导入")
        sys.exit(1)
    for filed in started.write():
        _say_filed(filed)
        if filed.waiting:
            drafts = f"course/modules/{filed.module}/{DRAFTS}"
            say(f"{filed.waiting} 道题还没有写全，在 {drafts}，不影响课程；照上面列的补好，再导入这个文件")
    say("请运行 qinlian check 再看一遍，然后 qinlian build")
    if started.home and not started.brought.ready:
        sys.exit(1)


def _say_filed(filed: Filed) -> None:
    """What became of the complete items."""
    file = f"course/modules/{filed.module}/questions.md"
    if filed.complete > filed.same:
        say(f"已把 {filed.complete - filed.same} 道题并入 {file}{_replaced(filed.changed)}")
    if filed.same:
        say(f"{filed.same} 道题和 {file} 里的一样，没有改动")


def _replaced(changed: Sequence[str]) -> str:
    """Which items of the course were changed, in words."""
    if not changed:
        return ""
    more = f"等 {len(changed)} 道" if len(changed) > 5 else ""
    return f"，其中换掉了原有的 {'、'.join(changed[:5])}{more}"


_FORMATS = ("xlsx", "moodle", "gift", "qti")


@app.command()
@root_option
@click.option("--xlsx", type=click.Path(path_type=Path), metavar="文件.xlsx", help="把题目导出成 Excel 题库")
@click.option("--moodle", type=click.Path(path_type=Path), metavar="文件.xml", help="导出成 Moodle XML")
@click.option("--gift", type=click.Path(path_type=Path), metavar="文件.txt", help="导出成 GIFT")
@click.option("--qti", type=click.Path(path_type=Path), metavar="文件.zip", help="导出成 QTI 2.1 包")
@click.option("--module", metavar="模块", help="只导出一个模块")
@click.option("--graph", "story", metavar="题号", help="把一道抉择画成图，如 LZ-02-D1；不写文件名就写到 题号.svg")
@click.argument("picture", required=False, type=click.Path(path_type=Path), metavar="[文件.svg]")
def export(
    root: Path,
    xlsx: Path | None,
    moodle: Path | None,
    gift: Path | None,
    qti: Path | None,
    module: str | None,
    story: str | None,
    picture: Path | None,
) -> None:
    """导出题库，或把一道抉择画成图（都含答案，请妥善保管）。"""
    wanted = {name: path for name, path in zip(_FORMATS, (xlsx, moodle, gift, qti), strict=True) if path is not None}
    if story is not None and not wanted:
        _draw(load(root), story, picture or Path(f"{story}.svg"))
        return
    if len(wanted) != 1 or story is not None or picture is not None:
        raise click.UsageError("--xlsx、--moodle、--gift、--qti 和 --graph 写一个")
    course = load(root)
    chosen = modules_named(course, module)
    (name, path), *_ = wanted.items()
    if name == "xlsx":
        from qinlian.authoring.workbook import export_workbook

        export_workbook(course, path, modules=chosen)
        count = sum(len(m.own_items) for m in course.modules if m.id in chosen)
        say(f"已导出 {count} 道题到 {path}；表里有答案，请像保管试卷一样保管")
        return
    from qinlian.authoring.interchange.take import export_bank

    count, diagnostics = export_bank(course, name, path, chosen)
    show(diagnostics, as_json=False)
    lost = f"，{len(diagnostics)} 处没有带过去（见上）" if diagnostics else ""
    say(f"已导出 {count} 道题到 {path}{lost}；文件里有答案，请像保管试卷一样保管")


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
    say(f"已画到 {picture}，用浏览器打开；图上有得分，请像保管试卷一样保管")
