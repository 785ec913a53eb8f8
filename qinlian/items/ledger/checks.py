"""Whether a ledger can be made from a template that reads well, and whether it would teach anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from qinlian.items.base import Finding
from qinlian.items.ledger.generate import UnworkableTemplateError, make_ledger
from qinlian.items.ledger.kinds import KINDS, NAMES
from qinlian.items.ledger.settings import Template
from qinlian.items.ledger.template import read_template

__all__ = ["findings_of"]

_TRIALS = 3
_TRIAL_STARTS = 10
_BIG = ("拆分采购", "超限未比价")


@lru_cache(maxsize=64)
def findings_of(body: str) -> tuple[Finding, ...]:
    """Every problem of a body: what cannot be read, what cannot be made, what would be too easy."""
    template, unread, places = read_template(body)
    if template is None:
        return unread
    found = [*_reasons(template, places), *_pools(template, places)]
    if not found:
        found += _rows(template, places)
    if not found:
        # Three ledgers made with little effort say that the real ones are made with the usual one.
        try:
            for trial in range(_TRIALS):
                make_ledger(template, f"trial {trial}", _TRIAL_STARTS)
        except UnworkableTemplateError as error:
            what, _, hint = str(error).partition("；")
            found.append(Finding("E338", what, hint, line=places["违规"]))
    return (*found, *_warnings(template, places))


def _reasons(template: Template, places: dict[str, int]) -> Iterator[Finding]:
    offered = {kind for kind, _ in template.reasons}
    for violation in template.violations:
        if violation.kind not in offered:
            what = f"种了“{violation.kind}”，可选原因里却没有"
            yield Finding("E334", what, f"在“可选原因”里加上 - {violation.kind}", line=places["可选原因"])


def _pools(template: Template, places: dict[str, int]) -> Iterator[Finding]:
    """What each category that occurs needs to draw from, and what is to be planted needs besides."""

    def need(section: str, enough: bool, what: str, hint: str) -> Iterator[Finding]:
        if not enough:
            yield Finding("E337", what, hint, line=places.get(section, places["台账"]))

    settings, used = template.settings, set(template.categories)
    for violation in template.violations:
        category = KINDS[violation.kind].category
        what = f"种了“{violation.kind}”，却没有类别是{category}的科目"
        yield from need(violation.kind, category in used, what, f"在“科目”里加上类别={category} 的科目")
    staff = [p for p in template.people if not p.driver]
    yield from need("人员", len(staff) >= 5, f"司机以外的人员至少 5 人，这里有 {len(staff)} 人", "增加人员")
    if "加油" in used:
        drivers = len(template.people) - len(staff)
        yield from need("人员", drivers >= 2, f"有加油，至少要 2 个司机，这里有 {drivers} 个", "在人名后面写 {司机}")
        yield from need("车辆", len(template.cars) >= 2, "有加油，“车辆”至少写 2 辆", "增加车辆")
    if "接待" in used:
        yield from need("来访单位", len(template.visitors) >= 4, "有接待，“来访单位”至少写 4 个", "增加来访单位")
    if "差旅" in used:
        yield from need("地点", len(template.places) >= 5, "有差旅，“地点”至少写 5 个，第一个是本地", "增加地点")
    if "采购" in used:
        limit = settings.limit > 0
        yield from need("台账", limit, "有采购，“台账”里要写采购限额", "加上 采购限额：20000")
        yield from _suppliers(template, places)


def _suppliers(template: Template, places: dict[str, int]) -> Iterator[Finding]:
    bought, line = template.subjects_of("采购"), places.get("供应商", places["台账"])
    names = [name for vendor in template.vendors for name in vendor.names]
    if len(names) < 6:
        yield Finding("E337", f"有采购，供应商连同别名至少 6 个，这里有 {len(names)} 个", "增加供应商或别名", line=line)
    for subject in bought:
        if not any(subject.name in vendor.sells or not vendor.sells for vendor in template.vendors):
            yield Finding("E337", f"没有供应商经营“{subject.name}”", "在一家供应商的“经营”里加上它", line=line)
    wanted = dict(template.reasons) | {v.kind: v.times + v.decoys for v in template.violations}
    if any(wanted.get(kind) for kind in _BIG) and sum(s.high > template.settings.limit for s in bought) < 2:
        what = "至少要有两个采购科目的金额会超过采购限额，拆分和未比价才藏得住"
        yield Finding("E337", what, "调高两个科目的金额上限，或调低采购限额", line=places["科目"])
    families, needed = sum(len(v.names) >= NAMES for v in template.vendors), wanted.get("一户多名", 0)
    if families < needed:
        what = f"一户多名连同疑似要 {needed} 家有 {NAMES} 个名称的供应商，这里有 {families} 家"
        yield Finding("E337", what, "给供应商加上 {别名=……、……}，或减少次数、疑似", line=line)


def _rows(template: Template, places: dict[str, int]) -> Iterator[Finding]:
    planted, groups, fewest = template.planted, template.groups, template.settings.rows[0]
    decoys = sum(v.decoys * max(v.rows, 2) for v in template.violations)
    planted_kinds = {v.kind for v in template.violations}
    decoys += sum(count * max(KINDS[kind].rows[1], 2) for kind, count in template.reasons if kind not in planted_kinds)
    # Clean rows enough that whoever flags everything earns nothing, under either rule of scoring.
    clean = max(2 * planted, 4 * groups, decoys + 5)
    if fewest < planted + clean:
        what = f"种了 {planted} 行违规，连同疑似和正常的行至少要 {planted + clean} 行，行数的下限是 {fewest}"
        yield Finding("E338", what, "调高行数，或减少次数、张数、疑似", line=places["行数"])


def _warnings(template: Template, places: dict[str, int]) -> Iterator[Finding]:
    for violation in template.violations:
        if not violation.decoys:
            what = f"“{violation.kind}”没有疑似的行，学员见到样子就能猜中"
            yield Finding("W631", what, "写上 疑似=2", line=places[violation.kind])
    planted = {v.kind for v in template.violations}
    if all(kind in planted for kind, _ in template.reasons):
        what = "可选原因都是种了的，学员照着单子找就行"
        yield Finding("W632", what, "加上一两种没有种的", line=places["可选原因"])
    if template.groups < 3:
        what = f"只种了 {template.groups} 处违规，漏一处、错一行对成绩的影响太大"
        yield Finding("W633", what, "种 3 处以上", line=places["违规"])
