"""A Chinese font of this machine, and just its glyphs that a page or a certificate uses.

What we hand out has to look right where no Chinese font is installed, so it carries its own. A whole font is
tens of megabytes; the glyphs of one report are a hundred kilobytes or two.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from fontTools.varLib import instancer

from qinlian.errors import FontError

__all__ = ["FAMILY", "SETTING", "FontFile", "Weight", "find_font", "font_faces", "subset_font"]

Weight = Literal["regular", "bold"]

FAMILY = "Qinlian Sans"
"""The family's name in the style sheets that ``font_faces`` makes."""

SETTING = "QINLIAN_FONT"
"""Environment variable: a font file, or a folder of them, that is taken in the place of the system's."""

_WEIGHTS: dict[Weight, int] = {"regular": 400, "bold": 700}
_HEAVY = 600
_FAMILIES = (
    # Most wanted first: made for screens and paper, all of GB 18030, free to be embedded.
    "notosanscjksc",
    "notosanscjk",
    "notosanssc",
    "sourcehansanssc",
    "sourcehansanscn",
    "sourcehansans",
    "wqy-microhei",
    "wqy-zenhei",
    "pingfang",
    "hiraginosansgb",
    "stheiti",
    "msyh",
    "deng",
    "simhei",
    "notoserifcjk",
    "sourcehanserif",
    "songti",
    "simsun",
    "droidsansfallback",
)
"""How the file names of Chinese fonts begin, small letters without blanks."""
_SERIF = ("notoserif", "sourcehanserif", "songti", "simsun")
_SIMPLIFIED = re.compile(r"\b(SC|CN|GB|Sans)\b|YaHei|Zen Hei|Micro Hei|SimHei|SimSun|DengXian", re.IGNORECASE)
_OTHER_SCRIPTS = re.compile(r"\b(JP|KR|TC|HK|TW|MO)\b|\bMono\b|\bUI\b", re.IGNORECASE)
_SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
_PROBE = "勤廉学堂单位县办发"
"""A font without these is none for simplified Chinese."""
_NO_EMBEDDING, _NO_SUBSETTING = 0x0002, 0x0100
_UNUSED = ["BASE", "VORG", "vhea", "vmtx", "DSIG", "GPOS", "GSUB", "GDEF", "STAT"]
"""Tables that a page set left to right in one language has no use for; they weigh more than the glyphs."""


@dataclass(frozen=True)
class FontFile:
    """One face: ``index`` is its number in a collection (.ttc), 0 in any other file."""

    path: Path
    index: int
    name: str
    """As the font calls itself, for people."""
    weight: int
    """400 is regular, 700 is bold; of a variable font, where it stands when nothing is chosen."""


@lru_cache(maxsize=8)
def _found(weight: Weight, setting: str, serif: bool) -> FontFile:
    if setting:
        place = Path(setting).expanduser()
        if not place.exists():
            raise FontError(f"{SETTING} 指向的 {place} 不存在；请改成一个中文字体文件，或者去掉这个设置")
        files = _files([place]) if place.is_dir() else [place]
        faces = [face for file in files for face in _faces(file)]
        if not faces:
            raise FontError(f"{SETTING} 指向的 {place} 里没有可以嵌入的简体中文字体；请换一个 .ttf、.otf 或 .ttc 文件")
        return _closest(faces, weight)
    files = _files(_system_folders())
    for family in sorted(_FAMILIES, key=lambda name: serif != name.startswith(_SERIF)):
        faces = [face for file in files if _plain_name(file).startswith(family) for face in _faces(file)]
        if faces:
            return _closest(faces, weight)
    raise FontError(
        "这台机器上没有找到中文字体；请安装一种（Debian、Ubuntu：apt install fonts-noto-cjk），"
        f"或者用环境变量 {SETTING} 指明一个字体文件"
    )


def find_font(weight: Weight = "regular", *, serif: bool = False) -> FontFile:
    """The best face for simplified Chinese on this machine, of that weight if its family has one.

    The families come before the weights: text and headings never are of two families. With ``serif`` those in the
    manner of 宋体 come first. A font whose licence forbids embedding is passed over. Raises FontError where
    there is none, or where ``QINLIAN_FONT`` names none.
    """
    return _found(weight, os.environ.get(SETTING, ""), serif)


def _closest(faces: Iterable[FontFile], weight: Weight) -> FontFile:
    return min(faces, key=lambda f: (abs(f.weight - _WEIGHTS[weight]), f.path.name, f.index))


def _plain_name(file: Path) -> str:
    return file.name.lower().replace(" ", "")


