"""A Chinese font of the machine, and just the glyphs that are used. The fonts here are drawn by the tests."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from pathlib import Path

import pytest
from fontTools.ttLib import TTCollection, TTFont

from qinlian.errors import FontError
from qinlian.reports import fonts
from qinlian.reports.fonts import FAMILY, SETTING, find_font, font_faces, subset_font
from tests.drawn_fonts import draw


@pytest.fixture(autouse=True)
def nothing_remembered():
    fonts._found.cache_clear()
    fonts._faces.cache_clear()
    yield
    fonts._found.cache_clear()
    fonts._faces.cache_clear()


def keep(font: TTFont, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    font.save(path)
    return path


def collect(path: Path, *faces: TTFont) -> Path:
    bound = TTCollection()
    bound.fonts = list(faces)
    bound.save(str(path))
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of fonts that there is."""
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setattr(fonts, "_system_folders", lambda: [tmp_path / "fonts"])
    return tmp_path / "fonts"


def test_a_named_file_goes_before_the_fonts_of_the_machine(machine: Path, tmp_path: Path, monkeypatch) -> None:
    keep(draw("Noto Sans CJK SC"), machine / "NotoSansCJKsc-Regular.otf")
    own = keep(draw("单位自备"), tmp_path / "own.ttf")
    monkeypatch.setenv(SETTING, str(own))
    assert find_font() == find_font("bold")
    assert find_font().path == own


def test_a_folder_that_is_named_is_searched_for_the_weight(machine: Path, tmp_path: Path, monkeypatch) -> None:
    keep(draw("自备 SC"), tmp_path / "own/light.ttf")
    keep(draw("自备 SC", 700), tmp_path / "own/heavy.ttf")
    monkeypatch.setenv(SETTING, str(tmp_path / "own"))
    assert (find_font("regular").path.name, find_font("bold").path.name) == ("light.ttf", "heavy.ttf")


def test_the_simplified_face_of_a_collection_is_taken(machine: Path) -> None:
    machine.mkdir()
    names = ("Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK SC", "Noto Sans Mono CJK SC")
    path = collect(machine / "NotoSansCJK-Regular.ttc", *map(draw, names))
    found = find_font()
    assert (found.path, found.index, found.name) == (path, 2, "Noto Sans CJK SC")


def test_text_and_headings_are_of_one_family(machine: Path) -> None:
    keep(draw("WenQuanYi Zen Hei"), machine / "wqy-zenhei.ttf")
    keep(draw("SimHei", 700), machine / "simhei.ttf")
    assert find_font("bold").name == "WenQuanYi Zen Hei"


@pytest.mark.parametrize(
    "useless",
    [
        draw("Noto Sans CJK SC", rights=0x0002),
        draw("Noto Sans CJK SC", rights=0x0100),
        draw("Noto Sans CJK SC", text="一二三"),
    ],
    ids=["must not be embedded", "must not be subset", "has no simplified characters"],
)
def test_a_font_that_cannot_serve_is_passed_over(machine: Path, useless: TTFont) -> None:
    keep(useless, machine / "NotoSansCJKsc-Regular.otf")
    keep(draw("SimSun"), machine / "simsun.ttf")
    assert find_font().name == "SimSun"


def test_a_broken_font_file_is_passed_over(machine: Path) -> None:
    machine.mkdir()
    (machine / "NotoSansSC-Regular.otf").write_bytes(b"ttcf" + b"\xff" * 90)
    (machine / "NotoSansCJK-Regular.ttc").write_bytes(b"")
    keep(draw("SimSun"), machine / "simsun.ttf")
    assert find_font().name == "SimSun"


def test_without_any_font_the_sentence_says_what_to_install(machine: Path) -> None:
    with pytest.raises(FontError, match=r"fonts-noto-cjk.*QINLIAN_FONT"):
        find_font()


def test_a_setting_that_names_nothing_is_told_and_not_passed_over(machine: Path, tmp_path: Path, monkeypatch) -> None:
    keep(draw("SimSun"), machine / "simsun.ttf")
    monkeypatch.setenv(SETTING, str(tmp_path / "missing.ttf"))
    with pytest.raises(FontError, match=r"missing\.ttf 不存在"):
        find_font()
    monkeypatch.setenv(SETTING, str(keep(draw("Latin", text="abc"), tmp_path / "latin.ttf")))
    with pytest.raises(FontError, match="没有可以嵌入的简体中文字体"):
        find_font()


def test_a_subset_holds_the_glyphs_that_are_used_and_no_others(machine: Path) -> None:
    keep(draw("SimSun"), machine / "simsun.ttf")
    data = subset_font(find_font(), "学学堂𠮷A", web=False)
    assert sorted(map(chr, TTFont(io.BytesIO(data)).getBestCmap())) == ["堂", "学"]


def test_the_same_text_gives_the_same_bytes(machine: Path) -> None:
    keep(draw("SimSun"), machine / "simsun.ttf")
    first = subset_font(find_font(), "学堂")
    subset_font.cache_clear()
    assert subset_font(find_font(), "学堂") == first
    assert first[:4] == b"wOF2"


def test_the_rules_carry_the_font_and_name_no_other_place(machine: Path) -> None:
    keep(draw("自备 SC"), machine / "notosanssc-regular.ttf")
    keep(draw("自备 SC", 700), machine / "notosanssc-bold.ttf")
    css = font_faces("学堂单位", "学堂")
    assert css.count("@font-face") == 2
    assert css.count(FAMILY) == 2
    addresses = re.findall(r"url\(([^)]*)\)", css)
    assert all(a.startswith("data:font/woff2;base64,") for a in addresses)
    held = [TTFont(io.BytesIO(b64decode(a.partition(",")[2]))).getBestCmap() for a in addresses]
    assert [len(cmap) for cmap in held] == [4, 2]


def test_a_family_without_a_heavy_face_leaves_that_to_the_browser(machine: Path) -> None:
    keep(draw("SimSun"), machine / "simsun.ttf")
    assert font_faces("学堂", "学").count("@font-face") == 1
