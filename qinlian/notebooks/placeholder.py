"""What stands in a reflection's cell before anybody wrote; apart, because nbgrader_config.py names it.

Every program reads that file, and nbformat, which makes the notebooks, takes seconds to import.
"""

from __future__ import annotations

__all__ = ["ANSWER_PLACEHOLDER"]

ANSWER_PLACEHOLDER = "（在上面的文本框里写心得，提交后由程序抄到这里。）"
