"""The page that checks certificates without a network: one file with the public keys and the signed revocations.

It holds no name: a revocation is a number, an edition and a day. The list is signed like a certificate,
``QLR1|day|number:edition:day,…|key id|signature``, so that nobody can take an entry out of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qinlian.core.zone import BEIJING
from qinlian.reports.certificates.keys import Signer
from qinlian.reports.certificates.statement import signature_text
from qinlian.reports.certificates.store import Revocation
from qinlian.reports.certificates.wording import TEMPLATES

__all__ = ["revocation_list", "verify_page"]

_BUNDLE = Path(__file__).parent / "static" / "verify.js"


def revocation_list(revocations: Sequence[Revocation], day: date, signer: Signer) -> str:
    """The signed list as of ``day``: the last edition of each number that no longer holds."""
    last = {r.number: r for r in sorted(revocations, key=lambda r: r.version)}
    entries = (
        f"{number}:{last[number].version}:{last[number].revoked_at.astimezone(BEIJING).date().isoformat()}"
        for number in sorted(last)
    )
    body = f"QLR1|{day.isoformat()}|{','.join(entries)}|{signer.id}"
    return f"{body}|{signature_text(signer.key.sign(body.encode()))}"


def verify_page(
    title: str, keys: Mapping[str, bytes], revocations: Sequence[Revocation], signer: Signer, now: datetime
) -> str:
    """The page as HTML. ``keys`` are all public keys by id; ``title`` is the course's."""
    day = now.astimezone(BEIJING).date()
    office = {
        "keys": {name: base64.urlsafe_b64encode(key).decode() for name, key in keys.items()},
        "revocations": revocation_list(revocations, day, signer),
    }
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    script, style = _BUNDLE.read_text("utf-8").strip(), (TEMPLATES / "verify.css").read_text("utf-8").strip()
    return environment.get_template("verify.html.j2").render(
        title=title,
        day=day.isoformat(),
        key_ids=list(keys),
        # Inside a script element no markup is read but its own end.
        office=Markup(json.dumps(office).replace("<", "\\u003c")),
        script=Markup(script),
        style=Markup(style),
        script_hash=_hash(script),
        style_hash=_hash(style),
    )


def _hash(text: str) -> str:
    """What the page's own policy allows to run: this text and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