def _system_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", local / "Microsoft/Windows/Fonts"]
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return [data / "fonts", home / ".fonts", Path("/usr/local/share/fonts"), Path("/usr/share/fonts")]


def _files(folders: Iterable[Path]) -> list[Path]:
    return [
        Path(at, name)
        for folder in folders
        for at, _, names in os.walk(folder)
        for name in sorted(names)
        if Path(name).suffix.lower() in _SUFFIXES
    ]


@lru_cache(maxsize=64)
def _faces(file: Path) -> tuple[FontFile, ...]:
    """The faces for simplified Chinese of one file, as it names them; none of a file that is no font."""
    try:
        return tuple(_usable(file, own=True)) or tuple(islice(_usable(file, own=False), 1))
    except (TTLibError, OSError, AssertionError, KeyError, ValueError):
        # A broken font file on the machine is no reason not to take the next one.
        return ()


def _usable(file: Path, *, own: bool) -> Iterator[FontFile]:
    """The faces for simplified Chinese that may be embedded: with ``own`` those whose name says so, else the others."""
    with file.open("rb") as stream:
        collection = stream.read(4) == b"ttcf"
        stream.seek(0)
        fonts = TTCollection(stream, lazy=True).fonts if collection else [TTFont(stream, lazy=True)]
        known: dict[int, bool] = {}
        for index, font in enumerate(fonts):
            names = font["name"]
            name = str(names.getDebugName(16) or names.getDebugName(1) or file.stem)
            if own != bool(_SIMPLIFIED.search(name) and not _OTHER_SCRIPTS.search(name)):
                continue
            # The faces of a collection mostly share one table of characters, which takes long to read.
            where = font.reader.tables["cmap"].offset
            if where not in known:
                known[where] = font.getBestCmap().keys() >= {ord(c) for c in _PROBE}
            if known[where] and not font["OS/2"].fsType & (_NO_EMBEDDING | _NO_SUBSETTING):
                yield FontFile(file, index, name, int(font["OS/2"].usWeightClass))


@lru_cache(maxsize=16)
def subset_font(font: FontFile, text: str, weight: Weight = "regular", *, web: bool = True) -> bytes:
    """The face with only the glyphs of ``text``: WOFF2 for a page, or TrueType/OpenType for a document.

    Characters that the face has no glyph for are left out. A variable font is fixed at ``weight``. The same
    text gives the same bytes. 1,000 characters take about 1.3 s and 150 KB. Raises FontError.
    """
    options = subset.Options(
        layout_features=[],
        name_IDs=[0, 1, 2, 3, 4, 6, 13, 14],
        notdef_outline=True,
        hinting=False,
        desubroutinize=True,
        recalc_timestamp=False,
        ignore_missing_unicodes=True,
    )
    options.drop_tables = [*options.drop_tables, *_UNUSED]
    try:
        with TTFont(font.path, fontNumber=font.index, lazy=True, recalcTimestamp=False) as face:
            maker = subset.Subsetter(options)
            maker.populate(text=_characters(text))
            maker.subset(face)
            if "fvar" in face:
                instancer.instantiateVariableFont(face, {"wght": _WEIGHTS[weight]}, inplace=True)
            face.flavor = "woff2" if web else None
            made = io.BytesIO()
            face.save(made)
    except (TTLibError, OSError, subset.Subsetter.SubsettingError) as error:
        raise FontError(f"字体 {font.path} 读不出来；请重新安装，或者用环境变量 {SETTING} 另指一个") from error
    return made.getvalue()


def _characters(text: str) -> str:
    return "".join(sorted(set(text)))


def font_faces(text: str, bold: str = "") -> str:
    """``@font-face`` rules, for a style sheet of its own, with the glyphs of ``text`` and, heavy, of ``bold``.

    The family is called ``FAMILY``; nothing is fetched when the page is read. Where the family has no heavy face
    the browser draws one. Raises FontError as ``find_font`` does.
    """
    regular, heavy = find_font("regular"), find_font("bold")
    rules = [_rule(subset_font(regular, _characters(text), "regular"), 400)]
    if heavy.weight >= _HEAVY and bold:
        rules.append(_rule(subset_font(heavy, _characters(bold), "bold"), 700))
    return "\n".join(rules)


def _rule(data: bytes, weight: int) -> str:
    address = "data:font/woff2;base64," + base64.b64encode(data).decode("ascii")
    return (
        f'@font-face{{font-family:"{FAMILY}";font-weight:{weight};font-style:normal;'
        f'src:url({address}) format("woff2")}}'
    )
