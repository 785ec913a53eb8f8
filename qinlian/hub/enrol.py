"""The roster of a Hub: the database as the grader, then unix accounts as root, then the Hub's users and groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from qinlian.hub.accounts import AccountChanges, ensure_accounts
from qinlian.hub.become import run_as
from qinlian.hub.directory import DirectoryChanges, HubApi, synchronise
from qinlian.hub.settings import GRADER, HubSettings
from qinlian.roster.changes import Changes
from qinlian.roster.people import Entry, Person, Roster
from qinlian.roster.store import RosterStore

__all__ = ["Brought", "HubRoster", "bring_along"]

_PEOPLE = TypeAdapter(tuple[Person, ...])


class HubRoster:
    """The roster in a Hub's gradebook. Every method works as the grader, whose the database is."""

    def __init__(self, db_url: str, user: str = GRADER) -> None:
        self._db_url, self._user = db_url, user

    def _ask(self, work: Callable[[RosterStore], str]) -> str:
        return run_as(self._user, lambda: work(RosterStore(self._db_url)))

    def roster(self) -> Roster:
        """Everybody."""
        said = self._ask(lambda store: _PEOPLE.dump_json(store.roster().people).decode())
        return Roster(_PEOPLE.validate_json(said))

    def plan(self, entries: Sequence[Entry], *, complete: bool = False) -> Changes:
        """What importing ``entries`` would do."""
        said = self._ask(lambda store: store.plan(entries, complete=complete).model_dump_json())
        return Changes.model_validate_json(said)

    def apply(self, entries: Sequence[Entry], now: datetime, archive: Collection[str] = ()) -> Changes:
        """Import ``entries`` and archive those accounts."""
        said = self._ask(lambda store: store.apply(entries, now, archive).model_dump_json())
        return Changes.model_validate_json(said)

    def archive(self, account: str, now: datetime) -> Person:
        """Mark somebody as gone."""
        return Person.model_validate_json(self._ask(lambda store: store.archive(account, now).model_dump_json()))

    def restore(self, account: str, now: datetime) -> Person:
        """Bring somebody back."""
        return Person.model_validate_json(self._ask(lambda store: store.restore(account, now).model_dump_json()))


@dataclass(frozen=True)
class Brought:
    """What followed from the roster outside the database."""

    accounts: AccountChanges
    directory: DirectoryChanges

    def lines(self) -> list[str]:
        """What was done, a line each; nothing where nothing was to do."""
        return [line for line in (self.accounts.text(), self.directory.text()) if line]


def bring_along(people: Iterable[Person], hub: HubSettings) -> Brought:
    """Make accounts and the Hub agree with the roster.

    The Hub comes last: nobody can sign in before their account is there, and nobody whose account could not be
    made becomes a user of the Hub. Raises HubError.
    """
    everybody = list(people)
    accounts = ensure_accounts(everybody, hub.homes)
    able = [person for person in everybody if person.archived or person.account not in accounts.failed]
    api = HubApi(hub.hub_api_url, hub.roster_token)
    return Brought(accounts, synchronise(able, api, hub.course_id))
