"""From a template to one ledger, always the same one for the same seed, with nothing wrong but what was planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from qinlian.errors import QinlianError
from qinlian.items.ledger.clerk import Clerk, Unworkable
from qinlian.items.ledger.decoys import DECOYS
from qinlian.items.ledger.detectors import Found, detect
from qinlian.items.ledger.dice import Dice
from qinlian.items.ledger.entries import Entry
from qinlian.items.ledger.plants import PLANTS
from qinlian.items.ledger.settings import Settings, Template

__all__ = ["Ledger", "UnworkableTemplateError", "found_in", "make_ledger"]

_STARTS = 300
_MENDINGS = 12


class UnworkableTemplateError(QinlianError):
    """No ledger can be made from a template."""


@dataclass(frozen=True)
class Ledger:
    """The rows of one variant, and the planted groups: (kind, places of its rows)."""

    entries: tuple[Entry, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...]


def found_in(entries: Sequence[Entry], settings: Settings) -> Found:
    """What the detectors find in these rows."""
    import pandas as pd

    frame = pd.DataFrame([vars(entry) for entry in entries])
    frame["ordinal"] = [entry.day.toordinal() for entry in entries]
    frame["weekday"] = [entry.day.weekday() for entry in entries]
    return detect(frame, settings)


def _planted(clerk: Clerk, template: Template) -> Ledger:
    """The planted rows, first of all: what they use must not have been used up."""
    entries: list[Entry] = []
    groups: list[tuple[str, tuple[int, ...]]] = []
    by_kind = {v.kind: v for v in template.violations}
    for kind, plant in PLANTS.items():
        if violation := by_kind.get(kind):
            for _ in range(violation.times):
                rows = plant(clerk, violation.rows)
                groups.append((kind, tuple(range(len(entries), len(entries) + len(rows)))))
                entries += rows
    return Ledger(tuple(entries), tuple(groups))


def _decoys(clerk: Clerk, template: Template) -> list[Entry]:
    rows = {v.kind: v.rows for v in template.violations}
    wanted = dict(template.reasons) | {v.kind: v.decoys for v in template.violations}
    entries: list[Entry] = []
    for kind, decoy in DECOYS.items():
        # Which sort of decoy comes first is left to chance; then they take turns.
        first = clerk.dice.below(4)
        for number in range(wanted.get(kind, 0)):
            entries += decoy(clerk, rows.get(kind, _usual(kind)), first + number)
    return entries


def _usual(kind: str) -> int:
    from qinlian.items.ledger.kinds import KINDS

    return KINDS[kind].rows[1]


def _attempt(template: Template, dice: Dice) -> Ledger | None:
    """One try; None when chance left something wrong that was not planted."""
    settings = template.settings
    clerk = Clerk(template, dice)
    total = dice.between(*settings.rows)
    planted = _planted(clerk, template)
    fixed = [*planted.entries, *_decoys(clerk, template)]
    fillers: list[Entry] = []
    wanted = frozenset((kind, frozenset(rows)) for kind, rows in planted.groups)
    if len(fixed) > total:
        return None
    for _ in range(_MENDINGS):
        fillers += [clerk.row() for _ in range(total - len(fixed) - len(fillers))]
        found = found_in([*fixed, *fillers], settings)
        if found == wanted:
            return Ledger((*fixed, *fillers), planted.groups)
        guilty = {place for _, group in found - wanted for place in group if place >= len(fixed)}
        if not guilty:
            return None
        fillers = [entry for place, entry in enumerate(fillers, start=len(fixed)) if place not in guilty]
    return None


@lru_cache(maxsize=512)
def make_ledger(template: Template, seed: str, starts: int = _STARTS) -> Ledger:
    """The ledger of a seed.

    Raises UnworkableTemplateError when ``starts`` attempts came to nothing: the pools are too small
    for what is to be planted.
    """
    for start in range(starts):
        try:
            if made := _attempt(template, Dice(seed, str(start))):
                return made
        except Unworkable:
            continue
    raise UnworkableTemplateError(
        "照这个账目核查的模板凑不出一份台账；请增加供应商、人员或科目，放宽行数，或少种几处违规"
    )
