"""Texts as Moodle keeps them: by format, with its own ways of writing blanks, line breaks and short answers."""

from __future__ import annotations

import re

from qinlian.authoring.interchange.asked import Losses
from qinlian.authoring.interchange.markup import from_html, from_plain
from qinlian.authoring.shapes import tidy
from qinlian.authoring.textfile import visible
from qinlian.items.blank import BLANK

__all__ = ["category_name", "cloze_spelling", "from_moodle", "pattern", "plain_answer", "to_moodle", "unclozed"]

_BREAK = re.compile(r"(?<=\S)\n(?=[^\n])")
_BLANKED = re.compile(r"(?:\\_){4,}")
_CLOZE_SPECIAL = re.compile(r'[}~#/"\\]')


def category_name(path: str) -> str:
    """The last folder of a category's path, in which a slash of a name is written twice."""
    return path.strip().replace("//", "\0").rpartition("/")[2].replace("\0", "/").strip()


def to_moodle(text: str) -> str:
    """Our Markdown as Moodle's Markdown shows it the same: a line break stays one, a blank ____ stays a blank."""
    kept = BLANK.sub(lambda m: r"\_" * len(m.group()), text)
    return _BREAK.sub("  \n", kept)


def from_moodle(text: str, form: str, losses: Losses) -> str:
    """A text of Moodle's in one of its formats (html, moodle_auto_format, plain_text, markdown) as our Markdown."""
    if form == "markdown":
        seen = visible(text)
        if seen != text.replace("\r\n", "\n").replace("\r", "\n"):
            losses.parts("W654", ["看不见的字符"], "一般不用管")
        return tidy(_BLANKED.sub(lambda m: "_" * (len(m.group()) // 2), seen))
    found = from_plain(text) if form == "plain_text" else from_html(text)
    if form == "moodle_auto_format":
        found = from_html(text.replace("\n", "<br>") if "<" not in text else text)
    losses.left(found.lost)
    return found.text


def pattern(answer: str) -> str:
    """A spelling as a short answer's pattern: an asterisk is a sign and no wildcard."""
    return answer.replace("*", r"\*")


def plain_answer(answer: str, losses: Losses) -> str:
    """The spelling that a short answer's pattern accepts."""
    if re.search(r"(?<!\\)\*", answer):
        losses.say(
            "W653", f"答案“{answer[:16]}”里的 * 能代表任何文字，这里只按字面比较", "把常见的几种写法用 | 隔开写全"
        )
    return visible(answer.replace(r"\*", "*")).replace("|", "/").strip()


def cloze_spelling(text: str) -> str:
    """A spelling or feedback inside ``{1:SHORTANSWER:…}``."""
    return _CLOZE_SPECIAL.sub(lambda m: f"\\{m.group()}", text)


def unclozed(text: str) -> str:
    """The inverse of ``cloze_spelling``."""
    return re.sub(r'\\([}~#/"\\=])', r"\1", text)
