"""The class report in a real browser: on a desk, on a phone and on paper, and nothing is fetched for it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, Request

from qinlian.reports.fonts import FAMILY
from qinlian.reports.page.gather import gather
from qinlian.reports.page.render import render
from tests.drawn_fonts import draw
from tests.e2e.classroom import ARTEFACTS, CHROMIUM_FLAGS, DESKTOP, PHONE, picture, violations
from tests.report_room import COURSE, report_room

pytestmark = pytest.mark.e2e

LARGEST = 600_000
"""Bytes of the page of a demonstration class: what a phone on a slow line still opens at once."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    path = folder / "报表.html"
    path.write_text(render(gather(report_room(folder).root, COURSE)).html, encoding="utf-8")
    return path


@pytest.fixture
def asked() -> list[str]:
    """Every address that the page asked for."""
    return []


@pytest.fixture
def said() -> list[str]:
    """Everything that the browser complained of."""
    return []


@pytest.fixture
def page(chromium: Browser, report: Path, asked: list[str], said: list[str]) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, locale="zh-CN")  # type: ignore[arg-type]
    opened = context.new_page()

    def note(request: Request) -> None:
        asked.append(request.url)

    opened.on("request", note)
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(report.as_uri())
    opened.evaluate("document.fonts.ready")
    yield opened
    context.close()


def test_nothing_is_asked_for_but_the_file_itself(page: Page, report: Path, asked: list[str], said: list[str]) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.wait_for_timeout(300)
    assert [url for url in asked if not url.startswith("data:font/woff2;")] == [report.as_uri()]
    assert said == []


def test_it_is_light(report: Path) -> None:
    assert report.stat().st_size < LARGEST


def test_its_own_font_is_used_for_every_letter(page: Page) -> None:
    assert page.evaluate(f"document.fonts.check('16px \"{FAMILY}\"', '学习情况')")
    faces = page.evaluate("[...document.fonts].map(face => [face.family, face.weight, face.status])")
    assert {(family.strip('"'), status) for family, _, status in faces} == {(FAMILY, "loaded")}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_nothing_runs_off_the_side(page: Page, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_it_is_accessible(page: Page, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert violations(page) == []


def test_a_unit_opens_and_closes_with_the_keyboard(page: Page) -> None:
    county = page.locator("details", has=page.locator("> summary", has_text="南屏县")).last
    street = county.get_by_text("南屏街道办事处")
    assert street.is_visible()
    county.locator("> summary").focus()
    page.keyboard.press("Enter")
    assert not street.is_visible()
    page.keyboard.press("Enter")
    assert street.is_visible()


def test_what_is_printed_is_unfolded_on_whole_pages(page: Page, tmp_path: Path) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false })")
    path = tmp_path / "报表.pdf"
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    document = pypdfium2.PdfDocument(path)
    ARTEFACTS.mkdir(exist_ok=True)
    texts = []
    for number, sheet in enumerate(document):
        assert [round(points / 72 * 25.4) for points in sheet.get_size()] == [210, 297]
        texts.append(sheet.get_textpage().get_text_range())
        sheet.render(scale=1.5).to_pil().save(ARTEFACTS / f"class-report-{number + 1}.png")
    whole = "".join(texts)
    assert "南屏街道办事处" in whole
    assert "数据从哪里来" not in whole
    for text in texts:
        # No page ends with a heading that has nothing under it.
        last = [line.strip() for line in text.splitlines() if line.strip()][-1]
        assert last not in page.locator("h2").all_inner_texts()


def test_pictures(page: Page) -> None:
    picture(page, "class-report")
    for name in ("units", "scores", "topics", "items", "risks"):
        picture(page, f"class-report-{name}", page.locator(f"#{name} > h2"))


def drawn(browser: Browser, report: Path, folder: Path, fonts: tuple[str, ...]) -> bytes:
    """The page as it looks on a machine with those folders of fonts, and one small Latin font besides."""
    latin = folder / "latin"
    latin.mkdir(parents=True)
    # A browser does not start well where there is no font at all.
    draw("Latin", text="".join(map(chr, range(33, 127)))).save(latin / "latin.ttf")
    places = "".join(f"<dir>{place}</dir>" for place in (latin, *fonts))
    (folder / "fonts.conf").write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
        f"<fontconfig>{places}<cachedir>{folder / 'cache'}</cachedir></fontconfig>"
    )
    opened = browser.browser_type.launch(
        executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
        args=CHROMIUM_FLAGS,
        env={**os.environ, "FONTCONFIG_FILE": str(folder / "fonts.conf")},
    )
    page = opened.new_page(viewport=DESKTOP)  # type: ignore[arg-type]
    page.goto(report.as_uri())
    page.evaluate("Promise.all([...document.fonts].map(face => face.load())).then(() => 0)")
    page.wait_for_timeout(300)
    picture = page.screenshot(full_page=True)
    opened.close()
    return picture


def test_where_no_chinese_font_is_installed_it_looks_the_same(chromium: Browser, report: Path, tmp_path: Path) -> None:
    with_fonts = drawn(chromium, report, tmp_path / "with", ("/usr/share/fonts",))
    without = drawn(chromium, report, tmp_path / "without", ())
    ARTEFACTS.mkdir(exist_ok=True)
    (ARTEFACTS / "class-report-no-fonts.png").write_bytes(without)
    assert without == with_fonts


def test_no_address_stands_in_it(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    assert re.findall(r"(?:https?:)?//[\w.]+", re.sub(r"data:font/woff2;base64,[\w+/=]+", "", html)) == []
