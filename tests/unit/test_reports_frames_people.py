"""Whose rows a report has, and what they are called."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert
from sqlalchemy.engine import Connection

from qinlian.reports.frames.people import Learner, by_account, roster_of
from qinlian.roster.people import Entry, account_of
from qinlian.roster.store import RosterStore
from qinlian.roster.tables import STUDENT
from qinlian.roster.units import at_or_below
from tests.roster_room import NOW, PLACES, entry, gradebook


@contextmanager
def opened(folder: Path, *entries: Entry, strangers: tuple[str, ...] = ()) -> Iterator[tuple[str, Connection]]:
    url = gradebook(folder)
    if entries:
        RosterStore(url).apply(entries, NOW)
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in strangers:
            connection.execute(insert(STUDENT).values(id=name, last_name=f"演示{name}", first_name="演示单位"))
    with engine.connect() as connection:
        yield url, connection
    engine.dispose()


def test_the_roster_says_name_unit_and_track_and_nbgrader_of_others(tmp_path: Path):
    with opened(tmp_path, entry("1", "周晓岚", track="教师"), strangers=("demo01",)) as (_, connection):
        assert by_account(connection) == {
            "demo01": Learner("演示demo01", "演示单位"),
            "ql1": Learner("周晓岚", PLACES[0], "教师", "1"),
        }


def test_who_left_is_there_only_when_asked_for(tmp_path: Path):
    with opened(tmp_path, entry("1"), entry("2")) as (url, connection):
        RosterStore(url).archive("ql2", NOW)
        assert list(by_account(connection)) == ["ql1"]
        assert list(by_account(connection, archived=True)) == ["ql1", "ql2"]


def test_who_teaches_now_is_no_learner_any_more(tmp_path: Path):
    with opened(tmp_path, entry("1")) as (url, connection):
        RosterStore(url).apply([entry("1", role="教师")], NOW)
        assert by_account(connection) == {}


def test_without_a_roster_everybody_is_nbgraders(tmp_path: Path):
    with opened(tmp_path, strangers=("amy",)) as (url, connection):
        assert list(by_account(connection)) == ["amy"]
        assert roster_of(url).people == ()


UNIT = st.lists(st.sampled_from(["甲", "乙", "甲甲", "a", "A", "甲_"]), min_size=1, max_size=3).map("/".join)


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(units=st.lists(UNIT, min_size=1, max_size=10), tops=st.lists(UNIT, max_size=3))
def test_nobody_outside_the_scope_ever_comes_through(units: list[str], tops: list[str]):
    entries = [entry(f"n{n}", unit=unit) for n, unit in enumerate(units)]
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), *entries, strangers=("demo01",)) as (url, opened_),
    ):
        roster = roster_of(url)
        for chosen in ([], tops, units[:1], ["甲"]):
            seen = by_account(opened_, roster.scope(*chosen))
            assert set(seen) == {
                account_of(f"n{n}") for n, unit in enumerate(units) if any(at_or_below(unit, top) for top in chosen)
            }
