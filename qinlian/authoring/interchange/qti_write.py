"""Questions → a QTI 2.1 package: one item a file, and a manifest."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from qinlian.authoring.interchange.asked import Asked, Losses, Outgoing
from qinlian.authoring.interchange.leaving import letters_seen, names_letters
from qinlian.authoring.interchange.markup import to_xhtml
from qinlian.authoring.interchange.qti_marks import declare, process, response_of
from qinlian.authoring.interchange.qti_source import source_of, write_source
from qinlian.authoring.interchange.rubric import write_rubric
from qinlian.items.blank import BLANK

__all__ = ["write_qti"]

_QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_XSD = "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
_CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DATE = (1980, 1, 1, 0, 0, 0)
_TRUE, _FALSE = "true", "false"


def write_qti(banks: Sequence[Outgoing], losses: Losses) -> bytes:
    """The questions as one package; the same questions give the same bytes. W662 to ``losses``."""
    manifest = Element("manifest", {"xmlns": _CP, "identifier": "qinlian-export"})
    metadata = SubElement(manifest, "metadata")
    SubElement(metadata, "schema").text = "QTIv2.1 Package"
    SubElement(metadata, "schemaversion").text = "1.0.0"
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    files: dict[str, bytes] = {}
    for bank in banks:
        for asked in bank.questions:
            losses.of(asked.id)
            name = f"items/{asked.id}.xml"
            item = _item(asked, losses)
            if asked.kind == "填空" and sum(1 for _ in item.iter("textEntryInteraction")) != len(asked.choices):
                losses.leave_out("有的空在链接或代码里，放不进 QTI", "把 ____ 写在普通的文字里")
                continue
            files[name] = _bytes(item)
            attrs = {"identifier": f"r_{asked.id}", "type": "imsqti_item_xmlv2p1", "href": name}
            resource = SubElement(resources, "resource", attrs)
            rubric = write_rubric(asked) if asked.kind == "心得" else ""
            write_source(resource, asked.name, source_of(asked, rubric))
            SubElement(resource, "file", href=name)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"imsmanifest.xml": _bytes(manifest), **files}.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return made.getvalue()


def _bytes(root: Element) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'.encode()


def _item(asked: Asked, losses: Losses) -> Element:
    identifier = asked.id if re.match("[A-Za-z_]", asked.id) else f"_{asked.id}"
    root = Element(
        "assessmentItem",
        {
            "xmlns": _QTI, "xmlns:xsi": _XSI, "xsi:schemaLocation": f"{_QTI} {_XSD}", "identifier": identifier,
            "title": asked.name, "xml:lang": "zh-CN", "adaptive": "false", "timeDependent": "false",
            "toolName": "qinlian",
        },
    )  # fmt: skip
    declare(root, asked)
    body = SubElement(root, "itemBody")
    _body(body, asked, losses)
    process(root, asked)
    if asked.explanation:
        _feedback(root, "EXPLANATION", asked.explanation)
    for index, choice in enumerate(asked.choices):
        if choice.feedback and asked.kind != "心得":
            _feedback(root, _named(asked, index), choice.feedback)
    return root


def _named(asked: Asked, index: int) -> str:
    """The identifier of an answer line: its letter, which stays its own for ever."""
    return (_TRUE, _FALSE)[index] if asked.kind == "判断" else asked.choices[index].letter


def _feedback(root: Element, identifier: str, text: str) -> None:
    attrs = {"outcomeIdentifier": "FEEDBACK", "showHide": "show", "identifier": identifier}
    _fill(SubElement(root, "modalFeedback", attrs), to_xhtml(text))


def _fill(node: Element, xhtml: str) -> None:
    """Put XHTML into an element, without what QTI has no place for."""
    made = fromstring(f"<div>{xhtml}</div>")
    for part in made.iter():
        part.attrib.pop("style", None)
        part.attrib.pop("start", None)
        if part.tag in ("s", "del"):
            part.tag = "span"
    node.text = made.text
    node.extend(list(made))


def _body(body: Element, asked: Asked, losses: Losses) -> None:
    stem = SubElement(body, "div")
    _fill(stem, to_xhtml(asked.stem))
    match asked.kind:
        case "单选" | "多选" | "判断":
            _options(body, asked, losses)
        case "配对":
            _pairs(body, asked)
        case "排序":
            attrs = {"responseIdentifier": "RESPONSE", "shuffle": "true"}
            node = SubElement(body, "orderInteraction", attrs)
            # In the order of the letters: that of the answer would give it away.
            for choice in sorted(asked.choices, key=lambda c: c.letter):
                _fill(SubElement(node, "simpleChoice", identifier=choice.letter), to_xhtml(choice.text, inline=True))
        case "填空":
            _gaps(stem, [f"RESPONSE_{choice.letter}" for choice in asked.choices])
        case "心得":
            if asked.choices:
                rubric = SubElement(body, "rubricBlock", view="candidate scorer")
                _fill(rubric, to_xhtml(write_rubric(asked)))
            SubElement(body, "extendedTextInteraction", responseIdentifier="RESPONSE", expectedLines="15")


def _options(body: Element, asked: Asked, losses: Losses) -> None:
    named = names_letters(asked)
    if named and not letters_seen(asked):
        losses.say(
            "W662", "选项字母不是从 A 连着写的，解析里提到的字母在别的系统里会对不上", "导出后在那边改解析里的字母"
        )
    attrs = {
        "responseIdentifier": "RESPONSE",
        "shuffle": "false" if named or asked.kind == "判断" else "true",
        "maxChoices": "0" if asked.kind == "多选" else "1",
    }
    node = SubElement(body, "choiceInteraction", attrs)
    for index, choice in enumerate(asked.choices):
        words = ("对", "错")[index] if asked.kind == "判断" else choice.text
        _fill(SubElement(node, "simpleChoice", identifier=_named(asked, index)), to_xhtml(words, inline=True))


def _gaps(node: Element, responses: list[str]) -> None:
    """Put the entries in place of the blanks ____ in the texts below ``node``, in order; ``responses`` is used up."""
    node.text, first = _gap(node.text, responses)
    for child in list(node):
        _gaps(child, responses)
        child.tail, after = _gap(child.tail, responses)
        at = list(node).index(child) + 1
        node[at:at] = after
    node[0:0] = first


def _gap(text: str | None, responses: list[str]) -> tuple[str | None, list[Element]]:
    """(the text up to the first blank, the entries, each with the text that follows it)."""
    before, *rest = BLANK.split(text or "")
    entries = []
    for words in rest[: len(responses)]:
        entry = Element("textEntryInteraction", responseIdentifier=responses.pop(0), expectedLength="15")
        entry.tail = words
        entries.append(entry)
    return (before if rest else text), entries


def _pairs(body: Element, asked: Asked) -> None:
    lefts = [c for c in asked.choices if c.text]
    attrs = {"responseIdentifier": "RESPONSE", "shuffle": "true", "maxAssociations": str(len(lefts))}
    node = SubElement(body, "matchInteraction", attrs)
    left, right = SubElement(node, "simpleMatchSet"), SubElement(node, "simpleMatchSet")
    for choice in lefts:
        entry = SubElement(left, "simpleAssociableChoice", identifier=choice.letter, matchMax="1")
        _fill(entry, to_xhtml(choice.text, inline=True))
    for choice in sorted(asked.choices, key=lambda c: c.letter):
        if response_of(asked, choice) == f"R_{choice.letter}":
            attrs = {"identifier": f"R_{choice.letter}", "matchMax": str(len(lefts))}
            _fill(SubElement(right, "simpleAssociableChoice", attrs), to_xhtml(choice.right, inline=True))
