"""What Moodle cannot hold, whichever of its two formats carries it: W662 to the author."""

from __future__ import annotations

from qinlian.authoring.interchange.asked import Asked, Losses
from qinlian.authoring.interchange.labels import LONGEST_LABEL
from qinlian.authoring.interchange.markup import from_plain

__all__ = ["tell_labels", "tell_pairs", "tell_whole"]

_NO_WHOLE = {
    "多选": ("Moodle 没有“全对得分”，漏选会按比例给分", "要全对才给分，在 Moodle 里装 All-or-Nothing 题型"),
    "填空": ("Moodle 按空给分，没有“全对得分”", "要全对才给分，就拆开或改题型"),
    "配对": ("Moodle 的配对题按对数给分，没有“全对得分”", "要全对才给分，就改题型"),
}


def tell_whole(asked: Asked, losses: Losses) -> None:
    """Tell of a question that earns nothing unless it is wholly right, where Moodle gives a part."""
    if asked.whole and asked.kind in _NO_WHOLE:
        losses.say("W662", *_NO_WHOLE[asked.kind])


def tell_pairs(asked: Asked, losses: Losses, form: str) -> None:
    """Tell of what pairs lose; ``form`` is what the file is called."""
    tell_whole(asked, losses)
    # Moodle shows a right side as it stands.
    if any(from_plain(choice.right).text != choice.right for choice in asked.choices):
        losses.say("W662", "右项里的 Markdown 记号在 Moodle 里会原样显示", "右项只写文字，不加粗、不写链接")
    if any(choice.feedback for choice in asked.choices):
        losses.say("W662", f"{form} 的配对题没有每一对的反馈，没有导出", "要紧的话写进解析")


def tell_labels(asked: Asked, losses: Losses) -> None:
    """Tell of labels that Moodle cuts off."""
    for label in asked.labels:
        if len(label) > LONGEST_LABEL:
            losses.say("W662", f"“{label[:16]}…”超过 {LONGEST_LABEL} 字，Moodle 会截断", "把它写短")
