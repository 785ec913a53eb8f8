"""What came of one or several rounds of grading, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Progress", "Summary", "silent"]

Progress = Callable[[str, int, int], None]
"""(what is being done, how many are done, of how many)."""


def silent(_: str, __: int, ___: int) -> None:
    """Tell nobody."""


@dataclass
class Summary:
    """What came of one or several rounds. ``reasons`` maps a failed folder's name to a Chinese reason.

    ``later`` are learners with whom something passing is wrong: another try may go better.
    """

    graded: int = 0
    recorded: int = 0
    refused: int = 0
    results: int = 0
    feedback: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)

    @property
    def failed(self) -> int:
        """How many attempts were left ungraded by a failure."""
        return len(self.reasons)

    def text(self) -> str:
        """The summary in Chinese, a line for each failure."""
        parts = [f"评分 {self.graded} 份"]
        parts += [f"另记录 {self.recorded} 份先前或迟交的作答"] if self.recorded else []
        parts += [f"拒收 {self.refused} 份"] if self.refused else []
        parts += [f"发出结果 {self.results} 份、反馈页 {self.feedback} 份"]
        parts += [f"没有评完 {self.failed} 份"] if self.failed else []
        return "\n".join(["，".join(parts), *(f"  {name}：{why}" for name, why in sorted(self.reasons.items()))])
