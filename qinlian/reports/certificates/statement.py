"""What a certificate says, as one line of text that is signed, printed as a QR code, and checked without a network.

``QL1|结业证书|JY2026-000123|1|周晓岚|省开放大学/青禾分校|青年干部|勤廉学堂|27.5|88.5|2026-11-30|key id|signature``

The signature is Ed25519 (Bernstein, Duif, Lange, Schwabe and Yang, 2012; RFC 8032) over the UTF-8 of everything
before its own ``|``. A bar, a percent sign and every blank but a plain space stand as ``%XX`` in a field, so that one
statement has one text and a text has one meaning. The page that checks offline reads the same line (js/statement.js).
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from qinlian.authoring.certificates import CERTIFICATE_KINDS
from qinlian.errors import CertificateError

__all__ = [
    "COMPLETION",
    "HOURS",
    "KINDS",
    "PREFIX",
    "Kind",
    "Signed",
    "Statement",
    "find_text",
    "plain_number",
    "sign",
    "signature_text",
    "verify",
]

PREFIX = "QL1"
_FIELDS = 11
_NUMBER = re.compile(r"[A-Z]{2}[0-9]{4}-[0-9]{6,9}", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?", re.ASCII)
_LONGEST = 4000
"""Characters of a text in which a statement is looked for; a QR code holds at most 2,953 bytes."""


@dataclass(frozen=True)
class Kind:
    """One kind of certificate. ``letters`` begin its numbers."""

    name: str
    letters: str


COMPLETION, HOURS = CERTIFICATE_KINDS
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (Kind(COMPLETION, "JY"), Kind(HOURS, "XS"))}


@dataclass(frozen=True)
class Statement:
    """What one edition of one certificate says. ``hours`` are 学时; ``score`` is in percent, None for none."""

    kind: str
    number: str
    version: int
    name: str
    unit: str
    track: str
    course: str
    hours: float
    score: float | None
    day: date

    def fields(self) -> tuple[str, ...]:
        """The parts of its text, in their order, without key and signature."""
        score = "" if self.score is None else plain_number(self.score)
        texts = (self.name, self.unit, self.track, self.course)
        return (
            self.kind,
            self.number,
            str(self.version),
            *map(_escaped, texts),
            plain_number(self.hours),
            score,
            self.day.isoformat(),
        )


@dataclass(frozen=True)
class Signed:
    """A statement as it was found, not yet believed: ``text`` is all of it, ``body`` what the signature covers."""

    statement: Statement
    key_id: str
    body: bytes
    signature: bytes
    text: str


def plain_number(value: float) -> str:
    """A number as people write it, with at most two decimals: 27.5, 28."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _escaped(text: str) -> str:
    tidy = unicodedata.normalize("NFC", text).strip()
    return "".join(c if c == " " or (c.isprintable() and c not in "|%") else _percent(c) for c in tidy)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _unescaped(field: str) -> str:
    return unquote_to_bytes(field.encode("utf-8")).decode("utf-8")


def signature_text(signature: bytes) -> str:
    """A signature as a text carries it: base64url without padding."""
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")


def sign(statement: Statement, key_id: str, key: Ed25519PrivateKey) -> str:
    """The signed text. The same statement and key give the same text."""
    body = "|".join((PREFIX, *statement.fields(), key_id))
    return f"{body}|{signature_text(key.sign(body.encode()))}"


def find_text(text: str) -> Signed:
    """The statement in ``text``, which somebody typed, pasted or scanned; nothing about it is believed yet.

    Raises CertificateError when there is none, or when it is not one that ``sign`` would write.
    """
    found = re.search(rf"{PREFIX}\|[^\r\n]*", text[:_LONGEST].replace("\ufeff", ""))
    if found is None:
        raise CertificateError(f"这里没有证书的核验文字；它以 {PREFIX}| 开头，请把二维码扫出的文字完整地粘贴进来")
    line = found.group().strip()
    body, _, tail = line.rpartition("|")
    parts = body.split("|")
    if len(parts) != _FIELDS + 1:
        raise CertificateError("核验文字不完整或被改动；请重新扫一次二维码，把文字完整地粘贴进来")
    try:
        signature = base64.b64decode(tail + "=" * (-len(tail) % 4), altchars=b"-_", validate=True)
        statement = _statement(parts[1:-1])
        unchanged = "|".join((PREFIX, *statement.fields(), parts[-1])) == body
    except (ValueError, binascii.Error):
        unchanged = False
    # Another way to write the same bits would be another text for one signature.
    if not unchanged or len(signature) != 64 or signature_text(signature) != tail:
        raise CertificateError("核验文字不完整或被改动；请重新扫一次二维码，把文字完整地粘贴进来")
    return Signed(statement, parts[-1], body.encode(), signature, line)


def _statement(fields: list[str]) -> Statement:
    kind, number, version, name, unit, track, course, hours, score, day = fields
    if kind not in KINDS or not _NUMBER.fullmatch(number) or not version.isdecimal():
        raise ValueError("not of ours")
    if not _AMOUNT.fullmatch(hours) or not (score == "" or _AMOUNT.fullmatch(score)):
        raise ValueError("not a number")
    return Statement(
        kind=kind,
        number=number,
        version=int(version),
        name=_unescaped(name),
        unit=_unescaped(unit),
        track=_unescaped(track),
        course=_unescaped(course),
        hours=float(hours),
        score=float(score) if score else None,
        day=date.fromisoformat(day),
    )


def verify(signed: Signed, keys: Mapping[str, bytes]) -> bool | None:
    """True when the key that it names made the signature, False when not, None when no key of that id is ours.

    ``keys`` are the public keys by id, 32 bytes each.
    """
    public = keys.get(signed.key_id)
    if public is None:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signed.signature, signed.body)
    except InvalidSignature:
        return False
    return True
