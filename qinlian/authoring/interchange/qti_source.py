"""What the manifest of a QTI package says of an item: labels as LOM keywords, and the Markdown it was written in.

The Markdown is a hint. It is believed only where it says the same as the item's own text, so an item that was
edited elsewhere comes back as edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

from qinlian.authoring.interchange.asked import Asked
from qinlian.authoring.interchange.markup import from_html, to_xhtml
from qinlian.authoring.interchange.safexml import Node
from qinlian.items.base import letter_at

__all__ = ["Source", "read_source", "source_of", "write_source"]

_NAMESPACE = "urn:qinlian:item:1"
_PROSE = ("stem", "explanation", "rubric")
_LOM = "http://ltsc.ieee.org/xsd/LOM"


@dataclass(frozen=True)
class Source:
    """Labels, and Markdown by part: stem, explanation, rubric, ``A`` (an option), ``A+`` (its feedback)."""

    labels: tuple[str, ...] = ()
    markdown: Mapping[str, str] = field(default_factory=dict)

    def text(self, part: str, html: str, lost: list[str]) -> str:
        """The part as Markdown: as it was written, if that says the same; ``lost`` grows by what is lost."""
        read = from_html(html)
        written = self.markdown.get(part)
        inline = part not in _PROSE and not part.endswith("+")
        if written is not None and from_html(to_xhtml(written, inline=inline)).text == read.text:
            return written
        lost += read.lost
        return read.text


def source_of(asked: Asked, rubric: str) -> Source:
    """What to say of a question."""
    parts = {"stem": asked.stem, "explanation": asked.explanation, "rubric": rubric}
    for index, choice in enumerate(asked.choices):
        letter = choice.letter or letter_at(index)
        parts |= {letter: choice.text, f"{letter}+": choice.feedback, f"{letter}>": choice.right}
    return Source(asked.labels, {part: text for part, text in parts.items() if text})


def write_source(resource: Element, title: str, source: Source) -> None:
    """Put it into a manifest's ``resource``."""
    metadata = SubElement(resource, "metadata")
    general = SubElement(SubElement(metadata, "lom", xmlns=_LOM), "general")
    SubElement(SubElement(general, "title"), "string", language="zh-CN").text = title
    for label in source.labels:
        SubElement(SubElement(general, "keyword"), "string", language="zh-CN").text = label
    written = SubElement(metadata, "source", xmlns=_NAMESPACE)
    for part, text in source.markdown.items():
        SubElement(written, "markdown", part=part).text = text


def read_source(resource: Node) -> Source:
    """What a ``resource`` says, whoever wrote it; older systems write ``langstring``."""
    labels = []
    for keyword in resource.every("keyword"):
        labels += [n.own_text.strip() for n in keyword.every("string", "langstring") if n.own_text.strip()]
    markdown = {
        node.attrs["part"]: node.own_text
        for written in resource.every("source")
        for node in written.all("markdown")
        if "part" in node.attrs
    }
    return Source(tuple(dict.fromkeys(labels)), markdown)
