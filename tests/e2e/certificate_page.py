"""The page that checks certificates, opened as a file, and pictures of certificates to give it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.e2e.classroom import PHONE

__all__ = ["code_of", "page_over", "photographed", "rasterised"]


@contextmanager
def page_over(browser: Browser, file: Path, *, phone: bool = True) -> Iterator[Page]:
    """The page at ``file``, with no network; any error on it, and any request but for the file, is a failure."""
    context = browser.new_context(viewport=PHONE if phone else None, offline=True)
    page = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    yield page
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []


def rasterised(pdf: bytes, dpi: int = 200, page: int = 0) -> Image.Image:
    """A page of a PDF as a printer would put it on paper."""
    with pypdfium2.PdfDocument(pdf) as document:
        return document[page].render(scale=dpi / 72).to_pil().convert("RGB")


def photographed(paper: Image.Image) -> Image.Image:
    """The paper held a little askew under a lamp at one side, as a telephone sees it."""
    import numpy as np
    from PIL import ImageFilter

    wide, high = paper.size
    corners = [(0.02, 0.05), (0.97, 0.02), (0.99, 0.95), (0.04, 0.98)]
    placed = [(x * wide, y * high) for x, y in corners]
    rows, values = [], []
    for (u, v), (x, y) in zip([(0, 0), (wide, 0), (wide, high), (0, high)], placed, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    bend = np.linalg.solve(np.array(rows, float), np.array(values, float))
    seen = paper.transform(
        paper.size, Image.Transform.PERSPECTIVE, bend, Image.Resampling.BICUBIC, fillcolor=(80, 75, 70)
    )
    light = np.linspace(1.0, 0.55, wide)[None, :, None]
    grain = np.random.default_rng(7).normal(0, 5, (high, wide, 3))
    dim = np.asarray(seen.filter(ImageFilter.GaussianBlur(0.8)), float) * light + grain
    return Image.fromarray(np.clip(dim, 0, 255).astype("uint8"))


def code_of(text: str) -> Image.Image:
    """The code of any text, as somebody could print it."""
    import segno

    made = io.BytesIO()
    segno.make(text, error="m", mode="byte", encoding="utf-8").save(made, kind="svg", border=4, scale=4)
    import typst

    svg = made.getvalue().decode()
    source = (
        b'#set page(width: auto, height: auto, margin: 5mm)\n#image(bytes(sys.inputs.qr), format: "svg", width: 50mm)'
    )
    png = typst.compile(source, format="png", ppi=200, sys_inputs={"qr": svg})
    return Image.open(io.BytesIO(png)).convert("RGB")
