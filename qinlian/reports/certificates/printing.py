"""Certificates as PDF: Typst sets them, segno draws the code, and every letter's glyph goes into the file.

Typst sees one folder that holds its own layout and the office's images and nothing else, and what is printed reaches
it as JSON, so that neither a name nor a layout can read or run anything.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import segno
import typst
from fontTools.ttLib import TTFont

from qinlian.authoring.certificates import CERTIFICATES, Wording
from qinlian.errors import CertificateError, FontError
from qinlian.reports.certificates.statement import COMPLETION, Statement, plain_number
from qinlian.reports.certificates.store import Edition, ModuleLine
from qinlian.reports.certificates.wording import TEMPLATES, filled, long_date, values_of
from qinlian.reports.fonts import SETTING, FontFile, find_font

__all__ = ["MOST_BYTES", "Printer", "code_image", "code_side"]

_MODULE, _SMALLEST, _LARGEST = 0.45, 30.0, 50.0
"""Millimetres: of one module of the code, which a telephone reads from paper, and of the code's side."""
MOST_BYTES = 2200
"""Of a statement without key and signature: with them it still goes into one code (2,331 bytes)."""
_QUIET = 4
"""Modules around the code that stay white (ISO/IEC 18004)."""
_STANDARD: Any = "a-2u"
"""PDF/A-2u: what must be kept for years carries its fonts, and its text can be read out."""
_NOT_COPIED = (".yaml", ".yml")


def code_image(text: str) -> tuple[str, float]:
    """The QR code as SVG, and its side in millimetres with the white around it."""
    code = segno.make(text, error="m", boost_error=False, micro=False, encoding="utf-8", mode="byte")
    made = io.BytesIO()
    code.save(made, kind="svg", xmldecl=False, border=_QUIET, dark="black", light="white")
    return made.getvalue().decode(), code_side(int(code.symbol_size(border=_QUIET)[0]))


def code_side(modules: int) -> float:
    """Millimetres of a code's side: large enough for a telephone, small enough for the page."""
    return min(_LARGEST, max(_SMALLEST, modules * _MODULE))


@lru_cache(maxsize=8)
def _characters(font: FontFile) -> frozenset[int]:
    with TTFont(font.path, fontNumber=font.index, lazy=True) as face:
        return frozenset(face.getBestCmap())


def _needs_a_glyph(character: str) -> bool:
    selector = 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF
    return not selector and unicodedata.category(character) not in ("Cc", "Zl", "Zp", "Zs")


def _edition(statement: Statement) -> str:
    """A later 结业证书 stands in the place of an earlier one; a later 学时证明 stands beside it."""
    if statement.version == 1:
        return ""
    return f"第 {statement.version} 版" + ("（补发）" if statement.kind == COMPLETION else "")


