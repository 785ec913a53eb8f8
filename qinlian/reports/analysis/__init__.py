"""Item analysis: classical test theory over the frames of ``qinlian.reports.frames``. Pure functions, no I/O."""

from qinlian.reports.analysis.drawn import GROUPS
from qinlian.reports.analysis.items import item_table
from qinlian.reports.analysis.options import distractors
from qinlian.reports.analysis.reliability import Reliability, reliability

__all__ = ["GROUPS", "Reliability", "distractors", "item_table", "reliability"]
