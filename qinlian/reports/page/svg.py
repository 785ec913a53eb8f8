"""A plot as SVG that stands in the page itself: drawn without a network, named for those who cannot see it."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert
from markupsafe import Markup

from qinlian.reports.page.words import shown

__all__ = ["INK", "SOFT", "draw"]

INK, SOFT, _LINE = "#1f2a26", "#4d5a54", "#d9d5ca"
_SVG = "http://www.w3.org/2000/svg"
_NOISE = ("class", "role", "pointer-events", "opacity", "font-family", "aria-hidden", "aria-roledescription")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-\d+)?")


def draw(
    chart: alt.TopLevelMixin, name: str, title: str, description: str, left: int, bottom: int = 34, top: int = 14
) -> Markup:
    """``chart`` (of a fixed size) as inline SVG; ``left``, ``bottom`` and ``top`` are the pixels kept for its labels.

    ``name`` tells its parts from those of other plots on the page. What it shows is said twice, for eyes and for
    screen readers: ``title`` and ``description`` stand in it as its text alternative.
    """
    finished: Any = (
        chart.properties(  # type: ignore[attr-defined]
            # Nothing is measured, so it is the same drawing on a machine with other fonts, or with none.
            autosize=alt.AutoSizeParams(type="none"),
            padding={"left": left, "right": 14, "top": top, "bottom": bottom},
            background="transparent",
        )
        .configure(aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT,
            titleColor=SOFT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=_LINE,
            domainColor="#8a938e",
            tickColor="#8a938e",
            labelLimit=0,
            titleLimit=0,
        )
    )
    drawn = vl_convert.vegalite_to_svg(finished.to_dict(), allowed_base_urls=[])
    return Markup(_named(ET.fromstring(drawn), name, title, description))


def _named(root: ET.Element, name: str, title: str, description: str) -> str:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get("display") == "none" or child.get("class") == "background":
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix("{" + _SVG + "}")
        for attribute in _NOISE:
            if attribute != "opacity" or element.get(attribute) == "1":
                element.attrib.pop(attribute, None)
        for key, value in element.attrib.items():
            element.set(key, _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value))
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-text")
    for tag, suffix, text in (("desc", "text", description), ("title", "title", title)):
        element = ET.Element(tag, {"id": f"{name}-{suffix}"})
        element.text = shown(text)
        root.insert(0, element)
    return ET.tostring(root, encoding="unicode")
