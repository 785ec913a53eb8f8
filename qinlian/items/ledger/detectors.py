"""The rules themselves: each takes the rows of its category as a table and gives back those that break it.

Planting and decoys know nothing of these functions, so that they can prove what was planted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from qinlian.items.ledger.kinds import KINDS
from qinlian.items.ledger.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DETECTORS", "Found", "detect"]

Found = frozenset[tuple[str, frozenset[int]]]
"""(kind, the rows that break its rule together), for everything wrong in a ledger."""

_Groups = Iterator[frozenset[int]]


def _alone(rows: pd.DataFrame, broken: pd.Series[bool]) -> _Groups:
    return (frozenset([int(index)]) for index in rows.index[broken])


def _together(rows: pd.DataFrame, broken: pd.Series[bool], by: list[str]) -> _Groups:
    """The broken rows, those that agree in ``by`` together."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, *values in rows.loc[broken, by].itertuples():
        groups.setdefault(tuple(values), []).append(int(index))
    return (frozenset(group) for group in groups.values())


def _split(rows: pd.DataFrame, settings: Settings) -> _Groups:
    """Rows below the limit, one account and 科目, close together, that reach it in sum without a comparison."""
    limit = settings.limit * 100
    small = rows.loc[(rows["cents"] < limit) & (rows["quote"] == ""), ["account", "subject", "ordinal", "cents"]]
    enough = small.groupby(["account", "subject"])["cents"].transform("sum") >= limit
    by_pair: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for index, account, subject, day, cents in small[enough].itertuples():
        by_pair.setdefault((account, subject), []).append((day, cents, index))
    for bought in by_pair.values():
        together: list[set[int]] = []
        for first, _, _ in bought:
            near = [(cents, index) for day, cents, index in bought if first <= day <= first + settings.window]
            if len(near) > 1 and sum(cents for cents, _ in near) >= limit:
                indexes = {index for _, index in near}
                # Windows that share a row are one purchase.
                touching = [group for group in together if group & indexes]
                together = [group for group in together if group not in touching]
                together.append(indexes.union(*touching))
        yield from map(frozenset, together)


def _one_account(rows: pd.DataFrame, _settings: Settings) -> _Groups:
    """All rows of an account that stands under several names."""
    return _together(rows, rows.groupby("account")["party"].transform("nunique") > 1, ["account"])


def _no_letter(rows: pd.DataFrame, _settings: Settings) -> _Groups:
    return _alone(rows, rows["letter"] == "")


def _hosts(rows: pd.DataFrame, settings: Settings) -> _Groups:
    return _alone(rows, rows["hosts"] > rows["guests"].map(settings.hosts_allowed))


def _weekend_fuel(rows: pd.DataFrame, _settings: Settings) -> _Groups:
    return _alone(rows, (rows["weekday"] >= 5) & (rows["slip"] == ""))


def _paid_twice(rows: pd.DataFrame, _settings: Settings) -> _Groups:
    keys = ["party", "subject", "month"]
    return _together(rows, rows.duplicated(keys, keep=False), keys)


def _extra_stop(rows: pd.DataFrame, _settings: Settings) -> _Groups:
    routes = zip(rows.index, rows["approved"], rows["travelled"], rows["change"], strict=True)
    return (frozenset([int(index)]) for index, may, went, change in routes if not change and not set(went) <= set(may))


def _own_acceptance(rows: pd.DataFrame, _settings: Settings) -> _Groups:
    return _alone(rows, rows["handler"] == rows["acceptor"])


def _no_quote(rows: pd.DataFrame, settings: Settings) -> _Groups:
    return _alone(rows, (rows["cents"] >= settings.limit * 100) & (rows["quote"] == ""))


DETECTORS: dict[str, Callable[[pd.DataFrame, Settings], Iterable[frozenset[int]]]] = {
    "拆分采购": _split,
    "一户多名": _one_account,
    "无函接待": _no_letter,
    "陪餐超员": _hosts,
    "周末无单加油": _weekend_fuel,
    "重复补贴": _paid_twice,
    "行程多站": _extra_stop,
    "自采自验": _own_acceptance,
    "超限未比价": _no_quote,
}


def detect(frame: pd.DataFrame, settings: Settings) -> Found:
    """Everything wrong in a ledger, by every rule there is, named in the template or not.

    ``frame`` has a column for every field of ``Entry``, besides ``ordinal`` and ``weekday`` of the day,
    and its index counts from 0.
    """
    rows = dict(iter(frame.groupby("category")))
    return frozenset(
        (kind, group)
        for kind, rule in DETECTORS.items()
        if KINDS[kind].category in rows
        for group in rule(rows[KINDS[kind].category], settings)
    )
