"""What may stand in the cells of a roster's sheet, and what is said of anything else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import get_args

from qinlian.authoring.textfile import nearest
from qinlian.core.width import narrow
from qinlian.roster.people import LEARNER, NUMBER, Role
from qinlian.roster.units import SEPARATOR, tidy

__all__ = [
    "EXAMPLE",
    "ROLES",
    "FieldError",
    "parse_department",
    "parse_email",
    "parse_name",
    "parse_number",
    "parse_role",
    "parse_track",
    "parse_unit",
]

ROLES: tuple[Role, ...] = get_args(Role)
EXAMPLE = "示例"
"""The name of the person in the template's example row begins with this."""
_NAME_LENGTH, _UNIT_LENGTH, _PART_LENGTH, _DEPARTMENT_LENGTH, _EMAIL_LENGTH = 64, 300, 100, 100, 128
_IN_NAMES = " ·•‧・.-'’()（）"
# Nothing that HTML, a formula or a path could take for its own ever gets into the database.
_NOT_IN_UNITS = '<>"\\|`$=@*?:;'
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+", re.ASCII)


class FieldError(ValueError):
    """A cell's text cannot be taken: a diagnostic's code, message and hint."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


def _shown(character: str) -> str:
    if character == " ":
        return "空格"
    return f"“{character}”" if character.isprintable() else f"看不见的字符 U+{ord(character):04X}"


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _invisible(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ" and character != " "


def parse_name(text: str) -> str:
    """A person's name; the spaces that fill a two-character name are taken out. Raises FieldError (E701)."""
    name = _spaced(text)
    if not re.search("[A-Za-z]", name):
        name = name.replace(" ", "")
    if not name:
        raise FieldError("E701", "没有写姓名", "补上姓名")
    for character in name:
        if unicodedata.category(character)[0] not in "LMN" and character not in _IN_NAMES:
            raise FieldError("E701", f"姓名里不能有{_shown(character)}", "只写名字本身，重新输入")
    if len(name) > _NAME_LENGTH:
        raise FieldError("E701", f"姓名有 {len(name)} 个字", f"不超过 {_NAME_LENGTH} 个字")
    return name


def parse_number(text: str) -> str:
    """A 工号; 20240001.0 is what Excel makes of 20240001. Raises FieldError (E702)."""
    number = re.sub(r"(?<=\d)\.0+$", "", narrow(text).strip())
    if not number:
        raise FieldError("E702", "没有写工号", "补上工号")
    if not NUMBER.fullmatch(number):
        bad = next((_shown(c) for c in number if not NUMBER.fullmatch(c)), "")
        what = f"工号里不能有{bad}" if bad else f"工号有 {len(number)} 个字符"
        raise FieldError("E702", what, "只用英文字母、数字、- 和 _，最多 28 个，如 20240001")
    return number


def parse_unit(text: str) -> str:
    """The path of a unit, tidy. Raises FieldError (E704)."""
    if not text.strip():
        raise FieldError("E704", "没有写单位", "从上级写起，如 省开放大学/青禾分校；是合并单元格就取消合并，每人填一格")
    try:
        path = tidy(unicodedata.normalize("NFC", text))
    except ValueError:
        raise FieldError("E704", "单位里有一级是空的", "两个“/”之间写上名称，开头和结尾不写“/”") from None
    _check_text(path, "单位", "E704")
    longest = max(path.split(SEPARATOR), key=len)
    if len(path) > _UNIT_LENGTH or len(longest) > _PART_LENGTH:
        raise FieldError(
            "E704", f"单位有 {len(path)} 个字", f"每级不超过 {_PART_LENGTH} 个，共不超过 {_UNIT_LENGTH} 个"
        )
    return path


def parse_department(text: str) -> str:
    """A department, may be empty. Raises FieldError (E709)."""
    department = _spaced(text)
    _check_text(department, "部门", "E709")
    if len(department) > _DEPARTMENT_LENGTH:
        raise FieldError("E709", f"部门有 {len(department)} 个字", f"不超过 {_DEPARTMENT_LENGTH} 个字")
    return department


def _check_text(text: str, what: str, code: str) -> None:
    for character in text:
        if character in _NOT_IN_UNITS or _invisible(character):
            raise FieldError(code, f"{what}里不能有{_shown(character)}", "只写名称本身，重新输入")


def parse_track(text: str, tracks: Collection[str]) -> str:
    """One of the course's tracks, or empty: then the learner chooses. Raises FieldError (E705)."""
    track = _spaced(text)
    if track and not tracks:
        raise FieldError("E705", "这门课程不分培训对象", "清空这一列")
    if track and track not in tracks:
        raise FieldError("E705", f"没有培训对象“{track}”", nearest(track, tracks))
    return track


def parse_email(text: str) -> str:
    """An address, may be empty. Raises FieldError (E706)."""
    email = narrow(text).strip()
    if email and not _EMAIL.fullmatch(email):
        raise FieldError("E706", f"邮箱“{email[:40]}”写得不对", "写成 name@example.cn，一格只写一个；没有就空着")
    if len(email) > _EMAIL_LENGTH:
        raise FieldError("E706", f"邮箱有 {len(email)} 个字符", f"不超过 {_EMAIL_LENGTH} 个")
    return email


def parse_role(text: str) -> Role:
    """学员, 教师 or 管理员; empty is 学员. Raises FieldError (E707)."""
    role = _spaced(text) or LEARNER
    for known in ROLES:
        if role == known:
            return known
    raise FieldError("E707", f"没有角色“{role[:20]}”", nearest(role, ROLES))
