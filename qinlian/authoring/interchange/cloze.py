"""填空 ⇄ Moodle's embedded answers: ``{1:SHORTANSWER:=一个月~=30日~*#没填对时的反馈}`` in the text of a question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qinlian.authoring.interchange.asked import Choice, Losses
from qinlian.authoring.interchange.moodle_text import cloze_spelling, pattern, plain_answer, unclozed
from qinlian.items.blank import BLANK

__all__ = ["has_cloze", "read_cloze", "short_answer", "write_cloze"]

_PART = re.compile(r"\{\s*(\d*)\s*:\s*([A-Z_]+)\s*:((?:\\.|[^\\{}]|\{(?!\s*\d*\s*:\s*[A-Z]))*)\}", re.S)
_SHORT = frozenset(("SHORTANSWER", "SA", "MW", "SHORTANSWER_C", "SAC", "MWC"))
_ANSWER = re.compile(r"(?P<share>=|%-?[\d.]+%)?(?P<text>(?:\\.|[^\\#])*)(?:#(?P<feedback>.*))?\Z", re.S)


def has_cloze(text: str) -> bool:
    """True when Moodle would see embedded answers in ``text``."""
    return _PART.search(text) is not None


def write_cloze(stem: str, choices: Sequence[Choice]) -> str:
    """The stem with every blank replaced by what it accepts; each is worth the same."""
    parts = iter(choices)

    def part(_: re.Match[str]) -> str:
        choice = next(parts)
        answers = [f"={cloze_spelling(pattern(a.strip()))}" for a in choice.text.split("|")]
        answers += [f"*#{cloze_spelling(choice.feedback)}"] if choice.feedback else []
        return f"{{1:SHORTANSWER:{'~'.join(answers)}}}"

    return BLANK.sub(part, stem)


def read_cloze(text: str, losses: Losses) -> tuple[str, tuple[Choice, ...]] | None:
    """(stem with blanks ____, what each accepts), or None when a part is no short answer."""
    found = list(_PART.finditer(text))
    if not found or any(part[2] not in _SHORT for part in found):
        return None
    if len({part[1] or "1" for part in found}) > 1:
        losses.say("W653", "各空的分值不一样，没有带过来", "每空算一样的分；要分轻重就拆成几道题")
    if any(part[2] in ("SHORTANSWER_C", "SAC", "MWC") for part in found):
        losses.say("W653", "原来区分大小写，这里不区分", "一般不用管")
    choices = tuple(_choice(part[3], losses) for part in found)
    return _PART.sub("____", text), choices


def _choice(body: str, losses: Losses) -> Choice:
    answers = []
    for piece in _split(body):
        match = _ANSWER.match(piece.strip())
        if match:
            share = match["share"] or ""
            fraction = 100.0 if share == "=" else float(share.strip("%") or 0)
            answers.append((unclozed(match["text"]).strip(), fraction, unclozed(match["feedback"] or "").strip()))
    return short_answer(answers, losses)


def _split(body: str) -> list[str]:
    """The alternatives, parted by ``~`` that no backslash precedes."""
    return [m.group(1) for m in re.finditer(r"((?:\\.|[^\\~])*)(?:~|\Z)", body, re.S) if m.group(1)]


def short_answer(answers: Sequence[tuple[str, float, str]], losses: Losses) -> Choice:
    """One blank out of (pattern, percentage, feedback) of a short answer."""
    right = [plain_answer(a, losses) for a, fraction, _ in answers if fraction >= 99]
    partly = [a for a, fraction, _ in answers if 0 < fraction < 99]
    if partly:
        losses.say("W653", f"只得一部分分的答案没有带过来：{'、'.join(partly)[:40]}", "要算对就写进答案，用 | 隔开")
    wrong = [feedback for a, fraction, feedback in answers if a == "*" and fraction <= 0 and feedback]
    lost = [feedback for a, fraction, feedback in answers if feedback and not (a == "*" and fraction <= 0)]
    if lost:
        losses.say("W654", f"各种答法自己的反馈没有带过来：{lost[0][:20]}", "这里一个空只有一条“没填对时的反馈”")
    return Choice(" | ".join(dict.fromkeys(right)), wrong[0] if wrong else "")
