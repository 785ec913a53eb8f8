"""From standings to files: who gets a certificate, under which number, and the PDFs of all of them.

Everything that could fail for one person (a rule not met, a letter without a glyph) is found out before a number is
taken, so that the numbers have no gaps.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from qinlian.atomic import replace_file
from qinlian.authoring.certificates import Wording
from qinlian.core.model import Course
from qinlian.core.zone import BEIJING
from qinlian.errors import CertificateError
from qinlian.reports.certificates.office import Office
from qinlian.reports.certificates.printing import MOST_BYTES, Printer
from qinlian.reports.certificates.standing import Standing, standings
from qinlian.reports.certificates.statement import COMPLETION, HOURS, KINDS, Statement, plain_number
from qinlian.reports.certificates.store import Edition, Facts, Outcome
from qinlian.reports.certificates.wording import missing_values, values_of, wording_of
from qinlian.reports.fonts import SETTING
from qinlian.reports.frames import grades, learners, open_gradebook
from qinlian.roster.people import ALL, Scope

__all__ = ["Issued", "Refused", "file_name", "issue", "read_standings", "write_files"]

_BATCH = 50
"""Files are recorded in such parts, so that a run that is broken off has recorded nearly all it wrote."""


@dataclass(frozen=True)
class Refused:
    """Somebody who gets none, and why, as Chinese clauses."""

    standing: Standing
    reasons: tuple[str, ...]

    def line(self) -> str:
        """One line of a list: who, and why."""
        facts = self.standing.facts
        return f"{facts.name or facts.account}（{self.standing.number}）：{'；'.join(self.reasons)}"


@dataclass(frozen=True)
class Issued:
    """What a run came to; ``outcomes`` are those that hold, in the order of the learners."""

    kind: str
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]


def read_standings(
    root: Path, course: Course, scope: Scope = ALL, *, accounts: Collection[str] | None = None, archived: bool = False
) -> tuple[Standing, ...]:
    """The learners of a gradebook, or those of ``accounts``, who may be archived. Raises GradingError."""
    with open_gradebook(root) as connection:
        named = accounts is not None
        people = learners(connection, scope, archived=archived or named)
        marks = grades(connection, course, scope, archived=archived or named)
    if accounts is not None:
        people = people[people["account"].isin(list(accounts))]
    return standings(people, marks, course)


def issue(
    office: Office,
    kind: str,
    found: Sequence[Standing],
    now: datetime,
    *,
    correct: bool = False,
    revive: bool = False,
    trial: bool = False,
) -> Issued:
    """Number and sign a certificate of ``kind`` for everybody in ``found`` who may have one.

    ``correct`` and ``revive`` as in ``CertificateStore.issue``. With ``trial`` nothing is recorded, and ``outcomes``
    is empty. Raises CertificateError, CourseError for templates with errors, FontError without a Chinese font.
    """
    refused: dict[str, Refused] = {}
    wording = wording_of(office.course_dir, kind)
    with Printer(wording, kind, office.course_dir) as printer:
        if letters := printer.lacking(printer.own_texts()):
            raise CertificateError(f"证书模板里的“{letters}”字体里没有，没有签发；{_other_font()}")
        held = office.store.held(kind)
        for standing in found:
            facts = _told(kind, standing)
            if reasons := _reasons(kind, standing):
                if number := held.get((facts.account, facts.course_id, facts.track)):
                    # What was given before stays somebody's own, whatever is missing by now.
                    reasons.append(f"以前发过编号 {number}；补打用 qinlian certificate reprint {number}")
            else:
                reasons = list(_hindrances(printer, wording, _draft(kind, facts, now), facts))
            if reasons:
                refused[facts.account] = Refused(standing, tuple(reasons))
    able = [standing for standing in found if standing.facts.account not in refused]
    outcomes: tuple[Outcome, ...] = ()
    if able and not trial:
        wishes = [_told(kind, standing) for standing in able]
        signer = office.signer(now)
        outcomes = office.store.issue(kind, wishes, signer, now, correct=correct, revive=revive)
        for standing, outcome in zip(able, outcomes, strict=True):
            if reason := _in_the_way(outcome):
                refused[standing.facts.account] = Refused(standing, (reason,))
    order = [refused[s.facts.account] for s in found if s.facts.account in refused]
    return Issued(kind, tuple(o for o in outcomes if o.facts.account not in refused), tuple(order))


def _other_font() -> str:
    return f"请用环境变量 {SETTING} 指定一个有这些字的字体，再发一次"


def _told(kind: str, standing: Standing) -> Facts:
    """What a certificate of that kind tells: how well somebody did is no matter of a record of hours."""
    return replace(standing.facts, score=None) if kind == HOURS else standing.facts


def _reasons(kind: str, standing: Standing) -> list[str]:
    if kind == COMPLETION:
        return list(standing.missing)
    return [] if standing.facts.hours > 0 else ["还没有获得学时"]


def _draft(kind: str, facts: Facts, now: datetime) -> Statement:
    """What the certificate would say, under a number as long as any."""
    day = now.astimezone(BEIJING).date()
    number = f"{KINDS[kind].letters}{day.year}-{0:06d}"
    return Statement(kind, number, 1, facts.name, facts.unit, facts.track, facts.course, facts.hours, facts.score, day)


def _hindrances(printer: Printer, wording: Wording, statement: Statement, facts: Facts) -> Iterator[str]:
    """Why what somebody has earned cannot be printed yet."""
    if missing := missing_values(wording, values_of(statement)):
        yield f"证书上要写{'、'.join(missing)}，但没有；请在名单里补上，或改证书模板"
    if letters := printer.lacking(printer.texts(statement, facts.modules)):
        yield f"字体里没有“{letters}”；{_other_font()}"
    if len("|".join(statement.fields()).encode()) > MOST_BYTES:
        yield "单位和姓名太长，二维码放不下；请在名单里用简称"


def _in_the_way(outcome: Outcome) -> str:
    """Why a wish was not issued, empty when it was."""
    said, revocation = outcome.edition.statement, outcome.revocation
    if outcome.state == "已撤销" and revocation is not None:
        when = f"{revocation.revoked_at.astimezone(BEIJING):%Y-%m-%d}"
        again = "确要重新签发，写明 --learner 工号，并加 --correct"
        return f"编号 {said.number} 已在 {when} 撤销（{revocation.why}）；{again}"
    if outcome.state == "不一致":
        told = "；".join(_differences(said, outcome.facts))
        return f"编号 {said.number} 的证书和现在的资料不一样：{told}。原证书仍有效；确要更正补发，加 --correct"
    return ""


def _differences(said: Statement, facts: Facts) -> Iterator[str]:
    score = "" if facts.score is None else plain_number(facts.score)
    pairs = (
        ("姓名", said.name, facts.name),
        ("单位", said.unit, facts.unit),
        ("课程", said.course, facts.course),
        ("学时", plain_number(said.hours), plain_number(facts.hours)),
        ("成绩", "" if said.score is None else plain_number(said.score), score),
    )
    for name, before, now in pairs:
        if before != now:
            yield f"{name}“{before}”，现在是“{now}”"


def file_name(edition: Edition) -> str:
    """The number and the name, such as JY2026-000123-周晓岚.pdf; nothing in a name can lead elsewhere."""
    said = edition.statement
    name = re.sub(r"[^\w·-]", "", said.name)[:40]
    version = "" if said.version == 1 else f"-第{said.version}版"
    return f"{said.number}{version}-{name or '学员'}.pdf"


def write_files(
    office: Office,
    editions: Sequence[Edition],
    folder: Path,
    *,
    merged: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Path, ...]:
    """Write the PDFs of one kind into ``folder``, one a learner; where they are.

    With ``merged`` the last is one of all, for printing. Only the owner can read them. ``progress`` gets how many were
    made. Raises CertificateError.
    """
    if not editions:
        return ()
    kind = editions[0].statement.kind
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with Printer(wording_of(office.course_dir, kind), kind, office.course_dir) as printer:
            made = list(_single(office, printer, editions, folder, progress))
            if merged:
                path = folder / f"{kind}-合并打印.pdf"
                replace_file(path, printer.pdf(editions), 0o600)
                made.append(path)
    except OSError as error:
        raise CertificateError(
            f"证书写不进 {folder}（{error.strerror}）；编号已经登记，请检查位置和磁盘空间后再运行一次，编号不变"
        ) from error
    return tuple(made)


def _single(
    office: Office, printer: Printer, editions: Sequence[Edition], folder: Path, progress: Callable[[int], None]
) -> Iterator[Path]:
    written: dict[str, tuple[str, int]] = {}
    try:
        for count, edition in enumerate(editions, 1):
            data = printer.pdf([edition])
            path = folder / file_name(edition)
            # What is lost in a power cut can be printed again to the byte: no waiting for the disk.
            replace_file(path, data, 0o600, sync=False)
            written[hashlib.sha256(data).hexdigest()] = (edition.statement.number, edition.statement.version)
            if len(written) >= _BATCH:
                office.store.add_files(written)
                written.clear()
            progress(count)
            yield path
    finally:
        office.store.add_files(written)
