"""``qinlian roster …``: who takes part."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, course_dir, progress_line, root_option, say, show
from qinlian.cli.text import ChineseGroup
from qinlian.errors import QinlianError, RosterError

if TYPE_CHECKING:
    from qinlian.hub.settings import HubSettings
    from qinlian.roster.changes import Changes
    from qinlian.roster.people import Entry, Person, Roster
    from qinlian.roster.place import RosterPlace

_MOST_PROBLEMS, _MOST_NAMES = 300, 10
state_option = click.option(
    "--state", type=click.Path(path_type=Path), metavar="文件夹", help="Hub 课堂的位置（默认 /srv/qinlian）"
)


@app.group(cls=ChineseGroup)
def roster() -> None:
    """名单：导入学员，归档和恢复，首次登录码。"""


@dataclass(frozen=True)
class _Here:
    """The roster that the command works on; ``hub`` is None in a repository without a Hub."""

    place: RosterPlace
    course: Path
    hub: HubSettings | None


def _here(root: Path, state: Path | None) -> _Here:
    """The Hub's roster on a Hub's machine, else that of the course in ``root``. Raises QinlianError."""
    from qinlian.hub.settings import HubSettings, state_folder

    if _means_a_hub(state):
        from qinlian.hub.enrol import HubRoster

        hub = HubSettings.load(state_folder(state))
        return _Here(HubRoster(hub.db_url), hub.course_root / "course", hub)
    from qinlian.configured import database_of, make_folder_of
    from qinlian.roster.store import RosterStore

    course, db_url = course_dir(root), database_of(root)
    make_folder_of(db_url)
    return _Here(RosterStore(db_url), course, None)


def _means_a_hub(state: Path | None) -> bool:
    import os

    from qinlian.hub.settings import STATE, STATE_VARIABLE

    if state is not None or os.environ.get(STATE_VARIABLE):
        return True
    source = click.get_current_context().get_parameter_source("root")
    if source is click.core.ParameterSource.COMMANDLINE:
        return False
    try:
        return (STATE / "hub" / "settings.json").exists()
    except PermissionError:
        # There is one, and it is root's.
        return True


@roster.command("import")
@root_option
@state_option
@click.argument("workbook", type=click.Path(path_type=Path), metavar="学员.xlsx")
@click.option("--complete", is_flag=True, help="这是全部人员：不在表里的人归档")
@click.option("--yes", is_flag=True, help="归档前不再询问")
@click.option("--dry-run", is_flag=True, help="只说会怎样，不改动")
def import_(root: Path, state: Path | None, workbook: Path, complete: bool, yes: bool, dry_run: bool) -> None:
    """导入名单：新人加入，旧人更新；有一处错误就一个人也不导入。"""
    here = _here(root, state)
    entries = _read(workbook, here.course)
    before = here.place.roster()
    plan = here.place.plan(entries, complete=complete)
    if dry_run:
        say(f"没有改动。导入会：{plan.text()}")
        _tell_names(plan)
        _tell_new_units(before, entries)
        return
    if plan.archived and not yes:
        _confirm(plan)
    now = datetime.now(UTC)
    done = here.place.apply(entries, now, archive=[person.account for person in plan.archived])
    say(done.text())
    _tell_new_units(before, entries)
    if here.hub:
        people = here.place.roster()
        named = [one for entry in entries if (one := people.find(entry.account))]
        _bring(here.hub, people.people, named, workbook.resolve().parent, now)


def _read(workbook: Path, course: Path) -> tuple[Entry, ...]:
    from qinlian.authoring.coursefile import read_tracks
    from qinlian.core.diagnostics import has_errors
    from qinlian.roster.sheet import read_sheet

    entries, problems = read_sheet(workbook, read_tracks(course))
    show(problems[:_MOST_PROBLEMS], as_json=False)
    if len(problems) > _MOST_PROBLEMS:
        say(f"……另有 {len(problems) - _MOST_PROBLEMS} 处，先改好上面这些")
    if has_errors(problems):
        say("有错误，一个人也没有导入；改好表格后请再试一次")
        sys.exit(1)
    return entries


def _names(people: Sequence[Entry | Person]) -> str:
    shown = "、".join(f"{one.name}（{one.number}）" for one in people[:_MOST_NAMES])
    return f"{shown}等 {len(people)} 人" if len(people) > _MOST_NAMES else shown


def _tell_names(plan: Changes) -> None:
    groups: tuple[tuple[str, Sequence[Entry | Person]], ...] = (
        ("新增", plan.added),
        ("更新", plan.updated),
        ("归档后又回来", plan.returned),
        ("归档", plan.archived),
    )
    for what, people in groups:
        if people:
            say(f"  {what}：{_names(people)}")


def _tell_new_units(before: Roster, entries: Iterable[Entry]) -> None:
    new = [unit for unit in dict.fromkeys(entry.unit for entry in entries) if unit not in before.units]
    if new and before.people:
        more = f"等 {len(new)} 个" if len(new) > _MOST_NAMES else ""
        say(f"  第一次出现的单位：{'、'.join(new[:_MOST_NAMES])}{more}；若是写错了，改好表格再导入一次")


def _confirm(plan: Changes) -> None:
    """Ask before anybody is archived. Raises QinlianError without an answer, and ends on any but 是."""
    say(f"将归档 {len(plan.archived)} 人，他们不能再登录，答案和成绩都保留：{_names(plan.archived)}")
    if not sys.stdin.isatty():
        raise QinlianError("没有人确认归档，一个人也没有导入；确认无误后加 --yes 再运行一次")
    if click.prompt("输入“是”继续", default="", show_default=False) != "是":
        raise QinlianError("没有归档，一个人也没有导入")


def _bring(hub: HubSettings, everybody: Sequence[Person], named: Sequence[Person], folder: Path, now: datetime) -> None:
    """Accounts, the Hub, and codes for the named; ends with status 1 when an account could not be made."""
    from qinlian.hub.codes import code_lines, issue_codes
    from qinlian.hub.enrol import bring_along

    for line in code_lines(issue_codes(named, hub, folder, now)):
        say(line)
    # Hundreds of new accounts take a minute; a log is not told of waiting.
    with progress_line() if sys.stderr.isatty() else nullcontext() as tell:
        if tell:
            tell("建立系统账号，更新 Hub")
        brought = bring_along(everybody, hub)
    for line in brought.lines():
        say(line)
    for problem in brought.accounts.problems:
        click.secho(problem, fg="red", err=True)
    if brought.accounts.problems:
        sys.exit(1)


@roster.command()
@root_option
@state_option
def sync(root: Path, state: Path | None) -> None:
    """让系统账号、Hub 的用户和组与名单一致。"""
    here = _here(root, state)
    if here.hub is None:
        raise QinlianError("这里没有 Hub 课堂，不用同步；先运行 ./run --hub，或用 --state 指明位置")
    _bring(here.hub, here.place.roster().people, (), here.hub.private, datetime.now(UTC))


@roster.command()
@root_option
@state_option
@click.argument("number", metavar="工号")
def archive(root: Path, state: Path | None, number: str) -> None:
    """归档一个人：不能再登录，答案和成绩都保留。"""
    here = _here(root, state)
    person = here.place.archive(_account(number), datetime.now(UTC))
    say(f"已归档 {person.name}（{person.number}）；恢复用 qinlian roster restore {person.number}")
    if here.hub:
        _bring(here.hub, [person], (), here.hub.private, datetime.now(UTC))


@roster.command()
@root_option
@state_option
@click.argument("number", metavar="工号")
def restore(root: Path, state: Path | None, number: str) -> None:
    """恢复一个归档的人。"""
    here = _here(root, state)
    person = here.place.restore(_account(number), datetime.now(UTC))
    say(f"{person.name}（{person.number}）已恢复，原来的答案和成绩都在")
    if here.hub:
        _bring(here.hub, [person], [person], Path.cwd(), datetime.now(UTC))


def _account(number: str) -> str:
    from qinlian.roster.fields import FieldError, parse_number
    from qinlian.roster.people import account_of

    try:
        return account_of(parse_number(number))
    except FieldError as error:
        raise RosterError(f"{error.message}；{error.hint}") from None


@roster.command()
@root_option
@state_option
@click.argument("number", metavar="工号")
def code(root: Path, state: Path | None, number: str) -> None:
    """给一个人新的首次登录码；他原来的密码和登录随之作废。"""
    here = _here(root, state)
    if here.hub is None:
        raise QinlianError("这里没有 Hub 课堂，不能发登录码；请用 --state 写明课堂的位置")
    person = here.place.roster().find(_account(number))
    if person is None or person.archived:
        raise RosterError(f"名单里没有工号 {number}，或者这个人已归档；归档的人先用 qinlian roster restore 恢复")
    from qinlian.hub.codes import new_code

    say(f"{person.name}（{person.number}）的首次登录码：{new_code(person.account, here.hub)}")
    say("请只交给本人；他用它登录后自己设新密码")


@roster.command()
@root_option
@state_option
@click.argument("workbook", type=click.Path(path_type=Path), metavar="学员.xlsx")
def template(root: Path, state: Path | None, workbook: Path) -> None:
    """写一张空的名单，照着填。"""
    from qinlian.authoring.coursefile import read_tracks
    from qinlian.hub.settings import state_folder
    from qinlian.roster.workbook import write_template

    ours = state is None and (root / "course" / "course.yaml").is_file()
    course = course_dir(root) if ours or not _means_a_hub(state) else state_folder(state) / "course" / "course"
    write_template(workbook, read_tracks(course))
    say(f"已写入 {workbook}；填好后运行 qinlian roster import {workbook}")


@roster.command("list")
@root_option
@state_option
@click.option("--unit", metavar="单位", help="只列这个单位和它的下级")
@click.option("--archived", is_flag=True, help="改列已归档的人")
@click.option("--xlsx", "workbook", type=click.Path(path_type=Path), metavar="文件", help="另存为 Excel，改好可再导入")
def list_(root: Path, state: Path | None, unit: str | None, archived: bool, workbook: Path | None) -> None:
    """列出名单。"""
    from qinlian.roster.listing import print_people
    from qinlian.roster.workbook import write_roster

    everybody = _here(root, state).place.roster()
    people = everybody.people_below(everybody.unit_named(unit)) if unit else everybody.people
    chosen = [person for person in people if person.archived == archived]
    print_people(chosen)
    if workbook:
        write_roster(chosen, workbook)
        say(f"已写入 {workbook}")
