"""The PDFs: every font inside, every letter to be read out again, a code that a camera reads, nothing that fits not."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from qinlian.authoring.certificates import CERTIFICATES
from qinlian.errors import CertificateError, FontError
from qinlian.reports import fonts
from qinlian.reports.certificates.checking import statements_in_pdf
from qinlian.reports.certificates.printing import MOST_BYTES, Printer, code_image, code_side
from qinlian.reports.certificates.store import Edition
from qinlian.reports.certificates.wording import wording_of
from tests.certificate_room import COMPLETION, HOURS, edition

pytestmark = pytest.mark.slow

HOSTILE = (
    "#panic()",
    '#read("/etc/passwd")',
    "$x^2$",
    "\\",
    "]",
    "[*粗*]",
    "<标>",
    "// 注释",
    "/* 注 */",
    '"); #panic("',
    "#{ while true {} }",
    "@preview",
    "`raw`",
    "= 标题",
)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "course" / CERTIFICATES).mkdir(parents=True)
    return tmp_path / "course"


@pytest.fixture
def printer(course: Path) -> Iterator[Printer]:
    with Printer(wording_of(course, COMPLETION), COMPLETION, course) as made:
        yield made


def printed(course: Path, kind: str, *editions: Edition) -> bytes:
    with Printer(wording_of(course, kind), kind, course) as printer:
        return printer.pdf(editions)


def words(data: bytes) -> str:
    """All text of the file as somebody would copy it out, without blanks."""
    with pypdfium2.PdfDocument(data) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def pages(data: bytes) -> int:
    with pypdfium2.PdfDocument(data) as document:
        return len(document)


def read_code(data: bytes) -> str:
    """The code on the first page, as a camera sees it; nothing else may lie on it."""
    zxingcpp = pytest.importorskip("zxingcpp")
    with pypdfium2.PdfDocument(data) as document:
        picture = document[0].render(scale=200 / 72).to_pil().convert("L")
    (code,) = zxingcpp.read_barcodes(picture)
    return str(code.text)


def faces(data: bytes) -> dict[str, bool]:
    """The name of every font that a text of the file is set in → whether it is inside the file."""
    found: dict[str, bool] = {}
    with pypdfium2.PdfDocument(data) as document:
        for page in document:
            for thing in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=20):
                font = pdfium.FPDFTextObj_GetFont(thing.raw)
                size = pdfium.FPDFFont_GetBaseFontName(font, None, 0)
                name = ctypes.create_string_buffer(size)
                pdfium.FPDFFont_GetBaseFontName(font, name, size)
                found[name.value.decode()] = bool(pdfium.FPDFFont_GetIsEmbedded(font))
    return found


@pytest.mark.parametrize("kind", [COMPLETION, HOURS])
def test_every_font_is_inside_and_only_a_part_of_it(course: Path, kind: str) -> None:
    data = printed(course, kind, edition(kind=kind, modules=14))
    found = faces(data)
    assert found
    assert all(found.values()), found
    # Six capitals and a plus before its name say that a font is a subset.
    assert all(re.match(r"[A-Z]{6}\+", name) for name in found), found
    assert len(data) < 150_000


def test_its_chinese_can_be_read_out_again(course: Path) -> None:
    text = words(printed(course, COMPLETION, edition(name="欧阳䶮𬱖〇")))
    for part in (
        "结业证书",
        "欧阳䶮𬱖〇同志",
        "省开放大学青禾分校望川学习中心",
        "青年干部",
        "3.5",
        "88.5",
        "2026年11月30日",
    ):
        assert part in text, part


def test_a_record_of_hours_has_every_module_and_the_sums(course: Path) -> None:
    data = printed(course, HOURS, edition(kind=HOURS, number="XS2026-000001", modules=14, hours=28.0))
    assert pages(data) == 1
    text = words(data)
    assert all(f"第{n}模块" in text for n in range(1, 15))
    assert "合计2828" in text


def test_many_modules_go_on_with_the_heading_repeated(course: Path) -> None:
    data = printed(course, HOURS, edition(kind=HOURS, modules=60))
    assert pages(data) == 2
    assert words(data).count("应修学时") == 2
    assert "第60模块" in words(data)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", [COMPLETION, HOURS])
def test_no_name_is_ever_code(course: Path, kind: str, hostile: str) -> None:
    text = words(printed(course, kind, edition(kind=kind, name=hostile, unit=hostile, track=hostile, course=hostile)))
    assert text.count(re.sub(r"\s", "", unicodedata.normalize("NFKC", hostile))) >= 3


def test_the_longest_names_and_units_of_a_roster_fit_on_the_one_page(course: Path) -> None:
    said = edition(
        name="阿卜杜热西提·" * 9, unit="/".join(["省开放大学" * 15] * 4)[:300], track="对象" * 50, course="课程" * 30
    )
    data = printed(course, COMPLETION, said)
    assert pages(data) == 1
    text = words(data)
    assert "阿卜杜热西提·" * 9 in text
    assert read_code(data) == said.signed.text
    assert said.statement.unit.replace("/", "") in text


@pytest.mark.parametrize("orientation", ["横向", "纵向"])
@pytest.mark.parametrize("kind", [COMPLETION, HOURS])
def test_the_code_is_read_from_the_page_however_long_the_issuer(course: Path, kind: str, orientation: str) -> None:
    text = f"标题: {kind}\n正文: 【姓名】\n签发单位: {'省开放大学' * 15}\n纸张: {orientation}\n核验说明: {'长' * 60}\n"
    (course / CERTIFICATES / f"{kind}.yaml").write_text(text, encoding="utf-8")
    said = edition(kind=kind)
    data = printed(course, kind, said)
    assert pages(data) == 1
    assert read_code(data) == said.signed.text


@pytest.mark.parametrize("orientation", ["横向", "纵向"])
def test_the_longest_words_that_may_be_written_fit_too(course: Path, orientation: str) -> None:
    text = f"标题: {'证' * 16}\n正文: {'【姓名】【单位】' + '字' * 790}\n签发单位: {'省' * 80}\n纸张: {orientation}\n"
    (course / CERTIFICATES / "结业证书.yaml").write_text(text, encoding="utf-8")
    said = edition(name="名" * 64, unit="单" * 300)
    data = printed(course, COMPLETION, said)
    assert pages(data) == 1
    assert words(data).count("字") == 790
    assert read_code(data) == said.signed.text


@pytest.mark.parametrize("orientation", ["横向", "纵向"])
@pytest.mark.parametrize("kind", [COMPLETION, HOURS])
def test_both_orientations_are_a4(course: Path, kind: str, orientation: str) -> None:
    words_of = f"标题: {kind}\n正文: 【姓名】\n签发单位: 省开放大学\n纸张: {orientation}\n颜色: 蓝色\n"
    (course / CERTIFICATES / f"{kind}.yaml").write_text(words_of, encoding="utf-8")
    with pypdfium2.PdfDocument(printed(course, kind, edition(kind=kind))) as document:
        size = tuple(round(side) for side in document[0].get_size())
    assert size == ((842, 595) if orientation == "横向" else (595, 842))


def test_the_same_certificate_is_the_same_to_the_byte_in_another_run(course: Path) -> None:
    said = edition()
    first = printed(course, COMPLETION, said)
    assert printed(course, COMPLETION, said) == first
    assert printed(course, COMPLETION, replace(said, issued_at=said.issued_at.replace(year=2030))) == first
    assert b"2026-11-30T00:00:00" in first


def test_it_carries_what_is_signed_where_a_program_finds_it(course: Path) -> None:
    said = edition(name="周<&>|%", unit="甲,乙;丙")
    assert statements_in_pdf(printed(course, COMPLETION, said)) == [said.signed.text]


def test_merged_for_printing_has_a_page_each_in_order(course: Path) -> None:
    said = [edition(name=name, number=f"JY2026-{n:06d}") for n, name in enumerate(("甲某", "乙某", "丙某"), 1)]
    data = printed(course, COMPLETION, *said)
    with pypdfium2.PdfDocument(data) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    assert [name for name, text in zip(("甲某", "乙某", "丙某"), texts, strict=True) if name in text] == [
        "甲某",
        "乙某",
        "丙某",
    ]
    assert statements_in_pdf(data) == []
    many = [edition(kind=HOURS, number=f"XS2026-{n:06d}", modules=3) for n in range(1, 4)]
    assert pages(printed(course, HOURS, *many)) == 3


def test_a_whole_class_fits_into_one_file_for_printing(course: Path) -> None:
    said = [edition(number=f"JY2026-{n:06d}") for n in range(1, 201)]
    assert pages(printed(course, COMPLETION, *said)) == 200


def test_a_later_edition_says_so(course: Path) -> None:
    assert "第2版(补发)" in words(printed(course, COMPLETION, edition(version=2)))
    hours = words(printed(course, HOURS, edition(kind=HOURS, version=3)))
    assert "第3版" in hours
    assert "补发" not in hours


def test_a_letter_without_a_glyph_is_told_before_anything_is_printed(printer: Printer) -> None:
    assert printer.lacking(["周晓岚 䶮𬱖㛃〇·", "ABC 1.5%\n\u3000"]) == ""
    assert printer.lacking(["孙\U0010abcd", "\ue123李"]) == "\U0010abcd\ue123"
    # A selector chooses another shape of the letter before it and has no shape itself.
    assert printer.lacking(["葛\U000e0101"]) == ""


def test_without_a_chinese_font_the_way_out_is_said(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_system_folders", lambda: [course])
    monkeypatch.delenv("QINLIAN_FONT", raising=False)
    fonts._found.cache_clear()
    with pytest.raises(FontError, match=r"fonts-noto-cjk.*QINLIAN_FONT"):
        Printer(wording_of(course, COMPLETION), COMPLETION, course)
    fonts._found.cache_clear()


def test_a_font_that_is_named_is_taken(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sans = fonts.find_font("bold")
    monkeypatch.setenv("QINLIAN_FONT", str(sans.path))
    assert all("Sans" in name for name in faces(printed(course, COMPLETION, edition())))


class TestLayouts:
    """An office's own layout, seal and logo."""

    def own(self, course: Path, layout: str, more: str = "") -> None:
        folder = course / CERTIFICATES
        (folder / "结业证书.yaml").write_text(
            f"标题: 证书\n正文: 【姓名】\n签发单位: 甲\n版式: 我的.typ\n{more}", encoding="utf-8"
        )
        (folder / "我的.typ").write_text(layout, encoding="utf-8")

    def test_it_is_used_and_gets_what_ours_gets(self, course: Path) -> None:
        self.own(course, '#let certificate(c) = [姓名是 #c.values.姓名，编号 #c.number，#c.at("qr-side")]')
        assert "姓名是周晓岚,编号JY2026-000001" in words(printed(course, COMPLETION, edition()))

    @pytest.mark.parametrize(
        "layout",
        [
            "#let certificate(c) = c.nothing",
            "#let certificate(c) = [",
            "#let other = 1",
            '#let certificate(c) = read("../../secret.txt")',
            '#let certificate(c) = read("/etc/passwd")',
            '#import "@preview/cetz:0.3.0"\n#let certificate(c) = []',
        ],
    )
    def test_one_that_cannot_be_used_is_named_with_the_way_out(self, course: Path, layout: str) -> None:
        (course / "secret.txt").write_text("极密")
        self.own(course, layout)
        with pytest.raises(CertificateError, match=r"course/certificates/我的\.typ 有问题.*版式") as caught:
            printed(course, COMPLETION, edition())
        assert "极密" not in str(caught.value)

    def test_seal_and_logo_are_drawn(self, course: Path) -> None:
        from PIL import Image

        folder = course / CERTIFICATES
        for name, colour in (("章.png", (200, 0, 0)), ("标.png", (0, 0, 200))):
            Image.new("RGB", (80, 80), colour).save(folder / name)
        (folder / "结业证书.yaml").write_text(
            "标题: 证书\n正文: 【姓名】\n签发单位: 甲\n印章: 章.png\n标志: 标.png\n", encoding="utf-8"
        )
        with pypdfium2.PdfDocument(printed(course, COMPLETION, edition())) as document:
            picture = document[0].render(scale=1).to_pil().convert("RGB")
        colours = {colour for _, colour in picture.getcolors(1_000_000) or []}
        assert {(200, 0, 0), (0, 0, 200)} <= colours

    def test_a_picture_that_is_none_is_told(self, course: Path) -> None:
        folder = course / CERTIFICATES
        (folder / "章.png").write_bytes(b"not a picture")
        (folder / "结业证书.yaml").write_text(
            "标题: 甲\n正文: 【姓名】\n签发单位: 甲\n印章: 章.png\n", encoding="utf-8"
        )
        with pytest.raises(CertificateError, match="请检查印章和标志"):
            printed(course, COMPLETION, edition())


def test_the_code_is_large_enough_for_a_camera_and_corrects_errors() -> None:
    image, side = code_image(edition().signed.text)
    assert image.startswith("<svg")
    assert 30 <= side <= 50
    longest = edition(unit="单位" * 150, name="名" * 64).signed.text
    assert code_image(longest)[1] == 50
    assert code_side(40) == 30
    code_image("x" * (MOST_BYTES + 100))


def test_the_day_is_that_of_the_certificate(course: Path) -> None:
    assert "2027年1月5日" in words(printed(course, COMPLETION, edition(day=date(2027, 1, 5))))
