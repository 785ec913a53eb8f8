"""rules/*.yaml → documents, and citations checked against them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qinlian.authoring.numerals import NUMERAL, number_of
from qinlian.authoring.structure import split_list
from qinlian.authoring.textfile import Place, TextFile, nearest
from qinlian.authoring.yamlfile import Fields, Value, read_yaml
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Article, Document
from qinlian.core.width import narrow

__all__ = ["Rulebook", "parse_rules"]

_KEYS = ("文件", "简称", "发布", "版本", "施行", "失效", "条文")
_ARTICLE_KEYS = ("条", "项", "款", "要点")

_PIN = (
    rf"第(?P<n>{NUMERAL})(?P<unit>条|项)(?:之(?P<sub>{NUMERAL}))?"
    rf"(?:第(?P<k>{NUMERAL})款)?(?:第\(?(?P<j>{NUMERAL})\)?项)?"
)
_TITLE = r"《(?P<title>[^《》\n]{1,80})》\s*(?:\((?P<version>[^()\n]{1,30})\))?\s*"
_CITATION = re.compile(rf"{_TITLE}(?P<pin>{_PIN})?")
_IN_PROSE = re.compile(rf"{_TITLE}(?=(?P<pins>第{NUMERAL}(?:条|项)[^《》\n]*)?)")
_NEXT_PIN = re.compile(rf"\s*(?:[、,和及与或至]|以及)?\s*(?={_PIN})")


def parse_rules(parsed: TextFile) -> tuple[Document | None, Place, list[Diagnostic]]:
    """One file of the rule index, the place of its title, and its problems (E104–E108)."""
    value, problems = read_yaml(parsed, (*_KEYS, *_ARTICLE_KEYS))
    if value is None:
        return None, Place(parsed.file, 1, 1), problems
    fields = Fields(value, _KEYS, problems, "法规文件")
    title = fields.text("文件").strip("《》")
    version = fields.text("版本")
    since = _date(fields, "施行", required=True)
    articles = tuple(a for a in (_article(v, problems) for v in fields.children("条文", required=False)) if a)
    seen: dict[tuple[str, int, int], bool] = {}
    for article in articles:
        key = (article.unit, article.number, article.sub)
        if key in seen:
            fields.bad(fields.at("条文"), f"第 {article.number} {article.unit}写了两次", "合成一项")
        seen[key] = True
    if not title or not version or since is None:
        return None, fields.at("文件"), problems
    document = Document(
        title=title,
        short=split_list(fields.text("简称", required=False)),
        issuer=fields.text("发布"),
        version=version,
        since=since,
        until=_date(fields, "失效", required=False),
        articles=articles,
    )
    return document, fields.at("文件"), problems


def _date(fields: Fields, key: str, *, required: bool) -> date | None:
    text = fields.text(key, required=required)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fields.bad(fields.at(key), f"“{key}”不是日期：{text}", "写成 2024-01-01")
        return None


def _article(value: Value, problems: list[Diagnostic]) -> Article | None:
    fields = Fields(value, _ARTICLE_KEYS, problems, "条文")
    units = [u for u in ("条", "项") if fields.text(u, required=False)]
    if len(units) != 1:
        fields.bad(fields.place, "每条条文写一个“条”或“项”", "写成 条: 97")
        return None
    raw = fields.text(units[0])
    found = re.fullmatch(rf"第?({NUMERAL})(?:条|项)?(?:之({NUMERAL}))?", raw)
    number = number_of(found[1]) if found else None
    sub = number_of(found[2]) if found and found[2] else 0
    paragraphs = number_of(fields.text("款", required=False) or "1")
    if number is None or sub is None:
        fields.bad(fields.at(units[0]), f"“{units[0]}”不是条数：{raw}", "写成 97 或 120之1")
    if paragraphs is None:
        fields.bad(fields.at("款"), "“款”不是数", "写这一条有几款，没有分款写 1")
    gist = fields.text("要点")
    if number is None or sub is None or paragraphs is None or not gist:
        return None
    unit: Literal["条", "项"] = "条" if units[0] == "条" else "项"
    return Article(number=number, sub=sub, unit=unit, paragraphs=paragraphs, gist=gist)


@dataclass(frozen=True)
class _Pin:
    """第N条之M第K款第（J）项 as numbers; None where a numeral could not be read."""

    text: str
    number: int | None
    sub: int | None
    unit: str
    paragraph: int | None

    @staticmethod
    def of(found: re.Match[str]) -> _Pin:
        return _Pin(
            text=found.group("pin") if "pin" in found.re.groupindex else found.group(),
            number=number_of(found["n"]),
            sub=number_of(found["sub"]) if found["sub"] else 0,
            unit=found["unit"],
            paragraph=number_of(found["k"]) if found["k"] else 0,
        )


class Rulebook:
    """The documents of the course, by title and short title."""

    def __init__(self, documents: tuple[Document, ...]) -> None:
        self.documents = documents
        self._by_name: dict[str, list[Document]] = {}
        titles: dict[str, list[Document]] = {}
        for document in documents:
            titles.setdefault(_folded(document.title), []).append(document)
        for versions in titles.values():
            # A short title that one version declares names them all.
            names = dict.fromkeys(_folded(n) for d in versions for n in (d.title, *d.short))
            for name in names:
                self._by_name.setdefault(name, []).extend(versions)

    def ambiguous(self) -> Iterator[tuple[Document, str]]:
        """(document, reason) for every document whose name does not lead to one version in force."""
        for named in self._by_name.values():
            titles = {d.title for d in named}
            for document in named[1:]:
                if len(titles) > 1 and document.title != named[0].title:
                    yield document, f"和《{named[0].title}》用了同一个名称或简称"
                elif len({d.version for d in named}) < len(named):
                    yield document, f"《{document.title}》（{document.version}）在索引里有两份"
                elif sum(d.until is None for d in named) > 1:
                    yield document, f"《{document.title}》有两个没有写“失效”的版本"

    def cited(self, citation: str, place: Place) -> Iterator[Diagnostic]:
        """What is wrong with one citation of a 依据 (E501–E505)."""
        found = _CITATION.fullmatch(narrow(citation))
        if not found:
            hint = "写成 《中国共产党纪律处分条例》第九十七条第二款；多条用；隔开"
            yield place.says("E501", f"依据读不出来：{citation}", hint)
            return
        title = citation[found.start("title") : found.end("title")]
        version = found["version"] or ""
        yield from self._named(title, version, _Pin.of(found) if found["pin"] else None, place, old_allowed=False)

    def mentioned(self, text: str, place: Place, *, old_allowed: bool) -> Iterator[Diagnostic]:
        """What is wrong with the citations inside one line of prose that begins at ``place``.

        A title counts when the index knows it or an article number follows it; other titles may
        be books. ``old_allowed``: a version may be named that is no longer in force.
        """
        thin = narrow(text)
        for found in _IN_PROSE.finditer(thin):
            title = text[found.start("title") : found.end("title")]
            pins: list[_Pin | None] = [*_pins(thin, found.end())]
            known = self._by_name.get(_folded(title))
            if not known and not pins:
                continue
            version = found["version"] or ""
            if known and version and not any(_same_version(version, d.version) for d in known):
                # Words in brackets need not be a version, e.g. （以下简称《条例》）.
                version = version if re.match(r"\d{4}年", version) else ""
            here = Place(place.file, place.line, place.col + found.start(), place.sheet, place.cell)
            for pin in pins or [None]:
                yield from self._named(title, version, pin, here, old_allowed=old_allowed)

    def _named(
        self, title: str, version: str, pin: _Pin | None, place: Place, *, old_allowed: bool
    ) -> Iterator[Diagnostic]:
        known = self._by_name.get(_folded(title), [])
        if not known:
            hint = nearest(title, [d.title for d in self.documents], listed=False)
            yield place.says(
                "E502", f"法规索引里没有《{title}》", hint or "在 course/rules/ 里补上这份文件，或核对名称"
            )
            return
        current = [d for d in known if d.until is None]
        if version:
            chosen = [d for d in known if _same_version(version, d.version)]
            if not chosen:
                yield place.says(
                    "E503", f"《{title}》没有“{version}”这个版本", nearest(version, [d.version for d in known])
                )
                return
            if chosen[0].until is not None and not old_allowed:
                hint = f"改用现行的{current[0].version}" if current else "换成现行有效的依据"
                yield place.says("E503", f"《{title}》（{chosen[0].version}）已失效", hint)
                return
        elif not current:
            yield place.says("E503", f"《{title}》已失效（{known[0].version}）", "换成现行有效的依据")
            return
        else:
            chosen = sorted(current, key=lambda d: d.since, reverse=True)
        if pin:
            yield from _article_exists(chosen[0], pin, place)


def _pins(thin: str, start: int) -> Iterator[_Pin]:
    """The articles listed one after the other from ``start``: 第一条、第三条第二款."""
    pattern = re.compile(_PIN)
    index = start
    while found := pattern.match(thin, index):
        yield _Pin.of(found)
        index = found.end()
        gap = _NEXT_PIN.match(thin, index)
        if not gap:
            return
        index = gap.end()


def _article_exists(document: Document, pin: _Pin, place: Place) -> Iterator[Diagnostic]:
    if pin.number is None or pin.sub is None or pin.paragraph is None:
        yield place.says("E501", f"条数读不出来：{pin.text}", "写成 第九十七条第二款 或 第97条第2款")
        return
    for article in document.articles:
        if (article.unit, article.number, article.sub) == (pin.unit, pin.number, pin.sub):
            if pin.paragraph > article.paragraphs:
                message = f"《{document.title}》{pin.text}：这一{pin.unit}只有 {article.paragraphs} 款"
                yield place.says("E505", message, "核对原文")
            return
    yield place.says(
        "E504", f"法规索引的《{document.title}》（{document.version}）里没有{pin.text}", "核对原文；条文无误就补进索引"
    )


def _folded(name: str) -> str:
    return re.sub(r"[\s《》〈〉]", "", narrow(name))


def _same_version(left: str, right: str) -> bool:
    return _folded(left).removesuffix("版") == _folded(right).removesuffix("版")
