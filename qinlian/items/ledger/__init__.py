"""账目核查: find the rows of a ledger that break the unit's rules, and say which rule.

The ledger is made from a template by chance that follows from the course's secret; each learner and
attempt gets one of its variants, and the grader makes the same one again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import BodyText, Finding, InvalidAnswer, ItemType
from qinlian.items.ledger.checks import findings_of
from qinlian.items.ledger.entries import details
from qinlian.items.ledger.explain import fact
from qinlian.items.ledger.generate import Ledger, make_ledger
from qinlian.items.ledger.kinds import CATEGORIES, KINDS
from qinlian.items.ledger.scoring import RULES, fraction, tally
from qinlian.items.ledger.settings import Template
from qinlian.items.ledger.template import read_template

__all__ = ["DONE", "TYPE", "LedgerCheck"]

DONE = "done"
"""The entry of a value that says the learner has looked at everything; its value is ``yes``."""


def _template(item: Item) -> Template:
    """Raises ValueError for a body with errors, which no build lets through."""
    template = read_template(item.body)[0]
    if template is None:
        raise ValueError(f"{item.id} 的账目核查模板有错误")
    return template


class LedgerCheck(ItemType):
    name = "ledger"
    label = "账目核查"
    rules = RULES
    shows_letters = False
    has_body = True

    def findings(self, item: Item) -> Iterator[Finding]:
        yield from findings_of(item.body)

    def body_citations(self, item: Item) -> Iterator[BodyText]:
        template = read_template(item.body)[0]
        for violation in template.violations if template else ():
            yield from violation.citations

    def variants(self, item: Item) -> int:
        template = read_template(item.body)[0]
        return template.settings.variants if template else 0

    # ---- one variant ----

    def _ledger(self, item: Item, ids: Identity) -> Ledger:
        # The secret is in the seed: a template alone does not lead to a key.
        return make_ledger(_template(item), ids.of(item.id, f"ledger {self._mark(item)} {item.variant}"))

    def _mark(self, item: Item) -> str:
        """Changes with the template, so that an answer to an older one is no answer to this one."""
        return hashlib.sha256(item.body.encode()).hexdigest()[:16]

    def _rows(self, item: Item, ids: Identity) -> list[str]:
        """The public ids of the rows, in the order in which they were made."""
        if item.variant is None:
            return []
        mark = self._mark(item)
        count = len(self._ledger(item, ids).entries)
        return [ids.of(item.id, f"{mark} {item.variant}/{row}") for row in range(count)]

    def _numbers(self, item: Item, ids: Identity) -> dict[str, int]:
        """Public id → the number a learner sees: by date, on one day by public id."""
        rows = self._rows(item, ids)
        entries = self._ledger(item, ids).entries if rows else ()
        order = sorted((entry.day, row) for entry, row in zip(entries, rows, strict=True))
        return {row: number for number, (_, row) in enumerate(order, start=1)}

    def _reasons(self, item: Item, ids: Identity) -> dict[str, str]:
        """Public id → kind, in published order."""
        return dict(sorted((ids.of(item.id, kind), kind) for kind, _ in _template(item).reasons))

    def _reason(self, template: Template, pid: str, kind: str) -> dict[str, str]:
        return {"id": pid, "name": kind, "text": f"{KINDS[kind].rule(template.settings)}。"}

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        template = _template(item)
        names = [name for name in CATEGORIES if name in template.categories]
        if item.variant is None:
            categories = [CATEGORIES[name] for name in names]
            return {
                "columns": ["号", "日期", "类别", "摘要", "往来方", "经办人", "金额（元）"],
                "categories": [{"name": c.name, "party": c.party, "fields": list(c.fields)} for c in categories],
                "reasons": [self._reason(template, *pair) for pair in self._reasons(item, ids).items()],
            }
        rows, numbers = self._rows(item, ids), self._numbers(item, ids)
        lines = []
        for row, entry in sorted(zip(rows, self._ledger(item, ids).entries, strict=True), key=lambda pair: pair[0]):
            shown = (entry.subject, entry.party, entry.handler, entry.cents, *details(entry))
            parts = (row, numbers[row], entry.day.isoformat(), names.index(entry.category), *shown)
            # One text a row: a list would take three times the room in lesson.json.
            lines.append("\t".join(map(str, parts)))
        return {"rows": lines}

    def key(self, item: Item, ids: Identity) -> dict[str, dict[str, str]]:
        """Row → its reason, and the group of rows that make one finding together."""
        rows, by_kind = self._rows(item, ids), {kind: pid for pid, kind in self._reasons(item, ids).items()}
        groups = self._ledger(item, ids).groups if rows else ()
        found = {
            rows[place]: {"reason": by_kind[kind], "group": str(number)}
            for number, (kind, places) in enumerate(groups, start=1)
            for place in places
        }
        return dict(sorted(found.items()))

    def clean(self, item: Item, ids: Identity, value: Any) -> dict[str, str] | None:
        if value is None:
            return None
        rows, reasons = set(self._rows(item, ids)), self._reasons(item, ids)
        if not isinstance(value, dict) or not all(
            isinstance(k, str) and isinstance(v, str) and (v == "yes" if k == DONE else k in rows and v in reasons)
            for k, v in value.items()
        ):
            raise InvalidAnswer("标出的行或原因不属于这份台账")
        flagged = {k: v for k, v in sorted(value.items()) if k != DONE}
        return flagged | ({DONE: "yes"} if DONE in value else {}) if flagged else None

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        return fraction(tally(self.key(item, ids), _flagged(value)), rule)

    # ---- in words ----

    def feedback(self, item: Item, ids: Identity) -> dict[str, str]:
        if item.variant is None:
            return {}
        template, ledger = _template(item), self._ledger(item, ids)
        rows, numbers = self._rows(item, ids), self._numbers(item, ids)
        by_kind = {violation.kind: violation for violation in template.violations}
        told: dict[str, str] = {}
        for kind, places in ledger.groups:
            group = sorted((rows[place] for place in places), key=lambda row: numbers[row])
            said = _listed(numbers[row] for row in group)
            violation = by_kind[kind]
            cited = "；".join(part.text for part in violation.citations)
            what = fact(kind, [ledger.entries[place] for place in places], template.settings)
            told[group[0]] = f"{said}：{what}{violation.explanation}（依据：{cited}）"
            for row in group[1:]:
                told[row] = f"和第 {numbers[group[0]]} 行是同一处，解释见那一行。"
        return told

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        flagged = _flagged(value)
        found = tally(self.key(item, ids), flagged)
        seen = sum(credit == 1 for credit in found.seen)
        parts = [f"{len(found.seen)} 处违规，完整找出 {seen} 处；违规的行标对 {found.right} 行"]
        if found.other:
            parts.append(f"原因不对 {found.other} 行")
        parts.append(f"漏标 {found.missed} 行，错标 {found.false} 行")
        return f"{self._by_reason(item, ids, flagged)}。（{'，'.join(parts)}）"

    def spoken_key(self, item: Item, ids: Identity) -> str:
        return self._by_reason(item, ids, {row: entry["reason"] for row, entry in self.key(item, ids).items()})

    def _by_reason(self, item: Item, ids: Identity, flagged: dict[str, str]) -> str:
        """``拆分采购：第 3、17、22 行；……``"""
        numbers = self._numbers(item, ids)
        by_reason: dict[str, list[int]] = {}
        for row, reason in flagged.items():
            by_reason.setdefault(reason, []).append(numbers[row])
        reasons = self._reasons(item, ids)
        return "；".join(f"{reasons[reason]}：{_listed(rows)}" for reason, rows in sorted(by_reason.items()))


def _flagged(value: dict[str, str]) -> dict[str, str]:
    return {row: reason for row, reason in value.items() if row != DONE}


def _listed(numbers: Any) -> str:
    return f"第 {'、'.join(str(number) for number in sorted(numbers))} 行"


TYPE = LedgerCheck()
