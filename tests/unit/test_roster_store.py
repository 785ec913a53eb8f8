"""The roster in the gradebook's database: imported again and again, nobody lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, select, update

from qinlian.errors import RosterError
from qinlian.roster.changes import changes
from qinlian.roster.people import Entry, Roster
from qinlian.roster.store import RosterStore, read_roster
from qinlian.roster.tables import PERSON, STUDENT, UNIT
from qinlian.roster.uids import FIRST_UID
from tests.postgres import running_postgres
from tests.roster_room import NOW, PLACES, entry, gradebook, person, roster

LATER = NOW + timedelta(days=1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return gradebook(tmp_path)


@pytest.fixture
def store(url: str) -> RosterStore:
    return RosterStore(url)


def students(url: str) -> dict[str, tuple[str, str, str | None]]:
    engine: Engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(STUDENT)).all()
    engine.dispose()
    return {row.id: (row.last_name, row.first_name, row.email) for row in rows}


def names(done: tuple[Entry, ...]) -> list[str]:
    return [one.number for one in done]


class TestWhatASheetChanges:
    def test_new_changed_same_gone_and_back(self):
        before = roster(person("1"), person("2"), person("3"), person("4", gone=True), person("5", gone=True))
        same = entry("1", "姓名1")
        done = changes(before, [same, entry("2", "新名"), entry("4", "姓名4"), entry("6")], complete=True)
        assert names(done.unchanged) == ["1"]
        assert names(done.updated) == ["2"]
        assert names(done.returned) == ["4"]
        assert names(done.added) == ["6"]
        assert [one.number for one in done.archived] == ["3"]
        assert done.text() == "新增 1 人，更新 1 人，归档后又回来 1 人，不变 1 人，归档 1 人"

    def test_nobody_is_archived_by_a_sheet_that_is_not_complete(self):
        assert changes(roster(person("1")), [entry("2")], complete=False).archived == ()

    @pytest.mark.parametrize(
        "changed",
        [{"unit": PLACES[1]}, {"department": "教务处"}, {"track": "教师"}, {"email": "a@b.cn"}, {"role": "教师"}],
    )
    def test_every_column_counts_as_a_change(self, changed: dict[str, str]):
        done = changes(roster(person("1")), [entry("1", "姓名1", **changed)], complete=False)
        assert names(done.updated) == ["1"]

    def test_a_sheet_without_roles_leaves_them_as_they_are(self):
        done = changes(roster(person("1", role="教师")), [entry("1", "姓名1")], complete=False)
        assert names(done.unchanged) == ["1"]

    def test_other_letters_of_the_same_number_are_the_same_person(self):
        done = changes(roster(person("ab1")), [entry("AB1", "姓名ab1")], complete=True)
        assert (names(done.updated), done.archived) == (["AB1"], ())


def test_new_people_get_accounts_uids_and_a_line_in_nbgraders_table(store: RosterStore, url: str):
    done = store.apply([entry("AB1", "周晓岚", email="zhou@example.cn"), entry("2", "林知远", "省校")], NOW)
    assert names(done.added) == ["AB1", "2"]
    first, second = store.roster().people
    assert (first.account, first.uid, first.unit, first.role) == ("qlab1", FIRST_UID, PLACES[0], "学员")
    assert (second.account, second.uid, second.archived_at, second.changed_at) == ("ql2", FIRST_UID + 1, None, NOW)
    assert students(url) == {
        "qlab1": ("周晓岚", "青禾分校 望川学习中心", "zhou@example.cn"),
        "ql2": ("林知远", "省校", None),
    }


def test_teachers_and_administrators_are_no_students_of_nbgraders(store: RosterStore, url: str):
    store.apply([entry("1", role="教师"), entry("2", role="管理员"), entry("3", role="学员")], NOW)
    assert set(students(url)) == {"ql3"}


def test_importing_again_updates_and_keeps_account_and_uid(store: RosterStore, url: str):
    store.apply([entry("1"), entry("2")], NOW)
    done = store.apply([entry("2", "林远", PLACES[2], department="财务处"), entry("3")], LATER)
    assert (names(done.updated), names(done.added), done.archived) == (["2"], ["3"], ())
    people = store.roster().people
    assert [one.uid for one in people] == [FIRST_UID, FIRST_UID + 1, FIRST_UID + 2]
    assert (people[1].name, people[1].department, people[1].changed_at) == ("林远", "财务处", LATER)
    assert people[0].changed_at == NOW
    assert students(url)["ql2"] == ("林远", "栖云分校 临溪学习中心", None)


def test_the_numbers_that_are_nobodys_are_passed_over(store: RosterStore, url: str):
    store.apply([entry("1")], NOW)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(update(PERSON).values(uid=65_532))
    engine.dispose()
    store.apply([entry("2"), entry("3")], LATER)
    store.apply([entry("4")], LATER)
    assert [one.uid for one in store.roster().people] == [65_532, 65_533, 65_536, 65_537]


def test_a_student_whom_nbgrader_knew_already_gets_the_name(store: RosterStore, url: str):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(STUDENT).values(id="ql1"))
    engine.dispose()
    store.apply([entry("1")], NOW)
    assert students(url) == {"ql1": ("周晓岚", "青禾分校 望川学习中心", None)}


def test_only_who_was_agreed_on_is_archived_and_nothing_is_deleted(store: RosterStore, url: str):
    store.apply([entry("1"), entry("2"), entry("3")], NOW)
    plan = store.plan([entry("3")], complete=True)
    assert [one.account for one in plan.archived] == ["ql1", "ql2"]
    done = store.apply([entry("3")], LATER, archive={"ql2", "ql3"})
    assert [one.account for one in done.archived] == ["ql2"]
    assert [(one.account, one.archived_at) for one in store.roster().people] == [
        ("ql1", None),
        ("ql2", LATER),
        ("ql3", None),
    ]
    assert set(students(url)) == {"ql1", "ql2", "ql3"}


def test_somebody_who_is_imported_again_is_back_with_the_same_uid(store: RosterStore):
    store.apply([entry("1"), entry("2")], NOW)
    assert store.archive("ql1", LATER).archived
    done = store.apply([entry("1")], LATER)
    assert names(done.returned) == ["1"]
    one = store.roster().find("ql1")
    assert one is not None
    assert (one.archived, one.uid) == (False, FIRST_UID)


def test_archiving_and_restoring_one_person(store: RosterStore):
    store.apply([entry("1")], NOW)
    assert store.archive("ql1", NOW).archived_at == NOW
    assert store.archive("ql1", LATER).archived_at == NOW, "the first time counts"
    assert store.restore("ql1", LATER).archived_at is None
    assert store.roster().people[0].changed_at == LATER
    with pytest.raises(RosterError, match="名单里没有这个人"):
        store.archive("ql9", NOW)


def test_units_are_kept_with_all_that_stands_above_them(store: RosterStore, url: str):
    store.apply([entry("1"), entry("2", unit=PLACES[2])], NOW)
    store.apply([entry("3", unit="省开放大学/青禾分校/新中心")], NOW)
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(UNIT).order_by(UNIT.c.place)).all()
    engine.dispose()
    assert [(row.name, row.parent) for row in rows] == [
        ("省开放大学", ""),
        ("青禾分校", "省开放大学"),
        ("望川学习中心", "省开放大学/青禾分校"),
        ("栖云分校", "省开放大学"),
        ("临溪学习中心", "省开放大学/栖云分校"),
        ("新中心", "省开放大学/青禾分校"),
    ]


def test_a_gradebook_without_a_roster_has_nobody(url: str):
    engine = create_engine(url)
    with engine.connect() as connection:
        assert read_roster(connection) == Roster()
    engine.dispose()


def test_a_failed_import_changes_nothing(store: RosterStore, monkeypatch: pytest.MonkeyPatch):
    store.apply([entry("1")], NOW)
    before = store.roster()

    def full(*_: object) -> None:
        raise OSError("满了")

    monkeypatch.setattr("qinlian.roster.store._write_students", full)
    with pytest.raises(OSError, match="满了"):
        store.apply([entry("1", "新名"), entry("2")], LATER, archive={"ql1"})
    assert store.roster() == before


def imports_at_once(url: str) -> Roster:
    store = RosterStore(url)
    threads = [
        threading.Thread(target=store.apply, args=([entry(f"{n}-{k}") for k in range(30)], NOW)) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return store.roster()


def test_imports_at_once_give_everybody_a_uid_of_their_own(url: str):
    people = imports_at_once(url).people
    assert [one.uid for one in people] == list(range(FIRST_UID, FIRST_UID + 120))


@pytest.mark.slow
def test_postgresql_keeps_a_roster_like_sqlite(tmp_path: Path):
    with running_postgres() as url:
        store = RosterStore(url)
        store.apply([entry("1"), entry("2", "林知远", role="教师")], NOW)
        store.apply([entry("1", "周岚", PLACES[1])], LATER, archive={"ql2"})
        first, second = store.roster().people
        assert (first.name, first.unit, first.changed_at) == ("周岚", PLACES[1], LATER)
        assert second.archived_at == LATER
        assert students(url) == {"ql1": ("周岚", "省开放大学 青禾分校", None)}
        assert len({one.uid for one in imports_at_once(url).people}) == 122


@pytest.mark.slow
def test_the_students_table_of_the_other_tests_is_nbgraders_own(tmp_path: Path):
    from nbgrader.api import Student

    columns = {column.name for column in Student.__table__.columns}
    engine = create_engine(gradebook(tmp_path))
    with engine.connect() as connection:
        made = connection.exec_driver_sql("SELECT * FROM student")
        assert set(made.keys()) == columns
    engine.dispose()
    assert {column.name for column in STUDENT.c} <= columns
