"""The QR codes in a picture or a scanned PDF; loaded only when somebody hands one in."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qinlian.errors import CertificateError

__all__ = ["texts_in_image", "texts_in_pdf"]

_PAGES, _LONGEST_SIDE, _MOST_PIXELS = 20, 4000, 80_000_000
_DENSITY = 220 / 72
"""Pixels a point: at 220 dpi a code's module is four pixels wide."""


@contextmanager
def _programs() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise CertificateError(
            "这台机器没有装识别图片的组件；请用核验页（qinlian certificate page）选照片，或粘贴扫码得到的文字"
        ) from None


def _codes(picture: Any) -> list[str]:
    """The texts of the codes in one grey picture, of whatever size, turned however."""
    import zxingcpp

    return [
        code.text
        for code in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    ]


def texts_in_image(data: bytes) -> list[str]:
    """The texts of all QR codes in a picture. Raises CertificateError for what is no picture."""
    with _programs():
        from PIL import Image, ImageOps, UnidentifiedImageError

        Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
        try:
            with Image.open(io.BytesIO(data)) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    raise CertificateError("图片太大，没有读；请缩小到 8000 万像素以内")
                return _codes(ImageOps.exif_transpose(opened).convert("L"))
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
            raise CertificateError("这个图片文件打不开；请换成 PNG 或 JPEG 再试") from None


def texts_in_pdf(data: bytes) -> list[str]:
    """The texts of all QR codes on the first pages of a PDF. Raises CertificateError for what is none."""
    with _programs():
        import pypdfium2

        found: list[str] = []
        try:
            with pypdfium2.PdfDocument(data) as document:
                for index in range(min(len(document), _PAGES)):
                    page = document[index]
                    scale = min(_DENSITY, _LONGEST_SIDE / max(1.0, *page.get_size()))
                    found += _codes(page.render(scale=scale, grayscale=True).to_pil().convert("L"))
                    page.close()
        except pypdfium2.PdfiumError:
            raise CertificateError("这个 PDF 打不开，可能损坏或加了密码；请换成签发的原文件") from None
        return found
