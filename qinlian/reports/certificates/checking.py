"""What is to be said of a certificate that somebody hands in: as a PDF, as a picture, or as the text of its code."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from qinlian.core.zone import BEIJING
from qinlian.errors import CertificateError
from qinlian.reports.certificates.statement import PREFIX, Signed, find_text, plain_number, verify
from qinlian.reports.certificates.store import CertificateStore, Edition, Revocation

__all__ = ["Checker", "Verdict", "statements_in_pdf"]

_LARGEST = 60_000_000
_IN_PDF = re.compile(rf"{PREFIX}(?:\|[^|\r\n<>]{{0,1500}}){{11}}\|[A-Za-z0-9_-]{{86}}(?![A-Za-z0-9_-])")
_MOST = 5000
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")

Answer = Literal["有效", "已撤销", "被改动", "不是本单位签发", "没有登记"]


@dataclass(frozen=True)
class Verdict:
    """What is to be said. ``signed`` is None where nothing could be read; ``notes`` are Chinese sentences."""

    answer: Answer
    signed: Signed | None
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """For a terminal: the answer, what the certificate says, what to mind."""
        told: list[str] = [self.answer]
        if self.signed is not None:
            said = self.signed.statement
            rows = (
                ("证书", said.kind),
                ("编号", said.number + ("" if said.version == 1 else f" 第 {said.version} 版")),
                ("姓名", said.name),
                ("单位", said.unit),
                ("培训对象", said.track),
                ("课程", said.course),
                ("学时", plain_number(said.hours)),
                ("成绩", "" if said.score is None else plain_number(said.score)),
                ("日期", said.day.isoformat()),
            )
            told += [f"  {name}  {value}" for name, value in rows if value]
        return [*told, *(f"  {note}" for note in self.notes)]


class Checker:
    """Checks against the record of one office."""

    def __init__(self, store: CertificateStore) -> None:
        self._store = store
        self._keys = store.keys()
        self._gone: dict[str, list[Revocation]] = {}
        for revocation in store.revocations():
            self._gone.setdefault(revocation.number, []).append(revocation)

    def text(self, text: str) -> Verdict:
        """Of the text of a code. Raises CertificateError when it is none at all."""
        try:
            signed = find_text(text)
        except CertificateError:
            if f"{PREFIX}|" not in text:
                raise
            return Verdict("被改动", None, ("核验文字不完整或被改动；请重新扫码，把文字完整地粘贴进来",))
        good = verify(signed, self._keys)
        if good is None:
            note = "它用的签发密钥不是本单位的；上面的内容没有经过核实"
            return Verdict("不是本单位签发", signed, (note,))
        if not good:
            return Verdict("被改动", None, ("文字和签名对不上，内容被改过",))
        return self._known(signed)

    def _known(self, signed: Signed) -> Verdict:
        said = signed.statement
        editions = {e.statement.version: e for e in self._store.editions([said.number])}
        mine = editions.get(said.version)
        if mine is None or mine.signed.text != signed.text:
            note = "签名是本单位的密钥，册里却没有这一份：可能恢复过旧的备份，也可能密钥泄露过；请查清楚再认"
            return Verdict("没有登记", signed, (note,))
        for revocation in self._gone.get(said.number, []):
            if revocation.version >= said.version:
                day = revocation.revoked_at.astimezone(BEIJING).date()
                return Verdict("已撤销", signed, (f"{day} 撤销：{revocation.why}",))
        return Verdict("有效", signed, tuple(_newer(said.version, editions.values())))

    def pdf(self, data: bytes) -> list[Verdict]:
        """Of a PDF: what it says of itself, and whether it is the very file that was issued.

        A file without such a text, as a scanner makes it, is looked at as pictures. Raises CertificateError.
        """
        texts = statements_in_pdf(data)
        if not texts:
            from qinlian.reports.certificates.seeing import texts_in_pdf

            return self._pictures(
                texts_in_pdf(data), "这个 PDF 里没有读出证书的二维码；请用签发的原文件，或拍清楚二维码"
            )
        issued = self._store.file(hashlib.sha256(data).hexdigest())
        found = []
        for text in texts:
            verdict = self.text(text)
            if verdict.answer == "有效" and verdict.signed is not None and len(texts) == 1:
                said = verdict.signed.statement
                original = issued == (said.number, said.version)
                note = "这个文件就是签发的原件" if original else "这个文件不是签发的原件（另存或改动过）"
                compare = () if original else ("请和文件上印的逐项核对，有一项不一样就是被改过",)
                verdict = Verdict(verdict.answer, verdict.signed, (note, *compare, *verdict.notes))
            found.append(verdict)
        return found

    def file(self, path: Path) -> list[Verdict]:
        """Of a file: PDF, picture or text. Raises CertificateError."""
        try:
            if path.stat().st_size > _LARGEST:
                raise CertificateError(f"{path} 超过 60 MB，没有读；请只选证书的文件")
            data = path.read_bytes()
        except OSError as error:
            raise CertificateError(f"{path} 读不出来（{error.strerror}）；请检查文件名和权限") from None
        if data.startswith(b"%PDF-"):
            return self.pdf(data)
        if data.startswith(_IMAGES):
            from qinlian.reports.certificates.seeing import texts_in_image

            nothing = f"{path} 里没有读出证书的二维码；请对准二维码、光线均匀地再拍一张"
            return self._pictures(texts_in_image(data), nothing)
        return [self.text(data.decode("utf-8", "replace"))]

    def _pictures(self, texts: Iterable[str], nothing: str) -> list[Verdict]:
        found = [self.text(text) for text in dict.fromkeys(texts) if f"{PREFIX}|" in text]
        if not found:
            raise CertificateError(nothing)
        compare = "请和证书上印的逐项核对，有一项不一样，就是被改过，或贴了别人的二维码"
        return [Verdict(v.answer, v.signed, (*v.notes, compare)) if v.answer == "有效" else v for v in found]


def _newer(version: int, editions: Iterable[Edition]) -> Iterable[str]:
    newest = max(editions, key=lambda edition: edition.statement.version).statement
    if newest.version > version:
        yield f"之后还发过第 {newest.version} 版（{newest.day}），学时以新的为准"


def statements_in_pdf(data: bytes) -> list[str]:
    """The signed texts that a PDF of ours carries in its metadata, which are not packed."""
    text = data.decode("utf-8", "replace")
    found = dict.fromkeys(html.unescape(one.group()) for one in islice(_IN_PDF.finditer(text), _MOST))
    return list(found)
