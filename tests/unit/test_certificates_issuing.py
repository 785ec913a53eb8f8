"""From a gradebook to files: who gets one, who is told why not, and what is where."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from qinlian.authoring.certificates import CERTIFICATES
from qinlian.errors import CertificateError
from qinlian.reports.certificates import issuing
from qinlian.reports.certificates.issuing import file_name, issue, read_standings, write_files
from qinlian.reports.certificates.keys import KEY_NAME
from qinlian.reports.certificates.statement import verify
from tests.certificate_room import COMPLETION, HOURS, MOMENT, Room, edition
from tests.frames_room import COURSE
from tests.roster_room import PLACES
from tests.staff_room import GIFTS, START

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path) -> Room:
    made = Room(tmp_path)
    made.pass_all("1")
    begun = made.book.add("2", PLACES[1], "王未完", track="青年干部")
    made.book.grade(begun, START, 80, 15)
    waiting = made.book.add("3", PLACES[1], "赵待评", track="青年干部")
    made.book.grade(waiting, START, 80, None, waits=True)
    made.book.grade(waiting, GIFTS, 90, 10)
    made.book.add("4", PLACES[1], "吴老师", role="教师")
    return made


def test_who_meets_the_rules_gets_one_and_the_others_are_told_why(room: Room) -> None:
    issued = room.issue()
    assert [o.edition.statement.name for o in issued.outcomes] == ["周晓岚"]
    assert [refused.line() for refused in issued.refused] == [
        "王未完（2）：“礼尚往来”还没有学",
        "赵待评（3）：“导学”等教师评阅",
    ]
    signed = issued.outcomes[0].edition.signed
    assert verify(signed, room.office.store.keys()) is True
    assert (signed.statement.hours, signed.statement.unit) == (3.5, PLACES[0])


def test_a_record_of_hours_is_for_everybody_who_has_any(room: Room) -> None:
    room.book.add("5", PLACES[1], "孙未学", track="青年干部")
    issued = room.issue(HOURS)
    assert [(o.edition.statement.name, o.edition.statement.hours) for o in issued.outcomes] == [
        ("周晓岚", 3.5),
        ("王未完", 2.0),
        ("赵待评", 3.5),
    ]
    assert [refused.line() for refused in issued.refused] == ["孙未学（5）：还没有获得学时"]


def test_more_hours_later_are_a_new_edition_of_the_same_number(room: Room) -> None:
    before = {o.facts.account: o.edition.statement for o in room.issue(HOURS).outcomes}
    room.book.grade("ql2", GIFTS, 80, 10)
    after = {o.facts.account: o for o in room.issue(HOURS, now=MOMENT + timedelta(days=1)).outcomes}
    assert (after["ql2"].state, after["ql2"].edition.statement.version) == ("新版", 2)
    assert after["ql2"].edition.statement.number == before["ql2"].number
    assert after["ql1"].state == "补打"


def test_looking_records_nothing_and_makes_no_key(room: Room) -> None:
    issued = room.issue(trial=True)
    assert (len(issued.outcomes), len(issued.refused)) == (0, 2)
    assert room.office.store.editions() == ()
    assert not (room.office.folder / KEY_NAME).exists()


def test_a_name_with_a_letter_that_the_font_lacks_is_refused_by_name_and_takes_no_number(room: Room) -> None:
    room.pass_all("0", name="孙\U0010abcd")
    room.pass_all("9", name="欧阳䶮")
    issued = room.issue()
    assert [(o.edition.statement.number, o.facts.name) for o in issued.outcomes] == [
        ("JY2026-000001", "周晓岚"),
        ("JY2026-000002", "欧阳䶮"),
    ]
    assert "孙\U0010abcd（0）：字体里没有“\U0010abcd”；请用环境变量 QINLIAN_FONT" in issued.refused[0].line()


def test_a_unit_that_no_code_holds_is_told(room: Room) -> None:
    room.pass_all("0", unit="/".join(["长" * 100] * 8))
    assert "二维码放不下；请在名单里用简称" in room.issue().refused[0].line()


def test_what_the_words_need_and_nobody_knows_is_asked_for(room: Room) -> None:
    account = room.book.stranger("demo01", "演示", "")
    room.book.grade(account, START, 80, 15)
    room.book.grade(account, GIFTS, 90, 10)
    line = next(r.line() for r in room.issue().refused if r.standing.facts.account == account)
    assert line == "演示（demo01）：证书上要写单位，但没有；请在名单里补上，或改证书模板"


def test_a_corrected_name_waits_for_the_offices_word(room: Room) -> None:
    room.issue()
    from sqlalchemy import update

    from qinlian.roster.tables import PERSON

    with room.book.engine.begin() as connection:
        connection.execute(update(PERSON).where(PERSON.c.account == "ql1").values(name="周小岚"))
    line = room.issue().refused[0].line()
    assert "编号 JY2026-000001 的证书和现在的资料不一样：姓名“周晓岚”，现在是“周小岚”。原证书仍有效" in line
    (outcome,) = room.issue(correct=True).outcomes
    assert (outcome.state, outcome.edition.statement.version) == ("更正补发", 2)


def test_who_lost_the_ground_is_told_of_the_certificate_there_is(room: Room) -> None:
    room.issue()
    from sqlalchemy import update

    from qinlian.grading.tables import GRADE

    with room.book.engine.begin() as connection:
        connection.execute(update(GRADE).where(GRADE.c.id == f"g-text-ql1-{START.id}").values(needs_manual_grade=True))
    line = room.issue().refused[0].line()
    assert "“导学”等教师评阅；以前发过编号 JY2026-000001；补打用 qinlian certificate reprint" in line
    assert room.office.store.holding("JY2026-000001").statement.name == "周晓岚"


def test_a_revoked_one_is_told_with_when_and_why(room: Room) -> None:
    room.issue()
    room.office.store.revoke("JY2026-000001", "代考", MOMENT)
    assert "编号 JY2026-000001 已在 2026-11-30 撤销（代考）" in room.issue().refused[0].line()


def test_who_left_is_there_when_named_or_asked_for(room: Room) -> None:
    account = room.book.add("7", PLACES[0], "郑调走", gone=True, track="青年干部")
    room.book.grade(account, START, 80, 15)
    room.book.grade(account, GIFTS, 90, 10)
    assert account not in {s.facts.account for s in read_standings(room.root, COURSE)}
    assert account in {s.facts.account for s in read_standings(room.root, COURSE, archived=True)}
    (named,) = read_standings(room.root, COURSE, accounts=[account])
    assert not named.missing
    assert len(issue(room.office, COMPLETION, [named], MOMENT).outcomes) == 1


class TestFiles:
    def test_one_each_and_one_for_printing_closed_to_others(self, room: Room, tmp_path: Path) -> None:
        done = [o.edition for o in room.issue(HOURS).outcomes]
        seen: list[int] = []
        made = write_files(room.office, done, tmp_path / "out", merged=True, progress=seen.append)
        assert [path.name for path in made] == [
            "XS2026-000001-周晓岚.pdf",
            "XS2026-000002-王未完.pdf",
            "XS2026-000003-赵待评.pdf",
            "学时证明-合并打印.pdf",
        ]
        assert seen == [1, 2, 3]
        assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700

    def test_each_is_recorded_and_printed_again_it_is_the_same(self, room: Room, tmp_path: Path) -> None:
        done = [o.edition for o in room.issue().outcomes]
        (path,) = write_files(room.office, done, tmp_path / "out")
        data = path.read_bytes()
        assert room.office.store.file(hashlib.sha256(data).hexdigest()) == ("JY2026-000001", 1)
        again = [o.edition for o in room.issue(now=MOMENT + timedelta(days=50)).outcomes]
        (second,) = write_files(room.office, again, tmp_path / "again")
        assert second.read_bytes() == data

    def test_a_run_that_breaks_off_keeps_its_numbers_and_what_it_wrote(
        self, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = [o.edition for o in room.issue(HOURS).outcomes]
        real, calls = issuing.replace_file, list[Path]()

        def full(path: Path, *given: object, **named: object) -> None:
            calls.append(path)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
            real(path, *given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(issuing, "replace_file", full)
        with pytest.raises(CertificateError, match="编号已经登记"):
            write_files(room.office, done, tmp_path / "out")
        first = tmp_path / "out" / "XS2026-000001-周晓岚.pdf"
        assert room.office.store.file(hashlib.sha256(first.read_bytes()).hexdigest()) == ("XS2026-000001", 1)
        assert [o.state for o in room.issue(HOURS).outcomes] == ["补打"] * 3

    def test_nobody_is_no_file_and_no_folder(self, room: Room, tmp_path: Path) -> None:
        assert write_files(room.office, [], tmp_path / "none") == ()
        assert not (tmp_path / "none").exists()

    @pytest.mark.parametrize("name", ["../../etc/passwd", "/a", "a\0b", "..", "", "CON", "名" * 200, "-rf *"])
    def test_a_name_leads_nowhere_else(self, name: str) -> None:
        made = file_name(edition(name=name))
        assert Path(made).name == made
        assert made.startswith("JY2026-000001-")
        assert made.endswith(".pdf")
        assert len(made.encode()) < 255

    def test_a_later_edition_has_a_file_of_its_own(self) -> None:
        assert file_name(edition(version=2)) == "JY2026-000001-第2版-周晓岚.pdf"


class TestKeys:
    def test_a_key_that_is_gone_is_not_made_anew_in_silence(self, room: Room) -> None:
        room.issue()
        (room.office.folder / KEY_NAME).rename(room.office.folder / "elsewhere")
        with pytest.raises(CertificateError, match=r"不在，没有签发；请从最近的备份恢复它.*key --new"):
            room.issue(HOURS)
        assert not (room.office.folder / KEY_NAME).exists()
        assert len(room.office.store.editions()) == 1

    def test_another_key_in_its_place_is_not_used(self, room: Room, tmp_path: Path) -> None:
        room.issue()
        other = Room(tmp_path / "other")
        other.pass_all("1")
        other.issue()
        (other.office.folder / KEY_NAME).replace(room.office.folder / KEY_NAME)
        with pytest.raises(CertificateError, match="不是同一把"):
            room.issue(HOURS)

    def test_a_new_one_is_made_when_asked_for_and_the_old_certificates_still_hold(self, room: Room) -> None:
        (before,) = room.issue().outcomes
        signer, kept = room.office.new_signer(MOMENT)
        assert kept is not None
        assert kept.exists()
        keys = room.office.store.keys()
        assert verify(before.edition.signed, keys) is True
        later = room.issue(HOURS).outcomes[0]
        assert later.edition.signed.key_id == signer.id != before.edition.signed.key_id
        assert verify(later.edition.signed, keys) is True


def test_the_offices_own_words_are_printed_and_their_letters_checked(room: Room) -> None:
    folder = room.root / "course" / CERTIFICATES
    folder.mkdir()
    (folder / "结业证书.yaml").write_text("标题: 证\ue123书\n正文: 【姓名】\n签发单位: 省开放大学\n", encoding="utf-8")
    with pytest.raises(CertificateError, match="证书模板里的“\ue123”字体里没有"):
        room.issue()
    assert room.office.store.editions() == ()
