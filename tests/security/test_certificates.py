"""Whoever forges, tampers, swaps keys or pastes another's code is found out; the private key is found nowhere."""

from __future__ import annotations

import base64
import logging
import re
import sys
import tempfile
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import delete, insert

from qinlian import cli
from qinlian.authoring.certificates import CERTIFICATES
from qinlian.errors import CertificateError, QinlianError
from qinlian.reports.certificates.checking import Checker, statements_in_pdf
from qinlian.reports.certificates.issuing import write_files
from qinlian.reports.certificates.keys import KEY_NAME, make_key
from qinlian.reports.certificates.page import revocation_list, verify_page
from qinlian.reports.certificates.printing import Printer
from qinlian.reports.certificates.seeing import texts_in_image
from qinlian.reports.certificates.statement import find_text, sign
from qinlian.reports.certificates.store import Revocation
from qinlian.reports.certificates.tables import EDITION, KEY
from tests.certificate_room import COMPLETION, HOURS, MOMENT, Room, edition, signer, statement

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    made = Room(tmp_path)
    made.pass_all("1")
    made.pass_all("2", name="李明")
    return made


@pytest.fixture
def issued(room: Room, tmp_path: Path) -> list[Path]:
    return list(write_files(room.office, [o.edition for o in room.issue().outcomes], tmp_path / "out"))


def text_of(path: Path) -> str:
    (text,) = statements_in_pdf(path.read_bytes())
    return text


class TestForgeries:
    def test_made_with_a_key_of_ones_own(self, room: Room, issued: list[Path]) -> None:
        verdict = Checker(room.office.store).text(edition(seed=9).signed.text)
        assert verdict.answer == "不是本单位签发"
        assert any("没有经过核实" in note for note in verdict.notes)

    def test_under_our_keys_name(self, room: Room, issued: list[Path]) -> None:
        ours = find_text(text_of(issued[0])).key_id
        verdict = Checker(room.office.store).text(sign(statement(), ours, signer(9).key))
        assert (verdict.answer, verdict.signed) == ("被改动", None)

    def test_with_the_signature_of_another_certificate(self, room: Room, issued: list[Path]) -> None:
        mine, other = map(text_of, issued)
        mixed = mine.rpartition("|")[0] + "|" + other.rpartition("|")[2]
        assert Checker(room.office.store).text(mixed).answer == "被改动"

    def test_with_the_list_of_revocations_as_a_certificate(self, room: Room, issued: list[Path]) -> None:
        key = room.office.signer(MOMENT)
        line = revocation_list([Revocation("JY2026-000001", 1, MOMENT, "")], MOMENT.date(), key)
        with pytest.raises(CertificateError):
            Checker(room.office.store).text(line)
        assert Checker(room.office.store).text(line.replace("QLR1", "QL1")).answer == "被改动"

    def test_signed_with_a_stolen_key_but_never_registered(self, room: Room, issued: list[Path]) -> None:
        key = room.office.signer(MOMENT)
        for forged in (statement(number="JY2026-000099", name="冒名"), statement(name="冒名"), statement(version=7)):
            assert Checker(room.office.store).text(sign(forged, key.id, key.key)).answer == "没有登记"

    def test_with_a_key_that_was_put_into_the_record_it_is_still_not_registered(self, room: Room) -> None:
        room.issue()
        other = signer(9)
        with room.book.engine.begin() as connection:
            connection.execute(
                insert(KEY).values(id=other.id, public=other.public, made_at=MOMENT.replace(tzinfo=None))
            )
        assert Checker(room.office.store).text(edition(seed=9).signed.text).answer == "没有登记"


