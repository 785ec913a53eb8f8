"""QTI 2.1 packages (and single items) → questions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from qinlian.authoring.interchange.asked import Asked, Incoming, Losses, Unreadable, collect
from qinlian.authoring.interchange.gate import Bank, Package, decode
from qinlian.authoring.interchange.labels import read_labels
from qinlian.authoring.interchange.qti_item import read_item
from qinlian.authoring.interchange.qti_source import Source, read_source
from qinlian.authoring.interchange.safexml import Node, parse_xml
from qinlian.authoring.textfile import Place
from qinlian.core.diagnostics import Diagnostic, has_errors

__all__ = ["read_qti"]

_OURS = re.compile(r"[A-Z]{1,8}(?:-[A-Za-z0-9]+)+")
_STOPS = ("E132", "E133")


def read_qti(bank: Bank, file: str) -> tuple[tuple[Incoming, ...], tuple[Diagnostic, ...]]:
    """(questions, diagnostics) of a QTI 2.1 package, or of one item's XML.

    E132 and E133 leave nothing; W651 items not taken, W652 pictures and files, W653 marks, W654 the rest.
    """
    losses = Losses(Place(file))
    found = collect(
        _questions(bank, file, losses),
        losses,
        "需要的话在课程里重新写",
        "请从原来的系统重新导出，格式选 QTI 2.1",
    )
    return () if has_errors(losses.found) else found, tuple(losses.found)


def _questions(bank: Bank, file: str, losses: Losses) -> Iterator[tuple[Place, str, Callable[[], Asked]]]:
    """Every item as ``collect`` takes it; an item that breaks a bound is the last."""
    for place, text, source, problems in _items(bank, file, losses):
        root, told = parse_xml(text, place) if text is not None else (None, problems)
        if any(d.code in _STOPS for d in told):
            losses.found += told
            return
        name = root.attrs.get("title", "") if root else ""
        yield place, name, partial(_read, root, told, source, losses)


def _read(root: Node | None, told: tuple[Diagnostic, ...], source: Source, losses: Losses) -> Asked:
    if root is None:
        raise Unreadable(told[0].message, "请从原来的系统重新导出这道题")
    return _identified(read_item(root, source, losses), source)


def _identified(asked: Asked, source: Source) -> Asked:
    """Systems number their items by themselves; only what looks like an id that a person gave is kept."""
    item_id = asked.id.removeprefix("_")
    known = read_labels(source.labels).ours or _OURS.fullmatch(item_id)
    return replace(asked, id=item_id if known else "", labels=source.labels)


def _items(bank: Bank, file: str, losses: Losses) -> Iterator[tuple[Place, str | None, Source, tuple[Diagnostic, ...]]]:
    """(place, text, what the manifest says, why there is no text) of every item in the order of the manifest."""
    package = bank.package
    if package is None:
        yield Place(file), bank.text, Source(), ()
        return
    manifest, told = _manifest(package)
    losses.found += told
    listed = list(_listed(manifest)) if manifest else []
    names = set(package.names)
    base = posixpath.dirname(next((n for n in package.names if n.endswith("imsmanifest.xml")), ""))
    taken = set()
    if not has_errors(told):
        others = (n for n in package.names if n.lower().endswith(".xml") and posixpath.basename(n) != "imsmanifest.xml")
        for href, source in listed or ((n, Source()) for n in others):
            name = posixpath.normpath(posixpath.join(base, href)) if listed else href
            taken.add(name)
            place = Place(file, sheet=name)
            if name not in names:
                yield place, None, source, (place.says("E135", "包里没有这个文件", ""),)
                continue
            data, problems = package.read(name)
            text, problems = decode(data, place) if data is not None else (None, problems)
            if listed or (text and "assessmentItem" in text[:4000]):
                yield place, text, source, problems
    _name_files(package, taken, losses)


def _manifest(package: Package) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    name = next((n for n in package.names if posixpath.basename(n) == "imsmanifest.xml"), None)
    if name is None:
        return None, ()
    data, problems = package.read(name)
    text, problems = decode(data, Place(package.file, sheet=name)) if data is not None else (None, problems)
    return parse_xml(text, Place(package.file, sheet=name)) if text is not None else (None, problems)


def _listed(manifest: Node) -> Iterator[tuple[str, Source]]:
    """(href, what is said of it) of the items in a manifest."""
    for resource in manifest.every("resource"):
        if resource.attrs.get("type", "").startswith("imsqti_item_"):
            file = resource.first("file")
            href = resource.attrs.get("href") or (file.attrs.get("href", "") if file else "")
            yield href, read_source(resource)


def _name_files(package: Package, taken: set[str], losses: Losses) -> None:
    """W652: what else lies in the package."""
    others = [n for n in package.names if n not in taken and not n.lower().endswith((".xml", ".xsd", ".css", ".dtd"))]
    if others:
        shown = "、".join(posixpath.basename(n) for n in others[:5])
        more = f"等 {len(others)} 个" if len(others) > 5 else ""
        place = Place(package.file)
        losses.found.append(
            place.says("W652", f"包里的图片、附件没有带过来：{shown}{more}", "题干离不开图的，改写成文字")
        )
