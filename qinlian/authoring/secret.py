"""course/secret.txt: the key from which public ids are made."""

from __future__ import annotations

import re
from pathlib import Path

from qinlian.core.identity import Identity
from qinlian.errors import CourseError

__all__ = ["SECRET_NAME", "load_identity", "read_secret", "secret_problem"]

SECRET_NAME = "secret.txt"
_BYTES = 32


def _read(course_dir: Path) -> bytes | str:
    """The secret, or a Chinese reason why there is none; the reason never quotes the file."""
    path = course_dir / SECRET_NAME
    try:
        text = path.read_bytes().decode("utf-8-sig").strip()
    except FileNotFoundError:
        return "没有密钥文件 secret.txt"
    except (OSError, UnicodeDecodeError):
        return "密钥文件 secret.txt 读不出来"
    if not re.fullmatch(r"[0-9A-Fa-f]*", text) or len(text) % 2:
        return "密钥文件 secret.txt 应只有一行十六进制数"
    if len(text) < 2 * _BYTES:
        return f"密钥太短：至少要 {2 * _BYTES} 个十六进制数字"
    return bytes.fromhex(text)


HINT = "用 openssl rand -hex 32 生成一行，存进 course/secret.txt"


def secret_problem(course_dir: Path) -> str:
    """Why the course's secret cannot be used, or empty."""
    found = _read(course_dir)
    return found if isinstance(found, str) else ""


def read_secret(course_dir: Path) -> bytes:
    """The secret's bytes. Raises CourseError when the file is missing, malformed or too short."""
    found = _read(course_dir)
    if isinstance(found, str):
        raise CourseError(f"{found}；{HINT}")
    return found


def load_identity(course_dir: Path) -> Identity:
    """The maker of this course's public ids. Raises CourseError as ``read_secret`` does."""
    return Identity(read_secret(course_dir))
