"""Numbers, editions and revocations, on SQLite and on PostgreSQL, by one process and by several at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from qinlian.database import open_engine
from qinlian.errors import CertificateError
from qinlian.reports.certificates import store as store_module
from qinlian.reports.certificates.listing import COLUMNS, certificate_table
from qinlian.reports.certificates.statement import verify
from qinlian.reports.certificates.store import CertificateStore, Facts
from tests.certificate_room import COMPLETION, HOURS, MOMENT, facts, signer
from tests.roster_room import gradebook

KEY = signer()
_numbers = count(1)


def _address(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return gradebook(folder)
    from sqlalchemy import create_engine

    from tests.classroom import postgres

    url = postgres().create(f"certificates{next(_numbers)}")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE student (id VARCHAR(128) PRIMARY KEY)")
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield _address(request, tmp_path)
    open_engine.cache_clear()


@pytest.fixture
def store(url: str) -> CertificateStore:
    return CertificateStore(url)


def issue(
    store: CertificateStore, *wishes: Facts, kind: str = COMPLETION, now: datetime = MOMENT, **how: bool
) -> list[tuple[str, str, int]]:
    done = store.issue(kind, wishes, KEY, now, **how)
    return [(o.state, o.edition.statement.number, o.edition.statement.version) for o in done]


class TestNumbers:
    def test_they_count_up_by_kind_and_year_and_hold_nothing_personal(self, store: CertificateStore) -> None:
        assert issue(store, facts("a"), facts("b")) == [
            ("新签发", "JY2026-000001", 1),
            ("新签发", "JY2026-000002", 1),
        ]
        assert issue(store, facts("a"), kind=HOURS) == [("新签发", "XS2026-000001", 1)]
        later = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
        # Midnight in Beijing.
        assert issue(store, facts("c"), now=later) == [("新签发", "JY2027-000001", 1)]
        assert issue(store, facts("d"), now=later - timedelta(seconds=1)) == [("新签发", "JY2026-000003", 1)]

    def test_the_same_learner_course_kind_and_track_have_the_same_number(self, store: CertificateStore) -> None:
        issue(store, facts("a"))
        assert issue(store, facts("a")) == [("补打", "JY2026-000001", 1)]
        assert issue(store, facts("a"), now=MOMENT + timedelta(days=400)) == [("补打", "JY2026-000001", 1)]
        assert issue(store, facts("a", track="教师")) == [("新签发", "JY2026-000002", 1)]
        assert issue(store, facts("a", course_id="other")) == [("新签发", "JY2026-000003", 1)]

    def test_what_is_printed_again_is_the_same_to_the_letter(self, store: CertificateStore) -> None:
        (first,) = store.issue(COMPLETION, [facts()], KEY, MOMENT)
        (again,) = store.issue(COMPLETION, [facts()], KEY, MOMENT + timedelta(days=30))
        assert again.edition == first.edition
        assert verify(again.edition.signed, {KEY.id: KEY.public}) is True

    def test_somebody_twice_in_one_run_has_one_number(self, store: CertificateStore) -> None:
        assert issue(store, facts("a"), facts("a")) == [("新签发", "JY2026-000001", 1), ("补打", "JY2026-000001", 1)]

    def test_a_run_that_fails_when_all_is_written_takes_no_number(
        self, store: CertificateStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = store_module._Book.write

        def broken(book: store_module._Book) -> None:
            real(book)
            raise RuntimeError("the machine stops")

        monkeypatch.setattr(store_module._Book, "write", broken)
        with pytest.raises(RuntimeError, match="the machine stops"):
            issue(store, facts("a"), facts("b"))
        monkeypatch.undo()
        assert store.editions() == ()
        assert issue(store, facts("b")) == [("新签发", "JY2026-000001", 1)]


class TestCorrections:
    def test_a_changed_name_is_told_and_the_old_certificate_stays(self, store: CertificateStore) -> None:
        issue(store, facts(name="周小岚"))
        assert issue(store, facts()) == [("不一致", "JY2026-000001", 1)]
        assert store.holding("JY2026-000001").statement.name == "周小岚"

    @pytest.mark.parametrize("change", [{"name": "周岚"}, {"hours": 3.0}, {"score": 90.0}, {"unit": "省开放大学"}])
    def test_a_correction_keeps_the_number_and_ends_the_earlier_edition(
        self, store: CertificateStore, change: dict[str, object]
    ) -> None:
        issue(store, facts())
        assert issue(store, facts(**change), correct=True) == [("更正补发", "JY2026-000001", 2)]
        assert [(r.number, r.version) for r in store.revocations()] == [("JY2026-000001", 1)]
        assert issue(store, facts(**change)) == [("补打", "JY2026-000001", 2)]

    def test_more_hours_are_a_new_edition_beside_the_earlier_ones(self, store: CertificateStore) -> None:
        issue(store, facts(hours=2.0, score=None), kind=HOURS)
        assert issue(store, facts(hours=3.5, score=None), kind=HOURS) == [("新版", "XS2026-000001", 2)]
        assert store.revocations() == ()

    @pytest.mark.parametrize("change", [{"hours": 1.0}, {"hours": 3.0, "name": "周岚"}])
    def test_fewer_hours_or_another_name_are_a_correction(
        self, store: CertificateStore, change: dict[str, object]
    ) -> None:
        issue(store, facts(hours=2.0), kind=HOURS)
        assert issue(store, facts(**change), kind=HOURS) == [("不一致", "XS2026-000001", 1)]
        assert issue(store, facts(**change), kind=HOURS, correct=True) == [("更正补发", "XS2026-000001", 2)]
        assert [(r.number, r.version) for r in store.revocations()] == [("XS2026-000001", 1)]


class TestRevocations:
    def test_it_has_when_and_why_and_holds_for_every_edition(self, store: CertificateStore) -> None:
        issue(store, facts())
        edition, fresh = store.revoke("JY2026-000001", "代考", MOMENT)
        assert fresh
        assert edition.statement.name == "周晓岚"
        (one,) = store.revocations()
        assert (one.number, one.version, one.revoked_at, one.why) == ("JY2026-000001", 1, MOMENT, "代考")

    def test_once_more_changes_nothing(self, store: CertificateStore) -> None:
        issue(store, facts())
        store.revoke("JY2026-000001", "代考", MOMENT)
        assert store.revoke("JY2026-000001", "又一次", MOMENT + timedelta(days=1))[1] is False
        assert [r.why for r in store.revocations()] == ["代考"]

    def test_an_unknown_number_is_told(self, store: CertificateStore) -> None:
        with pytest.raises(CertificateError, match="没有编号 JY2026-000009"):
            store.revoke("JY2026-000009", "代考", MOMENT)
        with pytest.raises(CertificateError, match="没有编号"):
            store.holding("JY2026-000009")

    def test_it_comes_back_only_when_asked_for_by_name(self, store: CertificateStore) -> None:
        issue(store, facts())
        store.revoke("JY2026-000001", "代考", MOMENT)
        assert issue(store, facts()) == [("已撤销", "JY2026-000001", 1)]
        assert issue(store, facts(), correct=True) == [("已撤销", "JY2026-000001", 1)]
        with pytest.raises(CertificateError, match="代考"):
            store.holding("JY2026-000001")
        assert issue(store, facts(), correct=True, revive=True) == [("更正补发", "JY2026-000001", 2)]
        assert store.holding("JY2026-000001").statement.version == 2
        assert store.revoke("JY2026-000001", "再次", MOMENT)[1] is True


def test_the_list_has_every_edition_with_its_state(store: CertificateStore) -> None:
    issue(store, facts("a"), facts("b", name="李明"))
    issue(store, facts("a", name="周岚"), correct=True)
    issue(store, facts("a", hours=1.0), kind=HOURS)
    issue(store, facts("a", hours=2.0), kind=HOURS)
    store.revoke("JY2026-000002", "代考", MOMENT)
    table = certificate_table(store)
    assert tuple(table.columns) == COLUMNS
    assert list(table[["编号", "版", "姓名", "状态", "原因"]].itertuples(index=False, name=None)) == [
        ("JY2026-000001", 1, "周晓岚", "已撤销", "更正后补发了新的一版"),
        ("JY2026-000001", 2, "周岚", "有效", ""),
        ("JY2026-000002", 1, "李明", "已撤销", "代考"),
        ("XS2026-000001", 1, "周晓岚", "有新版", ""),
        ("XS2026-000001", 2, "周晓岚", "有效", ""),
    ]


def test_files_and_keys_are_remembered_once(store: CertificateStore) -> None:
    store.add_key(KEY, MOMENT)
    store.add_key(signer(2), MOMENT + timedelta(days=1))
    store.add_key(KEY, MOMENT + timedelta(days=2))
    assert list(store.keys().items()) == [(KEY.id, KEY.public), (signer(2).id, signer(2).public)]
    store.add_files({"a" * 64: ("JY2026-000001", 1)})
    store.add_files({"a" * 64: ("JY2026-000001", 1), "b" * 64: ("JY2026-000001", 2)})
    assert store.file("b" * 64) == ("JY2026-000001", 2)
    assert store.file("c" * 64) is None


def _issue_some(url: str, names: list[str], start: object) -> None:
    store = CertificateStore(url)
    start.wait()  # type: ignore[attr-defined]
    for name in names:
        store.issue(COMPLETION, [facts(name)], KEY, MOMENT)


@pytest.mark.slow
def test_processes_at_once_leave_no_gap_and_no_number_twice(url: str) -> None:
    CertificateStore(url)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    # Each also wishes for people whom the others wish for.
    plans = [[f"own{n}-{i}" for i in range(15)] + [f"all-{i}" for i in range(10)] for n in range(4)]
    workers = [context.Process(target=_issue_some, args=(url, plan, start)) for plan in plans]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    editions = CertificateStore(url).editions()
    assert [e.statement.number for e in editions] == [f"JY2026-{n:06d}" for n in range(1, 71)]
    assert len({e.learner for e in editions}) == 70
