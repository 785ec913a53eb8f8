"""The words for how far a learner is in a module, and for what came and has no result yet."""

from __future__ import annotations

__all__ = ["GRADED", "NOT_BEGUN", "SENT", "STATES", "UNGRADED", "UNREAD"]

NOT_BEGUN, SENT, UNREAD, GRADED = "未开始", "已提交", "待评阅", "已评分"
STATES = (NOT_BEGUN, SENT, UNREAD, GRADED)
"""In the order of the way; 已提交 waits for the grader, 待评阅 for somebody who reads the reflection."""
UNGRADED = ("已收", "停放")
"""States of an arrival that has no result yet, also where grading it failed."""
