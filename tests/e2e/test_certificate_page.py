"""Checking a certificate in a browser, from a file, without a network, at a telephone's width."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from qinlian.reports.certificates.issuing import write_files
from qinlian.reports.certificates.page import verify_page
from qinlian.reports.certificates.statement import sign
from qinlian.reports.certificates.store import Edition, Revocation
from tests.certificate_room import COMPLETION, HOURS, MOMENT, Room, edition, signer, statement
from tests.e2e.certificate_page import code_of, page_over, photographed, rasterised
from tests.e2e.classroom import picture, violations
from tests.roster_room import PLACES

pytestmark = pytest.mark.e2e

KEY, OTHER = signer(), signer(2)
GONE = [Revocation("JY2026-000009", 1, MOMENT, "代考"), Revocation("JY2026-000008", 2, MOMENT, "更正")]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "核验.html"
    path.write_text(verify_page("勤廉学堂", {KEY.id: KEY.public}, GONE, KEY, MOMENT), encoding="utf-8")
    return path


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    with page_over(chromium, file) as opened:
        yield opened


def paste(page: Page, text: str) -> str:
    """Check a text; the heading of the answer."""
    page.get_by_label("粘贴扫码得到的文字").fill(text)
    page.get_by_role("button", name="核验").click()
    return page.locator("#results .card").first.inner_text()


def choose(page: Page, path: Path) -> str:
    page.get_by_label("拍下或选一张二维码的照片").set_input_files(path)
    expect(page.locator("#results")).not_to_contain_text("正在读取", timeout=60_000)
    return page.locator("#results .card").first.inner_text()


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path, quality=85)
    return path


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (edition(), "有效"),
        (edition(seed=2), "不是本单位签发"),
        (edition(number="JY2026-000009"), "已撤销"),
        (edition(number="JY2026-000008"), "已撤销"),
        (edition(number="JY2026-000008", version=2), "已撤销"),
        (edition(number="JY2026-000008", version=3), "有效"),
        (edition(day=datetime(2027, 1, 1, tzinfo=UTC).date()), "签名核对无误，是否撤销要再查"),
    ],
)
def test_a_text_is_answered(page: Page, said: Edition, answer: str) -> None:
    told = paste(page, said.signed.text)
    expect(page.locator("#results h2")).to_have_text(answer)
    assert "周晓岚" in told
    assert ("没有经过核实" in told) is (answer == "不是本单位签发")


def test_every_field_is_shown_as_it_was_signed(page: Page) -> None:
    said = edition(name="<b>孙</b>%|&amp;", unit="甲|乙/丙", score=None, track="")
    assert "有效" in paste(page, said.signed.text)
    shown = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert shown == {
        "证书": "结业证书",
        "编号": "JY2026-000001",
        "姓名": "<b>孙</b>%|&amp;",
        "单位": "甲|乙/丙",
        "课程": "勤廉学堂",
        "学时": "3.5",
        "日期": "2026-11-30",
    }


@pytest.mark.parametrize("before", ["周晓岚", "|3.5|", "JY2026-000001", "2026-11-30", "青年干部"])
def test_one_changed_letter_is_found(page: Page, before: str) -> None:
    text = edition().signed.text
    changed = text.replace(before, before[:-1] + ("9" if before[-1] != "9" else "8") if before[-1] != "|" else "|9.5|")
    assert changed != text
    assert "被改动" in paste(page, changed)
    assert page.locator("dl").count() == 0


def test_a_key_of_ones_own_under_our_keys_name_does_not_pass(page: Page) -> None:
    assert "被改动" in paste(page, sign(statement(), KEY.id, OTHER.key))


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString"])
def test_a_key_named_as_something_of_the_language_is_none(page: Page, name: str) -> None:
    assert "不是本单位签发" in paste(page, sign(statement(), name, OTHER.key))


def test_a_text_cut_short_and_one_that_is_none(page: Page) -> None:
    assert "被改动或不完整" in paste(page, edition().signed.text[:-3])
    assert "以 QL1| 开头" in paste(page, "编号 JY2026-000001")
    assert "请先粘贴" in paste(page, "")


def test_a_printed_certificate_photographed(page: Page, tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.pass_all("1", PLACES[0], "欧阳䶮")
    paths = []
    for kind in (COMPLETION, HOURS):
        paths += write_files(room.office, [o.edition for o in room.issue(kind).outcomes], tmp_path / kind)
    keys = room.office.store.keys()
    own = tmp_path / "own.html"
    own.write_text(verify_page("勤廉学堂", keys, (), room.office.signer(MOMENT), MOMENT), encoding="utf-8")
    browser = page.context.browser
    assert browser is not None
    with page_over(browser, own) as opened:
        for path in paths:
            paper = rasterised(path.read_bytes())
            for name, image in (
                ("scan.png", paper),
                ("photo.jpg", photographed(paper)),
                ("turned.jpg", paper.rotate(90, expand=True)),
            ):
                told = choose(opened, saved(image, tmp_path / f"{path.stem}-{name}"))
                assert told.startswith("有效"), (path.name, name, told)
                assert "欧阳䶮" in told
        # The file itself, as it was sent.
        assert choose(opened, paths[0]).startswith("有效")
    # The same paper at another office.
    assert "不是本单位签发" in choose(page, saved(paper, tmp_path / "elsewhere.png"))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (edition().signed.text.replace("周晓岚", "周晓风"), "被改动"),
        (edition(seed=2).signed.text, "不是本单位签发"),
        (edition(number="JY2026-000009").signed.text, "已撤销"),
    ],
)
def test_a_picture_of_a_code_that_does_not_hold(page: Page, tmp_path: Path, text: str, answer: str) -> None:
    assert answer in choose(page, saved(code_of(text), tmp_path / "code.png"))


def test_a_picture_without_a_code_and_a_file_that_is_none(page: Page, tmp_path: Path) -> None:
    assert "没有读出二维码" in choose(page, saved(Image.new("RGB", (800, 600), "white"), tmp_path / "white.png"))
    (tmp_path / "a.png").write_bytes(b"not a picture")
    assert "没有读出二维码" in choose(page, tmp_path / "a.png")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 nothing of ours")
    assert "没有读出二维码" in choose(page, tmp_path / "a.pdf")


def _changed(file: Path, before: str, after: str) -> Path:
    text = file.read_text(encoding="utf-8")
    assert before in text
    path = file.with_name("changed.html")
    path.write_text(text.replace(before, after), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("JY2026-000009:1:2026-11-30", ""),
        (",JY2026-000009:1:2026-11-30", ""),
        ("QLR1|2026-11-30", "QLR1|2029-11-30"),
        ('"revocations"', '"nothing"'),
    ],
)
def test_a_page_whose_list_was_cut_never_says_valid(chromium: Browser, file: Path, before: str, after: str) -> None:
    with page_over(chromium, _changed(file, before, after)) as page:
        expect(page.locator("#broken")).to_be_visible()
        for text in (edition().signed.text, edition(number="JY2026-000009").signed.text):
            assert paste(page, text).startswith("签名核对无误，是否撤销不能确定")


def test_it_runs_nothing_that_was_put_into_it(chromium: Browser, file: Path) -> None:
    path = _changed(
        file, "<footer>", '<script>document.title = "被改"</script><img src=x onerror="document.title=1"><footer>'
    )
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    assert page.title() == "勤廉学堂证书核验"
    context.close()


def test_it_is_sound_for_everybody(chromium: Browser, file: Path) -> None:
    for phone in (True, False):
        with page_over(chromium, file, phone=phone) as page:
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            paste(page, edition(unit="省开放大学/" + "很长的单位" * 20).signed.text)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert violations(page) == []
            picture(page, "certificate-page")
