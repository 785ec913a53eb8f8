"""One function a kind that plants it: ordinary rows in which only what the rule looks at is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qinlian.items.ledger.clerk import Clerk, Unworkable
from qinlian.items.ledger.entries import Entry
from qinlian.items.ledger.kinds import NAMES
from qinlian.items.ledger.settings import Vendor

__all__ = ["PLANTS", "just_below", "name_each"]


def just_below(clerk: Clerk, high: int) -> int:
    """An amount not far below the limit, one that such a purchase may well cost."""
    limit = clerk.settings.limit
    return clerk.cents(limit * 55 // 100, min(limit, high))


def name_each(clerk: Clerk, vendor: Vendor, rows: int) -> list[str]:
    """A name of this supplier for each of so many rows: three names, some of them more than once."""
    names = clerk.dice.sample(vendor.names, NAMES)
    return clerk.dice.sample([*names, *(clerk.dice.pick(names) for _ in range(rows - NAMES))], rows)


def _split(clerk: Clerk, rows: int) -> list[Entry]:
    subject, name = clerk.big_pair()
    days = clerk.days_within(rows)
    return [clerk.purchase(subject, name, just_below(clerk, subject.high), day) for day in days]


def _one_account(clerk: Clerk, rows: int) -> list[Entry]:
    vendor = clerk.reserve(NAMES)
    account = clerk.accounts[vendor.name]
    return [replace(clerk.purchase(clerk.sold_by(vendor), n), account=account) for n in name_each(clerk, vendor, rows)]


def _no_letter(clerk: Clerk, _rows: int) -> list[Entry]:
    return [replace(clerk.reception(), letter="")]


def _hosts(clerk: Clerk, _rows: int) -> list[Entry]:
    guests = clerk.dice.between(3, 3 * clerk.settings.guests - 6)
    return [clerk.reception(guests, clerk.settings.hosts_allowed(guests) + clerk.dice.between(1, 2))]


def _weekend_fuel(clerk: Clerk, _rows: int) -> list[Entry]:
    return [replace(clerk.fuel(), day=clerk.weekend(), slip="")]


def _paid_twice(clerk: Clerk, rows: int) -> list[Entry]:
    first = clerk.allowance()
    subject = next(s for s in clerk.template.subjects_of("补贴") if s.name == first.subject)
    again = [clerk.allowance(subject, first.party, first.month, first.count) for _ in range(rows - 1)]
    return [first, *again]


def _extra_stop(clerk: Clerk, _rows: int) -> list[Entry]:
    trip = clerk.trip()
    elsewhere = [place for place in clerk.template.places if place not in trip.approved]
    if not elsewhere:
        raise Unworkable
    at = clerk.dice.between(1, len(trip.approved) - 1)
    travelled = (*trip.approved[:at], clerk.dice.pick(elsewhere), *trip.approved[at:])
    return [replace(trip, travelled=travelled)]


def _own_acceptance(clerk: Clerk, _rows: int) -> list[Entry]:
    bought = clerk.purchase()
    return [replace(bought, acceptor=bought.handler)]


def _no_quote(clerk: Clerk, _rows: int) -> list[Entry]:
    subject, name = clerk.big_pair()
    limit = clerk.settings.limit
    cents = clerk.cents(max(limit, subject.low), max(limit + 1, min(subject.high, limit * 3 // 2)))
    return [replace(clerk.purchase(subject, name, cents), quote="")]


PLANTS: dict[str, Callable[[Clerk, int], list[Entry]]] = {
    # Suppliers of several names first: they are taken out of use before anybody buys.
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
