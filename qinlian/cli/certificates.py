"""``qinlian certificate …`` and ``verify``: what an office issues, and how anybody checks it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qinlian.cli.base import app, load, root_option, say
from qinlian.cli.text import ChineseGroup
from qinlian.core.width import printable
from qinlian.errors import CertificateError, RosterError

if TYPE_CHECKING:
    from qinlian.reports.certificates.issuing import Issued
    from qinlian.reports.certificates.office import Office
    from qinlian.reports.certificates.standing import Standing
    from qinlian.reports.certificates.store import Edition
    from qinlian.roster.people import Roster

_to_option = click.option(
    "--to", "folder", type=click.Path(path_type=Path), metavar="文件夹", help="PDF 放在哪里（要写明，不能在课程仓库里）"
)
_merged_option = click.option("--merged", is_flag=True, help="另外合成一个 PDF，方便一次打印")


@app.group(cls=ChineseGroup)
def certificate() -> None:
    """结业证书和学时证明：签发、补打、撤销、核验页。"""


@certificate.command()
@root_option
@click.option("--learner", "numbers", multiple=True, metavar="工号", help="只发给这个人，可写多次；归档的人也能发")
@click.option("--unit", metavar="单位", help="只发给这个单位和它的下级；不写就是全部学员")
@click.option("--hours", is_flag=True, help="改发学时证明：随时可发，写明到今天获得的学时")
@_to_option
@_merged_option
@click.option("--archived", is_flag=True, help="连同已归档的学员")
@click.option("--correct", is_flag=True, help="姓名、学时等改过的，更正补发：编号不变，注明第几版，原来的作废")
@click.option("--dry-run", is_flag=True, help="只看谁能发、谁还差什么，不签发")
def issue(
    root: Path,
    numbers: tuple[str, ...],
    unit: str | None,
    hours: bool,
    folder: Path | None,
    merged: bool,
    archived: bool,
    correct: bool,
    dry_run: bool,
) -> None:
    """签发结业证书（或学时证明），一人一个 PDF；不够条件的列出还差什么。"""
    from qinlian.reports.certificates.issuing import issue as issue_all
    from qinlian.reports.certificates.office import open_office
    from qinlian.reports.certificates.statement import COMPLETION, HOURS

    if numbers and unit:
        raise click.UsageError("--learner 和 --unit 一次只写一个")
    place = None if dry_run else _place(root, folder)
    now = datetime.now(UTC)
    office = open_office(root)
    kind = HOURS if hours else COMPLETION
    found = _found(root, numbers, unit, archived)
    if not found:
        say("没有学员；先用 qinlian roster import 导入名单，或放宽 --unit")
        return
    issued = issue_all(office, kind, found, now, correct=correct, revive=bool(numbers), trial=dry_run)
    if place is None:
        say(f"没有签发。能发{kind}的有 {len(found) - len(issued.refused)} 人，还不能发的有 {len(issued.refused)} 人")
    else:
        _write(office, [outcome.edition for outcome in issued.outcomes], place, merged)
        _tell(issued)
    _tell_refused(issued)
    # Who was named and got none is an error; of a whole class some are always on their way.
    sys.exit(1 if numbers and issued.refused else 0)


def _place(root: Path, folder: Path | None) -> Path:
    """Where the PDFs go. Raises CertificateError for nowhere, and for where a commit or a release would take them."""
    if folder is None:
        raise CertificateError("请用 --to 写明 PDF 放在哪个文件夹，如 --to ~/证书")
    from qinlian.classroom.layout import Layout

    there, repository = folder.expanduser().resolve(), root.resolve()
    if there.is_relative_to(repository) and not there.is_relative_to(Layout(repository).base.resolve()):
        raise CertificateError(f"{folder} 在课程仓库里，证书有姓名，放进去会随课程传出去；请用 --to 换一个文件夹")
    return there


def _found(root: Path, numbers: Sequence[str], unit: str | None, archived: bool) -> tuple[Standing, ...]:
    from qinlian.reports.certificates.issuing import read_standings
    from qinlian.reports.frames.people import roster_of
    from qinlian.roster.people import ALL

    course = load(root)
    if not numbers and unit is None:
        return read_standings(root, course, ALL, archived=archived)
    roster = roster_of(root)
    if unit is not None:
        return read_standings(root, course, roster.scope(roster.unit_named(unit)), archived=archived)
    accounts = {_account(roster, number): number for number in numbers}
    found = read_standings(root, course, ALL, accounts=accounts)
    missing = [number for account, number in accounts.items() if account not in {s.facts.account for s in found}]
    if missing:
        raise RosterError(f"没有学员 {'、'.join(missing)}；核对工号，qinlian roster list 列出所有人")
    return found


def _account(roster: Roster, number: str) -> str:
    """The account of a 工号, or of a learner whom no roster knows, who is named by it."""
    from qinlian.roster.people import account_of

    try:
        account = account_of(number)
    except ValueError:
        return number
    return account if roster.find(account) else number


def _write(office: Office, editions: Sequence[Edition], folder: Path, merged: bool) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from qinlian.reports.certificates.issuing import write_files

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bars:
        task = bars.add_task("制作 PDF", total=len(editions))
        made = write_files(
            office, editions, folder, merged=merged, progress=lambda done: bars.update(task, completed=done)
        )
    if made:
        say(f"已写入 {folder}：{len(editions)} 份{editions[0].statement.kind}")
    if made and merged:
        say(f"合在一起打印用 {made[-1]}")


def _tell(issued: Issued) -> None:
    states = [outcome.state for outcome in issued.outcomes]
    told = [f"{state} {states.count(state)} 份" for state in ("新签发", "新版", "更正补发", "补打") if state in states]
    if told:
        say(f"{'，'.join(told)}；补打的编号和内容与原来一致")


def _tell_refused(issued: Issued) -> None:
    if issued.refused:
        say(f"没有发给 {len(issued.refused)} 人：")
    for refused in issued.refused:
        say(f"  {printable(refused.line())}")


@certificate.command()
@root_option
@click.argument("numbers", nargs=-1, required=True, metavar="编号…")
@_to_option
@_merged_option
def reprint(root: Path, numbers: tuple[str, ...], folder: Path | None, merged: bool) -> None:
    """按编号补打发过的证书：内容和原来一致，不再核对条件。"""
    from qinlian.reports.certificates.office import open_office

    place, office = _place(root, folder), open_office(root)
    editions = [office.store.holding(number) for number in dict.fromkeys(numbers)]
    for kind in dict.fromkeys(edition.statement.kind for edition in editions):
        _write(office, [edition for edition in editions if edition.statement.kind == kind], place, merged)


@certificate.command()
@root_option
@click.argument("number", metavar="编号")
@click.option("--why", default="", metavar="原因", help="为什么撤销（要写明）；本单位核验时看得到，核验页上没有")
def revoke(root: Path, number: str, why: str) -> None:
    """撤销一份证书；之后请重新生成核验页。"""
    from qinlian.reports.certificates.office import open_office

    if not why.strip():
        raise CertificateError("请用 --why 写明为什么撤销，没有撤销")
    edition, fresh = open_office(root).store.revoke(number, why.strip(), datetime.now(UTC))
    said = edition.statement
    if not fresh:
        say(f"编号 {said.number}（{printable(said.name)}）以前已经撤销，没有改动")
        return
    say(f"已撤销 {said.kind} {said.number}（{printable(said.name)}）")
    say("请用 qinlian certificate page 重新生成核验页并换下旧的，外面的人才查得到")


@certificate.command("list")
@root_option
@click.option("--xlsx", type=click.Path(path_type=Path), metavar="文件", help="另存为 Excel")
def list_(root: Path, xlsx: Path | None) -> None:
    """列出发过的证书：编号、姓名、单位、日期、状态。"""
    from qinlian.reports.certificates.listing import certificate_table, print_certificates
    from qinlian.reports.certificates.office import open_office
    from qinlian.reports.excel import write_excel

    table = certificate_table(open_office(root).store)
    print_certificates(table)
    if xlsx:
        write_excel(table, xlsx, "证书")
        say(f"已写入 {xlsx}")


@certificate.command()
@root_option
def template(root: Path) -> None:
    """把证书的文字写进 course/certificates，照着改；已有的不动。"""
    from qinlian.cli.base import course_dir
    from qinlian.reports.certificates.wording import put_templates

    made = put_templates(course_dir(root))
    for path in made:
        say(f"已写入 {path}")
    say("改好以后运行 qinlian check 检查" if made else "course/certificates 里的模板都已经有了，没有改动")


@certificate.command()
@root_option
@click.option("--new", is_flag=True, help="换一把新的；旧的改名保留，以前发的证书仍能核验")
def key(root: Path, new: bool) -> None:
    """签发密钥在哪里、是哪一把。"""
    from qinlian.reports.certificates.office import open_office

    office, now = open_office(root), datetime.now(UTC)
    if new:
        signer, kept = office.new_signer(now)
        say(f"已换成新的签发密钥 {signer.id}" + (f"；旧的改名为 {kept}" if kept else ""))
        say("请马上备份（qinlian backup），并重新生成核验页")
        return
    signer = office.signer(now)
    say(f"签发密钥 {signer.id}，在 {office.folder}；请和备份一起保管，不要发给任何人")


@certificate.command()
@root_option
@click.option("--to", "file", type=click.Path(path_type=Path), metavar="文件", help="存成哪个文件，如 核验.html")
def page(root: Path, file: Path | None) -> None:
    """生成离线核验页：一个网页文件，不联网也能核对证书真伪；撤销过证书后要重新生成。"""
    from qinlian.atomic import replace_file
    from qinlian.reports.certificates.office import open_office
    from qinlian.reports.certificates.page import verify_page

    if file is None:
        raise CertificateError("请用 --to 写明存成哪个文件，如 --to 核验.html")
    course, office, now = load(root), open_office(root), datetime.now(UTC)
    signer, revocations = office.signer(now), office.store.revocations()
    try:
        replace_file(file, verify_page(course.title, office.store.keys(), revocations, signer, now).encode())
    except OSError as error:
        raise CertificateError(f"{file} 写不进去（{error.strerror}）；请检查位置和权限") from error
    say(f"已写入 {file}：撤销名单里有 {len({r.number for r in revocations})} 份，里面没有姓名，可以公开")


@app.command()
@root_option
@click.argument("given", nargs=-1, required=True, metavar="文件或文字…")
def verify(root: Path, given: tuple[str, ...]) -> None:
    """核验证书：PDF、二维码的照片，或扫码得到的文字；都有效才以 0 结束。"""
    from qinlian.reports.certificates.checking import Checker
    from qinlian.reports.certificates.office import open_office
    from qinlian.reports.certificates.statement import PREFIX

    checker = Checker(open_office(root).store)
    good = True
    for each in given:
        path = _file(each)
        if path is None and f"{PREFIX}|" not in each:
            raise CertificateError(
                f"没有文件 {each[:80]}，它也不是核验文字；请检查文件名，或粘贴 {PREFIX}| 开头的整段文字"
            )
        for verdict in checker.file(path) if path else [checker.text(each)]:
            good &= verdict.answer == "有效"
            first, *rest = verdict.lines()
            click.secho(f"{path}：{first}" if path else first, fg="green" if verdict.answer == "有效" else "red")
            for line in rest:
                say(printable(line))
    sys.exit(0 if good else 1)


def _file(given: str) -> Path | None:
    try:
        return Path(given) if Path(given).is_file() else None
    except (OSError, ValueError):
        # A text of some hundred letters is no file's name.
        return None
