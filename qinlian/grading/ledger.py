"""What became of the attempts that were claimed for one turn, until it stands in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qinlian.database import retrying
from qinlian.grading.arrivals import Arrivals
from qinlian.grading.claims import TRIES, Claims, Turn
from qinlian.grading.shelf import Parcel

__all__ = ["Ledger"]


@dataclass
class Ledger:
    """Graded, put off or failed; whatever is nothing of these was not begun after all."""

    turns: Sequence[Turn]
    graded: set[str] = field(default_factory=set)
    later: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Folders whose claim another grader has: nothing is to be said of them here."""

    def done(self, parcels: Sequence[Parcel]) -> None:
        """Nothing more is to be done with these."""
        self.graded |= {p.arrival.folder for p in parcels}

    def settle(self, arrivals: Arrivals, claims: Claims) -> set[str]:
        """Write it down and give the claims back, in one transaction; returns the folders now put aside.

        May be called again when the database was not there: what somebody else has taken over by
        then is left to them.
        """
        return retrying(lambda: self._settle(arrivals, claims))

    def _settle(self, arrivals: Arrivals, claims: Claims) -> set[str]:
        parked = set()
        with arrivals.together() as connection:
            mine = claims.retake(connection, [turn.pair for turn in self.turns])
            folders = [f for turn in self.turns if turn.pair in mine for f in turn.folders if f not in self.lost]
            arrivals.graded([folder for folder in folders if folder in self.graded])
            for folder in folders:
                if folder in self.failed:
                    if arrivals.failed(folder, self.failed[folder], TRIES):
                        parked.add(folder)
                elif folder not in self.graded:
                    arrivals.later(folder, self.later.get(folder))
            claims.release_in(connection, mine)
        return parked