class TestTampering:
    def test_a_pdf_whose_words_were_changed_is_not_the_original(self, room: Room, issued: list[Path]) -> None:
        changed = issued[0].read_bytes() + b"\n% one more line\n"
        (verdict,) = Checker(room.office.store).pdf(changed)
        assert verdict.answer == "有效"
        assert "这个文件不是签发的原件" in verdict.notes[0]
        assert any("逐项核对" in note for note in verdict.notes)

    def test_anothers_statement_in_my_pdf_shows_the_others_name(self, room: Room, issued: list[Path]) -> None:
        mine, other = (path.read_bytes() for path in issued)
        before, after = (text_of(path).encode() for path in issued)
        pasted = mine.replace(before, after)
        assert pasted != mine
        assert pasted != other
        (verdict,) = Checker(room.office.store).pdf(pasted)
        assert verdict.signed is not None
        assert verdict.signed.statement.name == "李明"
        assert "这个文件不是签发的原件" in verdict.notes[0]

    def test_a_changed_field_inside_the_pdf(self, room: Room, issued: list[Path]) -> None:
        data = issued[0].read_bytes()
        changed = data.replace(b"|3.5|", b"|9.5|")
        assert changed != data
        (verdict,) = Checker(room.office.store).pdf(changed)
        assert verdict.answer == "被改动"

    def test_revoked_is_revoked_in_every_form(self, room: Room, issued: list[Path]) -> None:
        text = text_of(issued[0])
        room.office.store.revoke(find_text(text).statement.number, "代考", MOMENT)
        checker = Checker(room.office.store)
        assert checker.text(text).answer == "已撤销"
        assert [v.answer for v in checker.pdf(issued[0].read_bytes())] == ["已撤销"]
        assert checker.text(text_of(issued[1])).answer == "有效"

    def test_an_edition_that_is_gone_from_the_record_is_not_registered(self, room: Room, issued: list[Path]) -> None:
        text = text_of(issued[0])
        with room.book.engine.begin() as connection:
            connection.execute(delete(EDITION).where(EDITION.c.number == find_text(text).statement.number))
        assert Checker(room.office.store).text(text).answer == "没有登记"


class TestPictures:
    """With the programs that read pictures, where they are installed."""

    @pytest.fixture(autouse=True)
    def programs(self) -> None:
        pytest.importorskip("zxingcpp")

    def picture(self, path: Path, to: Path) -> Path:
        import pypdfium2

        with pypdfium2.PdfDocument(path) as document:
            document[0].render(scale=200 / 72).to_pil().convert("RGB").save(to)
        return to

    def test_a_scan_is_read_and_compared_by_people(self, room: Room, issued: list[Path], tmp_path: Path) -> None:
        for name in ("scan.png", "scan.jpg"):
            (verdict,) = Checker(room.office.store).file(self.picture(issued[0], tmp_path / name))
            assert verdict.answer == "有效"
            assert "贴了别人的二维码" in verdict.notes[-1]

    def test_a_scanned_pdf_too(self, room: Room, issued: list[Path], tmp_path: Path) -> None:
        from PIL import Image

        with Image.open(self.picture(issued[0], tmp_path / "scan.png")) as opened:
            opened.save(tmp_path / "scan.pdf", resolution=200)
        (verdict,) = Checker(room.office.store).file(tmp_path / "scan.pdf")
        assert verdict.answer == "有效"

    def test_enormous_and_broken_pictures_are_refused_in_words(self, tmp_path: Path) -> None:
        from PIL import Image

        made = tmp_path / "huge.png"
        Image.new("1", (20_000, 20_000)).save(made)
        for data in (made.read_bytes(), b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"\xff\xd8\xff\xe0 nothing"):
            with pytest.raises(CertificateError):
                texts_in_image(data)


def test_without_the_programs_that_read_pictures_the_way_out_is_said(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    Image.new("RGB", (60, 60), "white").save(tmp_path / "a.png")
    with pytest.raises(CertificateError, match="请用核验页"):
        Checker(room.office.store).file(tmp_path / "a.png")


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"QL1|" * 200_000,
        b"%PDF-1.7\n" + b"QL1|a|b|c" * 100_000,
        b"%PDF-1.7\n" + Random(1).randbytes(100_000),
        b"%PDF-1.7\n" + b"QL1|" + b"x" * 2_000_000,
    ],
)
def test_hostile_pdfs_are_answered_in_words(room: Room, data: bytes) -> None:
    # Of such a size that a search which begins anew at every letter would go on for hours.
    with pytest.raises(CertificateError):
        Checker(room.office.store).pdf(data)


