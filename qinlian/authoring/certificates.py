"""course/certificates/*.yaml → the words and looks of the certificates, which an office edits as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qinlian.authoring.textfile import Place, TextFile, display_name, nearest, read_text
from qinlian.authoring.yamlfile import Fields, read_yaml
from qinlian.core.diagnostics import Diagnostic

__all__ = [
    "CERTIFICATES",
    "CERTIFICATE_KINDS",
    "COLOURS",
    "PLACEHOLDERS",
    "Piece",
    "Wording",
    "parse_wording",
    "read_wordings",
    "wording_problems",
]

CERTIFICATES = "certificates"
"""The folder of course/ that holds them. Nothing of it is built into lessons or released."""

CERTIFICATE_KINDS = ("结业证书", "学时证明")
"""What is issued; a file of words is called after its kind."""
PLACEHOLDERS = ("姓名", "单位", "最上级单位", "培训对象", "课程", "学时", "成绩", "日期", "编号")
"""What may stand in 【】. They cannot be in braces, which YAML takes for a mapping."""
COLOURS = {"红色": "#a31621", "墨色": "#2b2b2b", "蓝色": "#1f3d7a", "绿色": "#1e5a44"}
_PAPERS = ("横向", "纵向")
_KEYS = ("标题", "正文", "签发单位", "落款", "核验说明", "颜色", "纸张", "印章", "标志", "版式")
_IMAGES = (".png", ".jpg", ".jpeg", ".svg")
_MARK = re.compile(r"【([^【】]*)】")
_LONGEST = {"标题": 16, "正文": 800}
_LINE, _MOST_BYTES = 80, 5_000_000
"""Characters of any other text, so that all of it fits on the page; and bytes of an image."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence: plain ``text``, or the value of a placeholder where ``field`` is not empty."""

    text: str
    field: str = ""


@dataclass(frozen=True)
class Wording:
    """One kind of certificate in an office's words. ``body`` are paragraphs; files are names in the same folder."""

    title: tuple[Piece, ...]
    body: tuple[tuple[Piece, ...], ...]
    issuer: tuple[Piece, ...]
    closing: str = ""
    hint: str = ""
    colour: str = COLOURS["红色"]
    landscape: bool = True
    seal: str = ""
    logo: str = ""
    layout: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it names."""
        return tuple(name for name in (self.seal, self.logo, self.layout) if name)


def _pieces(text: str, place: Place, problems: list[Diagnostic]) -> tuple[Piece, ...]:
    pieces, end = [], 0
    for found in _MARK.finditer(text):
        pieces.append(Piece(text[end : found.start()]))
        name = found[1].strip()
        if name not in PLACEHOLDERS:
            problems.append(place.says("E108", f"没有【{name[:20]}】这一项可填", nearest(name, PLACEHOLDERS)))
        pieces.append(Piece("", name))
        end = found.end()
    pieces.append(Piece(text[end:]))
    rest = "".join(piece.text for piece in pieces)
    if "【" in rest or "】" in rest:
        problems.append(place.says("E108", "【和】没有成对", "写成【姓名】这样，前后各一个"))
    return tuple(piece for piece in pieces if piece.text or piece.field)


def parse_wording(parsed: TextFile) -> tuple[Wording | None, list[Diagnostic]]:
    """The words, or None when the file is no YAML; problems E104–E108, each at its place."""
    value, problems = read_yaml(parsed, _KEYS)
    if value is None:
        return None, problems
    fields = Fields(value, _KEYS, problems, "证书模板")

    def text(key: str, *, required: bool = False) -> str:
        found = fields.text(key, required=required)
        most = _LONGEST.get(key, _LINE)
        if len(found) > most:
            fields.bad(fields.at(key), f"“{key}”有 {len(found)} 个字，排不下", f"不超过 {most} 个字")
        return found[:most]

    def choice(key: str, words: tuple[str, ...]) -> str:
        found = text(key) or words[0]
        if found not in words:
            fields.bad(fields.at(key), f"“{key}”不能是“{found[:20]}”", nearest(found, words))
            return words[0]
        return found

    def file(key: str, endings: tuple[str, ...]) -> str:
        found = text(key)
        if found and (re.search(r"[/\\]|^\.", found) or Path(found).suffix.lower() not in endings):
            hint = f"写同一个文件夹里的文件名，以 {'、'.join(endings)} 结尾"
            fields.bad(fields.at(key), f"“{key}”不能是“{found[:40]}”", hint)
            return ""
        return found

    body = [line.strip() for line in text("正文", required=True).split("\n") if line.strip()]
    wording = Wording(
        title=_pieces(text("标题", required=True), fields.at("标题"), problems),
        body=tuple(_pieces(line, fields.at("正文"), problems) for line in body),
        issuer=_pieces(text("签发单位", required=True), fields.at("签发单位"), problems),
        closing=text("落款"),
        hint=text("核验说明"),
        colour=COLOURS[choice("颜色", tuple(COLOURS))],
        landscape=choice("纸张", _PAPERS) == "横向",
        seal=file("印章", _IMAGES),
        logo=file("标志", _IMAGES),
        layout=file("版式", (".typ",)),
    )
    return wording, [*problems, *_braces(parsed)]


def _braces(parsed: TextFile) -> Iterator[Diagnostic]:
    """{姓名} is what people know from other programs; here it would be printed as it stands."""
    for line in parsed.lines:
        for found in re.finditer(rf"[{{｛]({'|'.join(PLACEHOLDERS)})[}}｝]", line.text):
            yield line.at(found.start()).says("E108", f"这里写成了 {found.group()}", f"改成【{found[1]}】")


def _file_problems(folder: Path, wording: Wording, parsed: TextFile) -> Iterator[Diagnostic]:
    for name in wording.files:
        path = folder / name
        place = next((line.at(line.text.find(name)) for line in parsed.lines if name in line.text), Place(parsed.file))
        if path.is_symlink() or not path.is_file():
            yield place.says("E101", f"找不到文件 {name}", f"放进 {folder.name} 文件夹，或改正文件名")
        elif path.stat().st_size > _MOST_BYTES:
            yield place.says("E108", f"{name} 有 {path.stat().st_size / 1e6:.0f} MB", "换一个 5 MB 以内的")


def read_wordings(course_dir: Path) -> tuple[dict[str, Wording], tuple[Diagnostic, ...]]:
    """What the course says of each kind that it has words of its own for, and every problem.

    Files are ``<kind>.yaml``; another name of such a file is E107.
    """
    folder = course_dir / CERTIFICATES
    found: dict[str, Wording] = {}
    problems: list[Diagnostic] = []
    for path in sorted(folder.glob("*.y*ml")):
        name = display_name(course_dir, path)
        if path.suffix != ".yaml" or path.stem not in CERTIFICATE_KINDS:
            hint = f"文件名写成 {'、'.join(f'{kind}.yaml' for kind in CERTIFICATE_KINDS)}"
            problems.append(Place(name).says("E107", f"没有叫“{path.name}”的证书模板", hint))
            continue
        parsed, bad = read_text(path, name)
        problems += bad
        if parsed is None:
            continue
        wording, wrong = parse_wording(parsed)
        problems += wrong
        if wording is not None:
            problems += _file_problems(folder, wording, parsed)
            found[path.stem] = wording
    return found, tuple(problems)


def wording_problems(course_dir: Path) -> tuple[Diagnostic, ...]:
    """Every problem of the course's certificate templates."""
    return read_wordings(course_dir)[1]
