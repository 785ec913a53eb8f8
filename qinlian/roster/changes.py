"""What a sheet changes in the roster; pure, so that it can be told before it is done."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from qinlian.roster.people import LEARNER, Entry, Person, Roster

__all__ = ["Changes", "changes", "role_of"]

_FIELDS = ("number", "name", "unit", "department", "track", "email")


class Changes(BaseModel):
    """Everybody a sheet names stands in one of the first four; ``archived`` are not in it and will leave.

    ``returned`` were archived and are there again, changed or not.
    """

    model_config = ConfigDict(frozen=True)

    added: tuple[Entry, ...] = ()
    updated: tuple[Entry, ...] = ()
    returned: tuple[Entry, ...] = ()
    unchanged: tuple[Entry, ...] = ()
    archived: tuple[Person, ...] = ()

    def text(self) -> str:
        """The numbers in one line."""
        parts = [
            f"新增 {len(self.added)} 人",
            f"更新 {len(self.updated)} 人",
            f"不变 {len(self.unchanged)} 人",
            f"归档 {len(self.archived)} 人",
        ]
        if self.returned:
            parts.insert(2, f"归档后又回来 {len(self.returned)} 人")
        return "，".join(parts)


def role_of(entry: Entry, known: Person | None) -> str:
    """The role an entry gives: a sheet without that column leaves it as it was."""
    return entry.role or (known.role if known else LEARNER)


def changes(roster: Roster, entries: Sequence[Entry], *, complete: bool) -> Changes:
    """What importing ``entries`` does to ``roster``; with ``complete`` whoever is not among them is archived."""
    added, updated, returned, unchanged = [], [], [], []
    for entry in entries:
        known = roster.find(entry.account)
        if known is None:
            added.append(entry)
        elif known.archived:
            returned.append(entry)
        elif _same(entry, known):
            unchanged.append(entry)
        else:
            updated.append(entry)
    named = {entry.account for entry in entries}
    gone = [p for p in roster.people if complete and not p.archived and p.account not in named]
    return Changes(
        added=tuple(added),
        updated=tuple(updated),
        returned=tuple(returned),
        unchanged=tuple(unchanged),
        archived=tuple(gone),
    )


def _same(entry: Entry, known: Person) -> bool:
    fields = all(getattr(entry, name) == getattr(known, name) for name in _FIELDS)
    return fields and role_of(entry, known) == known.role
