"""One row of a ledger with its voucher, and how it is told apart for the learner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

__all__ = ["Entry", "details"]

NONE = "无"


@dataclass(frozen=True)
class Entry:
    """A row; which of the voucher's fields are filled depends on its category.

    An empty ``quote``, ``letter``, ``slip`` or ``change`` says that there is none.
    """

    day: date
    category: str
    subject: str
    party: str
    handler: str
    cents: int
    account: str = ""
    invoice: str = ""
    acceptor: str = ""
    quote: str = ""
    letter: str = ""
    guests: int = 0
    hosts: int = 0
    slip: str = ""
    litres: str = ""
    approved: tuple[str, ...] = ()
    travelled: tuple[str, ...] = ()
    change: str = ""
    month: str = ""
    count: int = 0


def details(entry: Entry) -> tuple[str, ...]:
    """The voucher's key fields in words, in the order of ``Category.fields``."""
    match entry.category:
        case "采购":
            return f"尾号 {entry.account}", entry.invoice, entry.acceptor, entry.quote or NONE
        case "接待":
            return entry.letter or "未附", f"{entry.guests} 人", f"{entry.hosts} 人"
        case "加油":
            return entry.slip or "里程登记", f"{entry.litres} 升"
        case "差旅":
            return " → ".join(entry.approved), " → ".join(entry.travelled), entry.change or NONE
        case _:
            return entry.month, f"{entry.count} 次"
