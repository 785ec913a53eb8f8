"""Questions → GIFT, as Moodle reads it: ids and tags stand in the comment above a question."""

from __future__ import annotations

from collections.abc import Sequence

from qinlian.authoring.interchange.asked import Asked, Choice, Losses, Outgoing
from qinlian.authoring.interchange.gift import RUBRIC
from qinlian.authoring.interchange.leaving import names_letters
from qinlian.authoring.interchange.moodle_losses import tell_labels, tell_pairs, tell_whole
from qinlian.authoring.interchange.moodle_text import pattern, to_moodle
from qinlian.authoring.interchange.rubric import write_rubric

__all__ = ["write_gift"]

_SPECIAL = {ord(sign): f"\\{sign}" for sign in "\\~=#{}:"} | {ord("\n"): "\\n", ord("\r"): None}


def write_gift(banks: Sequence[Outgoing], losses: Losses) -> bytes:
    """The questions as one GIFT file; W662 to ``losses`` for what GIFT cannot hold."""
    parts = []
    for bank in banks:
        parts.append(f"$CATEGORY: $course$/top/{bank.category}\n")
        for asked in bank.questions:
            losses.of(asked.id)
            if written := _question(asked, losses):
                parts.append(written)
    return "\n".join(parts).encode()


def _plain(text: str) -> str:
    return text.translate(_SPECIAL)


def _words(text: str) -> str:
    """A text in the question's own format; one that begins like a format's name or a comment says which it is."""
    return ("[markdown]" if text.startswith(("[", "//")) else "") + _plain(to_moodle(text))


def _question(asked: Asked, losses: Losses) -> str:
    answers = _answers(asked, losses)
    if answers is None:
        return ""
    tell_labels(asked, losses)
    tags = " ".join(f"[tag:{_bracketed(label)}]" for label in asked.labels)
    head = f"// [id:{_bracketed(asked.id)}] {tags}".rstrip()
    general = asked.explanation
    if asked.kind == "心得":
        general = f"{general}\n\n{RUBRIC}\n{write_rubric(asked)}".strip()
    closing = f"####{_words(general)}\n" if general else ""
    return f"{head}\n::{_plain(asked.name)}::[markdown]{_plain(to_moodle(asked.stem))}{{{answers}{closing}}}\n"


def _bracketed(text: str) -> str:
    return text.replace("]", "\\]")


def _feedback(choice: Choice) -> str:
    return f"#{_words(choice.feedback)}" if choice.feedback else ""


def _answers(asked: Asked, losses: Losses) -> str | None:
    """What stands in the braces, or None for a question that GIFT has no form for."""
    match asked.kind:
        case "单选" | "多选":
            return _options(asked, losses)
        case "判断":
            true, false = asked.choices
            right, wrong = (true, false) if true.fraction > 0 else (false, true)
            tail = f"#{_words(wrong.feedback)}#{_words(right.feedback)}" if wrong.feedback or right.feedback else ""
            return f"{'TRUE' if right is true else 'FALSE'}{tail}"
        case "填空":
            return _blank(asked, losses)
        case "配对":
            return _pairs(asked, losses)
        case "排序":
            if any(choice.feedback for choice in asked.choices):
                losses.say("W662", "GIFT 的排序题没有每一步的反馈，没有导出", "要紧的话写进解析，或导出成 Moodle XML")
            grading = "ALL_OR_NOTHING" if asked.whole else "ABSOLUTE_POSITION"
            steps = "".join(f"{_words(choice.text)}\n" for choice in asked.choices)
            return f">0 ALL VERTICAL {grading} SHOW none\n{steps}"
        case "心得":
            return ""


def _options(asked: Asked, losses: Losses) -> str:
    if names_letters(asked):
        message = "解析或反馈里提到了选项字母，而 GIFT 不能让选项不打乱"
        losses.say("W662", message, "导入 Moodle 后关掉“随机排列选项”，或改导出 Moodle XML")
    tell_whole(asked, losses)
    lines = []
    for choice in asked.choices:
        share = f"%{choice.fraction:.5f}".rstrip("0").rstrip(".") + "%"
        mark = f"~{share}"
        if asked.kind == "单选":  # a wrong option that begins with % would look like a share
            mark = "=" if choice.fraction > 0 else "~%0%" if choice.text.startswith("%") else "~"
        lines.append(f"\t{mark}{_words(choice.text)}{_feedback(choice)}\n")
    return "\n" + "".join(lines)


def _blank(asked: Asked, losses: Losses) -> str | None:
    if len(asked.choices) > 1:
        losses.leave_out(f"有 {len(asked.choices)} 个空，GIFT 一题只能有一个空", "改导出 Moodle XML，或拆成几道题")
        return None
    choice = asked.choices[0]
    if "->" in choice.text or "->" in choice.feedback:
        losses.leave_out("答案或反馈里有 ->，GIFT 会当成配对", "改成 →，或改导出 Moodle XML")
        return None
    lines = [f"\t=%100%{_plain(pattern(spelling.strip()))}#\n" for spelling in choice.text.split("|")]
    lines += [f"\t=%0%*#{_words(choice.feedback)}\n"] if choice.feedback else []
    return "\n" + "".join(lines)


def _pairs(asked: Asked, losses: Losses) -> str:
    tell_pairs(asked, losses, "GIFT")
    return "\n" + "".join(f"\t={_words(c.text)} -> {_plain(c.right)}\n" for c in asked.choices)
