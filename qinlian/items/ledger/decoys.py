"""One function a kind that makes rows which look like it and break no rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qinlian.items.ledger.clerk import Clerk, Unworkable
from qinlian.items.ledger.entries import Entry
from qinlian.items.ledger.kinds import NAMES
from qinlian.items.ledger.plants import just_below, name_each

__all__ = ["DECOYS"]


def _split(clerk: Clerk, rows: int, turn: int) -> list[Entry]:
    subject, name = clerk.big_pair()
    limit = clerk.settings.limit
    match turn % 4:
        case 0:  # one supplier, each just below the limit, but weeks apart
            days = clerk.days_apart(rows)
            return [clerk.purchase(subject, name, just_below(clerk, subject.high), day) for day in days]
        case 1:  # close together and far above the limit in sum, but compared beforehand: delivered in parts
            quote = clerk.quote()
            bought = [
                clerk.purchase(subject, name, just_below(clerk, subject.high), day) for day in clerk.days_within(rows)
            ]
            return [replace(entry, quote=quote) for entry in bought]
        case 2:  # a single one just below the limit; the others close by are something else
            first, *others = clerk.days_within(rows)
            single = clerk.purchase(subject, name, just_below(clerk, subject.high), first)
            return [single, *(clerk.purchase(clerk.other_than(subject, name), name, day=day) for day in others)]
        case _:  # close together, but small
            most = max(2, limit // rows)
            low = min(subject.low, most // 2)
            return [clerk.purchase(subject, name, clerk.cents(low, most), day) for day in clerk.days_within(rows)]


def _one_account(clerk: Clerk, rows: int, _turn: int) -> list[Entry]:
    vendor = clerk.reserve(NAMES)  # names as alike, but an account each
    return [clerk.purchase(clerk.sold_by(vendor), name) for name in name_each(clerk, vendor, rows)]


def _no_letter(clerk: Clerk, _rows: int, _turn: int) -> list[Entry]:
    number = clerk.number(10, 999)
    return [replace(clerk.reception(), letter=f"电子公函打印件 {number} 号")]


def _hosts(clerk: Clerk, _rows: int, turn: int) -> list[Entry]:
    line = clerk.settings.guests
    guests = clerk.dice.between(line + 2, 3 * line - 6) if turn % 2 == 0 else clerk.dice.between(line - 1, line)
    return [clerk.reception(guests, clerk.settings.hosts_allowed(guests))]


def _weekend_fuel(clerk: Clerk, _rows: int, _turn: int) -> list[Entry]:
    return [replace(clerk.fuel(), day=clerk.weekend(), slip=clerk.slip())]


def _paid_twice(clerk: Clerk, rows: int, turn: int) -> list[Entry]:
    subjects = clerk.template.subjects_of("补贴")
    if turn % 2 and len(subjects) > 1:  # one person and month, another allowance
        first, second = clerk.dice.sample(subjects, 2)
        one = clerk.allowance(first)
        return [one, clerk.allowance(second, one.party, one.month, one.count)]
    subject = clerk.subject("补贴")  # one person and allowance, another month
    one = clerk.allowance(subject)
    months = [m for m in clerk.months if m != one.month]
    if len(months) < rows - 1:
        raise Unworkable
    more = clerk.dice.sample(months, rows - 1)
    return [one, *(clerk.allowance(subject, one.party, month, one.count) for month in more)]


def _extra_stop(clerk: Clerk, _rows: int, turn: int) -> list[Entry]:
    if turn % 2:  # two stops the other way round
        trip = clerk.trip(stops=2)
        home, first, second, _ = trip.approved
        return [replace(trip, travelled=(home, second, first, home))]
    trip = clerk.trip()  # a stop more, and approved
    elsewhere = [place for place in clerk.template.places if place not in trip.approved]
    at = clerk.dice.between(1, len(trip.approved) - 1)
    travelled = (*trip.approved[:at], clerk.dice.pick(elsewhere), *trip.approved[at:])
    return [replace(trip, travelled=travelled, change=clerk.change())]


def _own_acceptance(clerk: Clerk, _rows: int, _turn: int) -> list[Entry]:
    bought = clerk.purchase()
    alike = [p for p in clerk.staff if p != bought.handler and p[0] == bought.handler[0]]
    if alike:  # a namesake takes delivery
        return [replace(bought, acceptor=clerk.dice.pick(alike))]
    # Two who buy and take delivery for each other.
    return [bought, replace(clerk.purchase(), handler=bought.acceptor, acceptor=bought.handler)]


def _no_quote(clerk: Clerk, _rows: int, turn: int) -> list[Entry]:
    subject, name = clerk.big_pair()
    limit = clerk.settings.limit
    if turn % 2 == 0:  # hardly below the limit
        return [clerk.purchase(subject, name, clerk.cents(limit * 93 // 100, limit))]
    most = max(limit + 1, min(subject.high, limit * 3 // 2))  # above it, and compared
    return [clerk.purchase(subject, name, clerk.cents(max(limit, subject.low), most))]


DECOYS: dict[str, Callable[[Clerk, int, int], list[Entry]]] = {
    "一户多名": _one_account,
    "拆分采购": _split,
    "超限未比价": _no_quote,
    "自采自验": _own_acceptance,
    "无函接待": _no_letter,
    "陪餐超员": _hosts,
    "周末无单加油": _weekend_fuel,
    "重复补贴": _paid_twice,
    "行程多站": _extra_stop,
}
"""(clerk, rows of a planted one, the how-manieth decoy of its kind) → rows."""