class Printer:
    """Makes PDFs of one kind in the course's words; a context, whose folder is gone when it ends.

    Raises FontError where the machine has no Chinese font, and CertificateError for a layout that cannot be used.
    """

    def __init__(self, wording: Wording, kind: str, course_dir: Path) -> None:
        self._wording = wording
        self._faces = [find_font("regular", serif=True), find_font("bold", serif=True)]
        self._glyphs = [_characters(face) for face in self._faces]
        self._own = course_dir / CERTIFICATES
        self._layout = self._own / wording.layout if wording.layout else TEMPLATES / f"{kind}.typ"
        self._undo = ExitStack()

    def __enter__(self) -> Printer:
        with ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="qinlian-certificates-")))
            self._open(folder)
            self._undo = undo.pop_all()
        return self

    def _open(self, folder: Path) -> None:
        root = folder / "root"
        root.mkdir()
        if self._own.is_dir():
            for path in self._own.iterdir():
                if path.is_file() and not path.is_symlink() and path.suffix not in _NOT_COPIED:
                    shutil.copyfile(path, root / path.name)
        shutil.copyfile(self._layout, root / "layout.typ")
        shutil.copyfile(TEMPLATES / "main.typ", root / "main.typ")
        fonts = self._fonts(folder / "fonts")
        if not fonts.fonts():
            raise FontError(
                f"字体 {self._faces[0].path} 排不了版；请用环境变量 {SETTING} 另指一个 .ttf、.otf 或 .ttc 文件"
            )
        self._family = self._family_of(fonts)
        self._compiler = typst.Compiler(
            input=root / "main.typ",
            root=root,
            font_paths=fonts,
            ignore_system_fonts=True,
            # Nothing is fetched: what a layout uses lies beside it.
            package_path=root / "packages",
            package_cache_path=root / "packages",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def _fonts(self, folder: Path) -> typst.Fonts:
        """The two faces and nothing else, in a folder of their own: other fonts beside them must not be taken."""
        folder.mkdir()
        for path in dict.fromkeys(face.path.resolve() for face in self._faces):
            (folder / path.name).symlink_to(path)
        return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])

    def _family_of(self, fonts: typst.Fonts) -> str:
        """How Typst calls the family of our face, which may be one of many in its file."""
        face = self._faces[0]
        for font in fonts.fonts():
            if font.path and Path(font.path).name == face.path.resolve().name and font.index == face.index:
                return font.family
        return str(fonts.families()[0])

    def lacking(self, texts: Iterable[str]) -> str:
        """The characters of ``texts`` that the fonts have no glyph for."""
        wanted = dict.fromkeys(c for text in texts for c in text)
        return "".join(c for c in wanted if not all(ord(c) in k for k in self._glyphs) and _needs_a_glyph(c))

    def own_texts(self) -> list[str]:
        """Every text that all certificates print alike: the words, and what the layout adds."""
        words = (*self._wording.title, *self._wording.issuer, *(p for part in self._wording.body for p in part))
        layout = self._layout.read_text("utf-8", "replace")
        return [self._wording.closing, self._wording.hint, layout, *(piece.text for piece in words)]

    def texts(self, statement: Statement, modules: Sequence[ModuleLine]) -> list[str]:
        """Every text that one certificate prints besides."""
        return [*values_of(statement).values(), *(text for line in modules for text in (line.title, line.state))]

    def data(self, editions: Sequence[Edition]) -> str:
        """What Typst is given to print, as JSON."""
        run = {
            "title": self._document_title(editions),
            "author": [],
            # A string of a PDF has at most 32,767 letters, so only a certificate by itself says in words what it is.
            "keywords": [editions[0].signed.text] if len(editions) == 1 else [],
            "fonts": [self._family],
            "certificates": [self._data(edition) for edition in editions],
        }
        return json.dumps(run, ensure_ascii=False)

    def pdf(self, editions: Sequence[Edition]) -> bytes:
        """One file with a certificate an edition, in their order; the same editions give the same bytes."""
        newest = max(edition.statement.day for edition in editions)
        try:
            made = self._compiler.compile(
                sys_inputs={"data": self.data(editions)},
                format="pdf",
                pdf_standards=_STANDARD,
                timestamp=int(datetime.combine(newest, time(), UTC).timestamp()),
            )
        except typst.TypstError as error:
            where = f"course/{CERTIFICATES}/{self._layout.name}" if self._wording.layout else "程序自带的版式"
            hint = (
                "请照上面说的改好它，或者删掉“版式”一行，用自带的版式" if self._wording.layout else "请检查印章和标志"
            )
            raise CertificateError(f"证书排不出来，{where} 有问题：{error.message}；{hint}") from None
        assert isinstance(made, bytes)
        return made

    def _document_title(self, editions: Sequence[Edition]) -> str:
        first = editions[0].statement
        if len(editions) > 1:
            return f"{first.kind}（{len(editions)} 份）"
        return f"{first.kind} {first.number} {first.name}"

    def _data(self, edition: Edition) -> dict[str, Any]:
        words, statement = self._wording, edition.statement
        values = values_of(statement)
        qr, side = code_image(edition.signed.text)
        lines = edition.modules
        return {
            "title": "".join(piece["text"] for piece in filled(words.title, values)),
            "body": [filled(part, values) for part in words.body],
            "issuer": "".join(piece["text"] for piece in filled(words.issuer, values)),
            "closing": words.closing,
            "hint": words.hint,
            "colour": words.colour,
            "landscape": words.landscape,
            "seal": words.seal,
            "logo": words.logo,
            "values": values,
            "number": statement.number,
            "edition": _edition(statement),
            "date": long_date(statement.day),
            "qr": qr,
            "qr-side": side,
            "modules": [
                {"title": m.title, "state": m.state, "hours": plain_number(m.hours), "of": plain_number(m.of)}
                for m in lines
            ],
            "total": plain_number(sum(m.hours for m in lines)),
            "total-of": plain_number(sum(m.of for m in lines)),
        }
