"""The key that signs certificates: one file on the instructor's side, made once and never written over.

It lies in ``certificates/`` of the classroom's own folder, beside the gradebook, where no learner gets and whence a
backup takes it. It is in no repository, in nothing that is released, and in no message of ours.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from qinlian.errors import CertificateError

__all__ = ["KEY_NAME", "Signer", "load_key", "make_key", "put_aside"]

KEY_NAME = "signing-key.pem"
_RESTORE = "请从最近的备份恢复它（docs/certificates.md 的“保管签发密钥”）"


def _key_id_of(public: bytes) -> str:
    """The short name of a public key: eight characters, which say which key it is and prove nothing."""
    return base64.urlsafe_b64encode(hashlib.sha256(public).digest()[:6]).decode()


@dataclass(frozen=True)
class Signer:
    """A key pair that is at hand. Its private half shows in no message, log or repr."""

    key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The public half, 32 bytes."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def id(self) -> str:
        """Its short name, which every certificate carries."""
        return _key_id_of(self.public)


def load_key(folder: Path) -> Signer | None:
    """The key in ``folder``, None where there is none. Raises CertificateError when it must not or cannot be used."""
    path = folder / KEY_NAME
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CertificateError(
            f"签发密钥 {path} 打不开（{error.strerror}）；请用管评分的账号运行，或检查权限"
        ) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            raise CertificateError(
                f"签发密钥 {path} 别人也能读，没有使用；请先运行 chmod 600 {path}，并想想谁可能看过它"
            )
        data = file.read(10_000)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        # The parser's own message may quote what it read.
        raise CertificateError(f"签发密钥 {path} 损坏了；{_RESTORE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise CertificateError(f"{path} 不是签发密钥；{_RESTORE}")
    return Signer(key)


def make_key(folder: Path) -> Signer:
    """A new key in ``folder``, or the one that somebody else put there first. Raises CertificateError."""
    path = folder / KEY_NAME
    key = Ed25519PrivateKey.generate()
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _give_to_owner_of(folder, Path(name))
            # A link, unlike a rename, never puts one file in the place of another.
            os.link(name, path)
        finally:
            Path(name).unlink()
    except FileExistsError:
        pass
    except OSError as error:
        raise CertificateError(f"签发密钥写不进 {folder}（{error.strerror}）；请检查磁盘空间和权限") from error
    made = load_key(folder)
    if made is None:
        raise CertificateError(f"签发密钥 {path} 刚建好就不见了；请检查磁盘，再运行一次")
    return made


def _give_to_owner_of(folder: Path, path: Path) -> None:
    """On a Hub the administrator works in the grader's folder, and the grader must be able to read what is made."""
    if os.geteuid() == 0:
        above = folder.parent.stat()
        for each in (folder, path):
            os.chown(each, above.st_uid, above.st_gid)


def put_aside(folder: Path) -> Path | None:
    """Give the key another name, by which it is kept, so that a new one can be made; None where there is none.

    Raises CertificateError as ``load_key`` does.
    """
    signer = load_key(folder)
    if signer is None:
        return None
    kept = folder / f"retired-{signer.id}.pem"
    if kept.exists():
        raise CertificateError(f"{kept} 已经有了；请先查清两把密钥各是哪一把，没有更换")
    shutil.move(folder / KEY_NAME, kept)
    return kept
