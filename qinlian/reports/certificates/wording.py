"""The words of a certificate with one learner's values in them: the course's own words, or those that come with us."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from qinlian.authoring.certificates import CERTIFICATES, Piece, Wording, parse_wording, read_wordings
from qinlian.authoring.textfile import read_text
from qinlian.core.diagnostics import has_errors, ordered
from qinlian.errors import CertificateError, CourseError
from qinlian.reports.certificates.statement import KINDS, Statement, plain_number
from qinlian.roster.units import SEPARATOR

__all__ = ["TEMPLATES", "filled", "long_date", "missing_values", "put_templates", "values_of", "wording_of"]

TEMPLATES = Path(__file__).parent / "templates"
_MAY_BE_EMPTY = {"培训对象"}
"""A learner without a track took the whole course, and the sentence reads well without the word."""


def wording_of(course_dir: Path, kind: str) -> Wording:
    """The course's words of that kind, or ours. Raises CourseError, with every problem, when they have errors."""
    found, problems = read_wordings(course_dir)
    if has_errors(problems):
        shown = "\n".join(f"  {d}" for d in ordered(problems)[:10])
        raise CourseError(f"证书模板有 {len(problems)} 处错误，改好以后再发：\n{shown}", problems)
    if kind in found:
        return found[kind]
    parsed, _ = read_text(TEMPLATES / f"{kind}.yaml", f"{kind}.yaml")
    wording = parse_wording(parsed)[0] if parsed else None
    if wording is None:
        raise CertificateError(f"程序自带的模板 {kind}.yaml 不见了；请重新安装程序")
    return wording


def long_date(day: date) -> str:
    """2026年11月30日."""
    return f"{day.year}年{day.month}月{day.day}日"


def values_of(statement: Statement) -> dict[str, str]:
    """What stands in the place of each placeholder. Units of the path stand one after the other, without a sign."""
    top = statement.unit.split(SEPARATOR)[0]
    return {
        "姓名": statement.name,
        "单位": statement.unit.replace(SEPARATOR, ""),
        "最上级单位": top or statement.course,
        "培训对象": statement.track,
        "课程": statement.course,
        "学时": plain_number(statement.hours),
        "成绩": "" if statement.score is None else plain_number(statement.score),
        "日期": long_date(statement.day),
        "编号": statement.number,
    }


def filled(pieces: tuple[Piece, ...], values: dict[str, str]) -> list[dict[str, str]]:
    """The pieces with their values, as the layout takes them."""
    return [{"text": values[p.field] if p.field else p.text, "field": p.field} for p in pieces]


def missing_values(wording: Wording, values: dict[str, str]) -> list[str]:
    """The placeholders of these words that nothing is known for."""
    pieces = [p for part in (wording.title, *wording.body, wording.issuer) for p in part]
    named = dict.fromkeys(p.field for p in pieces if p.field and p.field not in _MAY_BE_EMPTY)
    return [name for name in named if not values[name]]


def put_templates(course_dir: Path) -> tuple[Path, ...]:
    """Copy our words into the course for editing; what is there already stays as it is. The files that are new."""
    folder = course_dir / CERTIFICATES
    folder.mkdir(exist_ok=True)
    made = []
    for kind in KINDS:
        path = folder / f"{kind}.yaml"
        try:
            with path.open("xb") as file:
                file.write((TEMPLATES / path.name).read_bytes())
        except FileExistsError:
            continue
        made.append(path)
    return tuple(made)
