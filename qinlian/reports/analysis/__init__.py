"""Item analysis: classical test theory over the frames of ``qinlian.reports.frames``. Pure functions, no I/O."""

from qinlian.reports.analysis.drawn import GROUPS
from qinlian.reports.analysis.evidence import key_evidence
from qinlian.reports.analysis.flags import LABELS, SEVERITY, SMALLEST, flags
from qinlian.reports.analysis.items import item_table
from qinlian.reports.analysis.options import distractors
from qinlian.reports.analysis.reliability import Reliability, reliability

__all__ = [
    "GROUPS",
    "LABELS",
    "SEVERITY",
    "SMALLEST",
    "Reliability",
    "distractors",
    "flags",
    "item_table",
    "key_evidence",
    "reliability",
]
