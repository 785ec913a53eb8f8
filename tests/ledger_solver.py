"""Solves a ledger check from what the learner's page shows and from nothing else.

It is written anew from the unit's rules as the page words them, without a line of the engine's, so
that it can say whether a ledger can be solved and whether a clean row breaks a rule.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from itertools import combinations
from typing import Any


def solve(common: dict[str, Any], rows: list[str], window: int, limit: int, guests: int = 10, hosts: int = 3) -> Any:
    """Kind → the set of groups (each a frozenset of row ids) that break its rule."""
    shown = [_row(common, line) for line in rows]
    bought = [r for r in shown if r["类别"] == "采购"]
    meals = [r for r in shown if r["类别"] == "接待"]
    found: dict[str, set[frozenset[str]]] = defaultdict(set)

    alike: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for r in bought:
        if r["金额"] < limit * 100 and r["比价记录"] == "无":
            alike[r["收款账户"], r["摘要"]].append(r)
    linked: list[set[str]] = []
    for group in alike.values():
        for some in (some for count in range(2, len(group) + 1) for some in combinations(group, count)):
            days = [r["日期"] for r in some]
            if (max(days) - min(days)).days <= window and sum(r["金额"] for r in some) >= limit * 100:
                linked.append({r["id"] for r in some})
    found["拆分采购"] = _joined(linked)

    by_account: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for r in bought:
        by_account[r["收款账户"]].append(r)
    for group in by_account.values():
        if len({r["往来方"] for r in group}) > 1:
            found["一户多名"].add(frozenset(r["id"] for r in group))

    for r in bought:
        if r["经办人"] == r["验收人"]:
            found["自采自验"].add(frozenset([r["id"]]))
        if r["金额"] >= limit * 100 and r["比价记录"] == "无":
            found["超限未比价"].add(frozenset([r["id"]]))
    for r in meals:
        came, kept = (int(r[name].split()[0]) for name in ("来宾人数", "陪餐人数"))
        if r["公函"] == "未附":
            found["无函接待"].add(frozenset([r["id"]]))
        if (came <= guests and kept > hosts) or (came > guests and kept * 3 > came):
            found["陪餐超员"].add(frozenset([r["id"]]))
    paid: dict[Any, set[str]] = defaultdict(set)
    for r in shown:
        if r["类别"] == "加油" and r["日期"].isoweekday() >= 6 and not r["用车凭据"].startswith("派车单"):
            found["周末无单加油"].add(frozenset([r["id"]]))
        if r["类别"] == "补贴":
            paid[r["往来方"], r["摘要"], r["所属月份"]].add(r["id"])
        if r["类别"] == "差旅" and r["变更审批"] == "无":
            may, went = (set(r[name].split(" → ")) for name in ("批准路线", "票面行程"))
            if went - may:
                found["行程多站"].add(frozenset([r["id"]]))
    found["重复补贴"] = {frozenset(ids) for ids in paid.values() if len(ids) > 1}
    return {kind: groups for kind, groups in found.items() if groups}


def planted(common: dict[str, Any], key: dict[str, dict[str, str]]) -> Any:
    """The key in the same shape."""
    names = {reason["id"]: reason["name"] for reason in common["reasons"]}
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row, entry in key.items():
        groups[names[entry["reason"]], entry["group"]].add(row)
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for (kind, _), rows in groups.items():
        found[kind].add(frozenset(rows))
    return dict(found)


def _row(common: dict[str, Any], line: str) -> dict[str, Any]:
    row_id, _, day, category, *rest = line.split("\t")
    kind = common["categories"][int(category)]
    subject, party, handler, cents, *details = rest
    assert re.fullmatch(r"\d+", cents)
    fields = dict(zip(kind["fields"], details, strict=True))
    return fields | {
        "id": row_id,
        "日期": date.fromisoformat(day),
        "类别": kind["name"],
        "摘要": subject,
        "往来方": party,
        "经办人": handler,
        "金额": int(cents),
    }


def _joined(sets: list[set[str]]) -> set[frozenset[str]]:
    joined: list[set[str]] = []
    for some in sets:
        touching = [group for group in joined if group & some]
        joined = [group for group in joined if group not in touching]
        joined.append(some.union(*touching))
    return {frozenset(group) for group in joined}
