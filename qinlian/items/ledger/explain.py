"""What is wrong with one planted group, said of these very rows."""

from __future__ import annotations

from collections.abc import Sequence

from qinlian.items.ledger.entries import Entry
from qinlian.items.ledger.settings import Settings, money

__all__ = ["fact"]


def _yuan(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def fact(kind: str, entries: Sequence[Entry], settings: Settings) -> str:
    """A sentence or two of facts, ending in 。"""
    one, count = entries[0], len(entries)
    match kind:
        case "拆分采购":
            days = [entry.day for entry in entries]
            span = (max(days) - min(days)).days
            when = f"前后 {span} 天" if span else "同一天"
            return (
                f"{one.party}的{one.subject}，{when}开了 {count} 张发票，每张都不到 {money(settings.limit)} 元，"
                f"合计 {_yuan(sum(e.cents for e in entries))} 元，没有比价记录。"
            )
        case "一户多名":
            names = "、".join(dict.fromkeys(entry.party for entry in entries))
            return f"{names}，收款账户都是尾号 {one.account}。"
        case "无函接待":
            return f"{one.party}来访，凭证里没有公函。"
        case "陪餐超员":
            most = settings.hosts_allowed(one.guests)
            return f"来宾 {one.guests} 人，陪餐 {one.hosts} 人，按规定不超过 {most} 人。"
        case "周末无单加油":
            weekday = "周六" if one.day.weekday() == 5 else "周日"
            return f"{one.day.month} 月 {one.day.day} 日是{weekday}，{one.party}加了油，没有派车单。"
        case "重复补贴":
            return f"{one.party}{one.month}的{one.subject}发了 {count} 次，每次都是 {_yuan(one.cents)} 元。"
        case "行程多站":
            more = "、".join(place for place in one.travelled if place not in one.approved)
            return f"批准的路线里没有{more}，票面行程到了{more}，也没有变更审批。"
        case "自采自验":
            return f"经办人和验收人都是{one.handler}。"
        case _:
            return f"一笔 {_yuan(one.cents)} 元，满了 {money(settings.limit)} 元，没有比价记录。"
