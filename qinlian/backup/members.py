"""What a backup file is made of: a tar under gzip, whose last member lists all others with their digests.

``header.json`` first, then ``database/``, ``files/<place>/…``, ``arrivals.jsonl`` (when submissions had arrived,
by the clock of the machine they arrived at) and ``manifest.jsonl``.
"""

from __future__ import annotations

import grp
import json
import pwd
import tarfile
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qinlian.errors import BackupError

__all__ = [
    "ARRIVALS",
    "DATABASE",
    "FILES",
    "HEADER",
    "HUB_SETTINGS",
    "MANIFEST",
    "Archive",
    "Header",
    "check_name",
    "group_name",
    "line_of",
    "mark_same",
    "parse_header",
    "same_as",
    "user_name",
]

HEADER, MANIFEST, ARRIVALS = "header.json", "manifest.jsonl", "arrivals.jsonl"
DATABASE, FILES = "database", "files"
HUB_SETTINGS = f"{FILES}/hub/settings.json"
_SAME = "QINLIAN.same"
_FORMAT = 1
_LONGEST, _DEEPEST = 4096, 100


class Archive(tarfile.TarFile):
    """A tar that does not remember every member it wrote or read: there may be millions."""

    def forget(self) -> None:
        """Let go of the members so far."""
        self.members: list[tarfile.TarInfo] = []


class Header(BaseModel):
    """What a backup says of itself; ``files`` and ``size`` (bytes) were counted before they were copied."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    what: Literal["qinlian.backup"] = "qinlian.backup"
    format: int = _FORMAT
    product: str
    kind: str
    course: str
    database: str
    made_at: datetime
    files: int
    size: int


def parse_header(data: bytes) -> Header:
    """The header; raises BackupError when this is no backup, or one of a newer program."""
    try:
        found = json.loads(data)
        if isinstance(found, dict) and found.get("what") == "qinlian.backup" and found.get("format") != _FORMAT:
            raise BackupError(
                f"这份备份是程序 {str(found.get('product'))[:20]} 版写的，格式较新；请先把程序升到那一版再恢复"
            )
        return Header.model_validate(found)
    except (ValueError, RecursionError):
        raise not_ours() from None


def not_ours() -> BackupError:
    """The file is something else."""
    return BackupError("这个文件不是 qinlian backup 写的备份；请检查文件名")


def check_name(name: str) -> PurePosixPath:
    """A member's name as a path; raises BackupError unless it is one that ``qinlian backup`` would write."""
    parts = name.split("/")
    fits = len(name) <= _LONGEST and len(parts) <= _DEEPEST and "\0" not in name
    known = name in (HEADER, MANIFEST, ARRIVALS) or (parts[0] in (DATABASE, FILES) and len(parts) > 1)
    if not fits or not known or any(part in ("", ".", "..") for part in parts):
        raise BackupError("备份里有不该有的路径，可能被人改过；没有恢复，请换一份备份")
    return PurePosixPath(*parts)


def line_of(member: tarfile.TarInfo, digest: str) -> bytes:
    """One line of the manifest: everything that is restored of a member."""
    kind = "d" if member.isdir() else "f"
    who = [member.uid, member.gid, member.uname, member.gname]
    record = [kind, member.name, member.size, digest, member.mode, *who, member.pax_headers.get(_SAME, "")]
    return json.dumps(record).encode("ascii") + b"\n"


def mark_same(member: tarfile.TarInfo, earlier: str) -> None:
    """Make it say that it is the same file as one before it, under another name."""
    member.size, member.pax_headers = 0, {_SAME: earlier}


def same_as(member: tarfile.TarInfo) -> PurePosixPath | None:
    """The member before it whose content is this one's too. Raises BackupError as ``check_name`` does."""
    earlier = member.pax_headers.get(_SAME)
    return check_name(earlier) if earlier is not None else None


@lru_cache(maxsize=4096)
def user_name(uid: int) -> str:
    """The user's name, or "" for a number without one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


@lru_cache(maxsize=4096)
def group_name(gid: int) -> str:
    """The group's name, or ""."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""
