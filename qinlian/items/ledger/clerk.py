"""Makes plausible rows that break no rule by themselves; planting and decoys start from the same rows.

What is planted must differ from the rest in nothing but the rule, so every amount, day, person and
number comes from here, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from qinlian.items.ledger.dice import Dice
from qinlian.items.ledger.entries import Entry
from qinlian.items.ledger.settings import Subject, Template, Vendor

__all__ = ["Clerk", "Unworkable"]


class Unworkable(Exception):  # noqa: N818 - a bad start, tried again with other chances
    """There is nothing left to make this row from."""


class Clerk:
    """Makes the rows of one ledger."""

    def __init__(self, template: Template, dice: Dice) -> None:
        self.template = template
        self.settings = template.settings
        self.dice = dice
        self._numbers: set[str] = set()
        names = [name for vendor in template.vendors for name in vendor.names]
        self.accounts = {name: self.number(100_000, 999_999) for name in names}
        self._sells = {
            name: vendor.sells or tuple(s.name for s in template.subjects_of("采购"))
            for vendor in template.vendors
            for name in vendor.names
        }
        self._free = list(template.vendors)
        # A few sell often and many now and then, so that how often a name stands there says nothing.
        self._custom = {name: 5 if dice.chance(1, 4) else 1 for name in names}
        self._pairs: set[tuple[str, str]] = set()
        self._paid: set[tuple[str, str, str]] = set()
        self._rates = {s.name: self._rate(s) for s in template.subjects_of("补贴")}
        self.drivers = [p.name for p in template.people if p.driver]
        self.staff = [p.name for p in template.people if not p.driver]
        # Few enough that most of them stand there more than once, which then says nothing.
        self._recipients = dice.sample(self.staff, max(4, len(self.staff) // 2))
        self._weekdays = [d for d in self.settings.days if d.weekday() < 5]
        self._weekends = [d for d in self.settings.days if d.weekday() >= 5]
        self._months = self._paydays()

    # ---- parts ----

    def number(self, low: int, high: int) -> str:
        """A number that stands nowhere else in this ledger."""
        while (number := str(self.dice.between(low, high))) in self._numbers:
            pass
        self._numbers.add(number)
        return number

    def day(self) -> date:
        """A working day."""
        return self.dice.pick(self._weekdays)

    def weekend(self) -> date:
        """A Saturday or Sunday; raises Unworkable when the time has none."""
        if not self._weekends:
            raise Unworkable
        return self.dice.pick(self._weekends)

    def days_within(self, count: int) -> list[date]:
        """Working days no further apart than the window in which purchases count as one."""
        one, reach = self.day(), timedelta(days=self.settings.window)
        since = one - timedelta(days=self.dice.between(0, self.settings.window))
        near = [d for d in self._weekdays if since <= d <= since + reach]
        return [one, *(self.dice.pick(near) for _ in range(count - 1))]

    def days_apart(self, count: int) -> list[date]:
        """Days of which any two are further apart than the window; raises Unworkable."""
        for _ in range(60):
            days = sorted(self.day() for _ in range(count))
            gaps = [later - earlier for earlier, later in pairwise(days)]
            if all(gap.days > self.settings.window for gap in gaps):
                return self.dice.sample(days, count)
        raise Unworkable

    def cents(self, low: int, high: int) -> int:
        """An amount between two amounts in yuan (the second not reached), rather low than high."""
        if high <= low:
            return low * 100
        yuan = low + self.dice.below(self.dice.below(high - low) + 1)
        return yuan * 100 + self.dice.weighted((0, self.dice.below(10) * 10, self.dice.below(100)), (2, 1, 1))

    def subject(self, category: str) -> Subject:
        """A 科目 of that category, as often as its 比重 says."""
        subjects = self.template.subjects_of(category)
        return self.dice.weighted(subjects, [s.weight for s in subjects])

    def people(self, count: int) -> list[str]:
        """Different members of staff who are no drivers; raises Unworkable."""
        if len(self.staff) < count:
            raise Unworkable
        return self.dice.sample(self.staff, count)

    # ---- suppliers ----

    def reserve(self, names: int) -> Vendor:
        """A supplier with that many names, from now on taken out of use; raises Unworkable."""
        fit = [v for v in self._free if len(v.names) >= names]
        if not fit:
            raise Unworkable
        vendor = self.dice.pick(fit)
        self._free.remove(vendor)
        return vendor

    def seller(self, subject: Subject) -> str:
        """The name of a supplier in use that sells this; raises Unworkable."""
        names = [n for v in self._free for n in v.names if subject.name in self._sells[n]]
        if not names:
            raise Unworkable
        return self.dice.weighted(names, [self._custom[name] for name in names])

    def other_than(self, subject: Subject, name: str) -> Subject:
        """Something else that this supplier sells; raises Unworkable."""
        sold = [s for s in self.template.subjects_of("采购") if s.name in self._sells[name] and s != subject]
        if not sold:
            raise Unworkable
        return self.dice.pick(sold)

    def big_pair(self) -> tuple[Subject, str]:
        """A 科目 that may reach the limit and a seller, a pair that nobody asked for before; raises Unworkable."""
        subjects = [s for s in self.template.subjects_of("采购") if s.high > self.settings.limit]
        sold = [(s, n) for s in subjects for v in self._free for n in v.names if s.name in self._sells[n]]
        pairs = [(s, n) for s, n in sold if (s.name, n) not in self._pairs]
        if not pairs:
            raise Unworkable
        subject, name = self.dice.pick(pairs)
        self._pairs.add((subject.name, name))
        return subject, name

    def sold_by(self, vendor: Vendor) -> Subject:
        """A 科目 that a supplier sells."""
        subjects = [s for s in self.template.subjects_of("采购") if s.name in self._sells[vendor.name]]
        return self.dice.weighted(subjects, [s.weight for s in subjects])

    # ---- rows ----

    def row(self) -> Entry:
        """A row of any category."""
        category = self.dice.weighted(self.template.subjects, [s.weight for s in self.template.subjects]).category
        return self.of(category)

    def of(self, category: str) -> Entry:
        """A row of one category."""
        make: dict[str, Callable[[], Entry]] = {
            "采购": self.purchase,
            "接待": self.reception,
            "加油": self.fuel,
            "差旅": self.trip,
            "补贴": self.allowance,
        }
        return make[category]()

    def quote(self) -> str:
        """The record of a comparison of prices."""
        return f"三家比价 {self.number(1000, 9999)} 号"

    def purchase(
        self,
        subject: Subject | None = None,
        name: str = "",
        cents: int | None = None,
        day: date | None = None,
    ) -> Entry:
        """A purchase; what is not given is drawn."""
        subject = subject or self.subject("采购")
        name = name or self.seller(subject)
        buyer, acceptor = self.people(2)
        amount = self.cents(subject.low, subject.high) if cents is None else cents
        return Entry(
            day or self.day(),
            "采购",
            subject.name,
            name,
            buyer,
            amount,
            account=self.accounts[name],
            invoice=self.number(10_000_000, 99_999_999),
            acceptor=acceptor,
            quote=self.quote() if amount >= self.settings.limit * 100 else "",
        )

    def reception(self, guests: int = 0, hosts: int = 0) -> Entry:
        """A meal for visitors with a letter and not too many hosts."""
        subject = self.subject("接待")
        guests = guests or self.dice.between(3, 3 * self.settings.guests - 6)
        hosts = hosts or self.dice.between(1, self.settings.hosts_allowed(guests))
        form = "电子公函打印件" if self.dice.chance(1, 2) else "来函"
        return Entry(
            self.day(),
            "接待",
            subject.name,
            self.dice.pick(self.template.visitors),
            self.people(1)[0],
            self.cents(subject.low, subject.high) * (guests + hosts),
            letter=f"{form} {self.number(10, 999)} 号",
            guests=guests,
            hosts=hosts,
        )

    def slip(self) -> str:
        """A dispatch slip."""
        return f"派车单 {self.number(1000, 9999)} 号"

    def fuel(self) -> Entry:
        """A filling: on working days with a slip or in the log book, at the weekend with a slip."""
        subject = self.subject("加油")
        weekend = bool(self._weekends) and self.dice.chance(1, 4)
        cents = self.cents(subject.low, subject.high)
        price = self.dice.between(730, 820)
        return Entry(
            self.weekend() if weekend else self.day(),
            "加油",
            subject.name,
            self.dice.pick(self.template.cars),
            self.dice.pick(self.drivers),
            cents,
            slip=self.slip() if weekend or self.dice.chance(1, 2) else "",
            litres=f"{cents / price:.1f}",
        )

    def trip(self, stops: int = 0) -> Entry:
        """A journey that went where it was allowed to go."""
        subject = self.subject("差旅")
        home, *others = self.template.places
        stops = stops or self.dice.between(1, 2)
        if len(others) < stops + 1:
            raise Unworkable
        route = (home, *self.dice.sample(others, stops), home)
        return Entry(
            self.day(),
            "差旅",
            subject.name,
            route[1],
            self.people(1)[0],
            self.cents(subject.low, subject.high),
            approved=route,
            travelled=route,
        )

    def change(self) -> str:
        """The approval of a changed route."""
        return f"变更审批 {self.number(100, 999)} 号"

    def allowance(self, subject: Subject | None = None, person: str = "", month: str = "", count: int = 0) -> Entry:
        """An allowance for a month for which nobody was paid it before; what is given may have been."""
        for _ in range(200):
            of = subject or self.subject("补贴")
            who = person or self.dice.pick(self._recipients)
            when = month or self.dice.pick(list(self._months))
            if (who, of.name, when) not in self._paid or (subject and person and month):
                break
        else:
            raise Unworkable
        self._paid.add((who, of.name, when))
        times = count or self.dice.between(2, 9)
        others = [p for p in self.staff if p != who]
        return Entry(
            self.dice.pick(self._months[when]),
            "补贴",
            of.name,
            who,
            self.dice.pick(others),
            self._rates[of.name] * times * 100,
            month=when,
            count=times,
        )

    def _rate(self, subject: Subject) -> int:
        """What an allowance is a time: tens of yuan, the same for everybody."""
        tens = [yuan for yuan in range(subject.low, subject.high + 1) if yuan % 10 == 0]
        return self.dice.pick(tens or [subject.low])

    @property
    def months(self) -> Sequence[str]:
        """The months for which allowances can be paid."""
        return list(self._months)

    def _paydays(self) -> dict[str, list[date]]:
        """Month → the working days on which its allowances are paid: from its 20th on, for a month."""
        found: dict[str, list[date]] = {}
        for day in self._weekdays:
            first = day.replace(day=1)
            for month in (first, (first - timedelta(days=1)).replace(day=1)):
                since = (day - month).days
                if 19 <= since < 50 and month >= self.settings.start.replace(day=1):
                    found.setdefault(f"{month.year}年{month.month}月", []).append(day)
        return found