class TestTheKey:
    def secrets(self, room: Room) -> set[bytes]:
        """The private half in the forms in which it could be written somewhere."""
        raw = room.office.signer(MOMENT).key.private_bytes_raw()
        pem = (room.office.folder / KEY_NAME).read_bytes().splitlines()[1]
        return {raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw)[:-1], pem}

    def test_it_is_in_one_file_and_in_nothing_else_that_is_written(
        self, room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for kind in (COMPLETION, HOURS):
            write_files(room.office, [o.edition for o in room.issue(kind).outcomes], tmp_path / "out", merged=True)
        key = room.office.signer(MOMENT)
        page = verify_page("勤廉学堂", room.office.store.keys(), (), key, MOMENT)
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        (tmp_path / "log").write_text(caplog.text, encoding="utf-8")
        found = {
            path.relative_to(tmp_path).as_posix()
            for path in tmp_path.rglob("*")
            if path.is_file() and any(secret in path.read_bytes() for secret in self.secrets(room))
        }
        assert found == {f"repository/.classroom/certificates/{KEY_NAME}"}

    def test_no_command_prints_it_not_even_in_a_report_of_a_fault(
        self, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        room.issue()
        secrets = self.secrets(room)

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("something nobody thought of")

        for command, fault in (
            ("key", ""),
            ("list", ""),
            ("key", "qinlian.reports.certificates.store.CertificateStore.add_key"),
        ):
            with monkeypatch.context() as patched:
                if fault:
                    patched.setattr(fault, broken)
                patched.setattr("sys.argv", ["qinlian", "certificate", command, "--root", str(room.root)])
                with pytest.raises(SystemExit) as ended:
                    cli.main()
            assert bool(ended.value.code) is bool(fault), command
        said = capfdbinary.readouterr()
        logs = [path.read_bytes() for path in (room.root / ".classroom" / "logs").glob("*.log")]
        assert logs
        for secret in secrets:
            assert all(secret not in text for text in (said.out, said.err, *logs))

    def test_git_does_not_take_it(self) -> None:
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        assert ".classroom/" in ignored

    def test_no_file_of_this_repository_is_a_private_key(self) -> None:
        for folder in ("qinlian", "course", "release", "source"):
            for path in (ROOT / folder).rglob("*"):
                if path.is_file() and path.suffix in (".pem", ".key", ".yaml", ".json", ".typ", ".js", ".txt"):
                    assert b"PRIVATE KEY" not in path.read_bytes(), path

    def test_a_folder_that_others_could_enter_is_closed(self, tmp_path: Path) -> None:
        (tmp_path / "c").mkdir(mode=0o777)
        make_key(tmp_path / "c")
        assert (tmp_path / "c").stat().st_mode & 0o077 == 0


class TestReach:
    """Nothing of the office reaches a learner, and nothing of the course gets into a certificate."""

    @pytest.mark.parametrize("folder", ["source", "release"])
    def test_no_template_is_built_or_released(self, folder: str) -> None:
        names = [path.name for path in (ROOT / folder).rglob("*")]
        assert names
        assert not [name for name in names if CERTIFICATES in name or name.endswith((".typ", ".pem"))]

    @pytest.mark.parametrize("name", ["../../secret.txt", "/etc/passwd", "../secret.txt", "secret.txt", "链.svg"])
    def test_no_layout_reads_beyond_its_folder(self, room: Room, tmp_path: Path, name: str) -> None:
        folder = room.root / "course" / CERTIFICATES
        folder.mkdir()
        (room.root / "course" / "secret.txt").write_text("极密文字")
        (folder / "链.svg").symlink_to(room.root / "course" / "secret.txt")
        (folder / "结业证书.yaml").write_text(
            "标题: 证书\n正文: 【姓名】\n签发单位: 甲\n版式: 我.typ\n", encoding="utf-8"
        )
        (folder / "我.typ").write_text(f'#let certificate(c) = read("{name}")', encoding="utf-8")
        with pytest.raises(QinlianError) as caught:
            write_files(room.office, [o.edition for o in room.issue().outcomes], tmp_path / "out")
        assert "极密文字" not in str(caught.value)
        assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize("fails", [False, True])
def test_what_typst_worked_on_is_gone_afterwards(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    (tmp_path / "passing").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "passing"))
    done = [o.edition for o in room.issue().outcomes]
    if fails:
        monkeypatch.setattr(Printer, "_family_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_files(room.office, done, tmp_path / "out")
    else:
        write_files(room.office, done, tmp_path / "out")
    assert list((tmp_path / "passing").iterdir()) == []


def test_the_page_holds_public_keys_and_numbers_only() -> None:
    key = signer()
    page = verify_page(
        "勤廉</script><script>alert(1)</script>",
        {key.id: key.public},
        [Revocation("JY2026-000001", 1, MOMENT, "张三代考")],
        key,
        MOMENT,
    )
    assert "张三" not in page
    assert page.count("<script") == 2
    assert re.search(r"default-src 'none'", page)
