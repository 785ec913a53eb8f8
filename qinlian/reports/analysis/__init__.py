"""Item analysis: classical test theory over the frames of ``qinlian.reports.frames``. Pure functions, no I/O."""

from qinlian.reports.analysis.bars import SMALLEST
from qinlian.reports.analysis.distribution import score_distribution
from qinlian.reports.analysis.drawn import GROUPS
from qinlian.reports.analysis.flags import flags
from qinlian.reports.analysis.gain import Gain, gain
from qinlian.reports.analysis.items import item_table
from qinlian.reports.analysis.mastery import mastery
from qinlian.reports.analysis.options import distractors
from qinlian.reports.analysis.reliability import Reliability, reliability
from qinlian.reports.analysis.summaries import (
    distribution_sentence,
    gain_sentence,
    mastery_sentences,
    reliability_sentence,
)

__all__ = [
    "GROUPS",
    "SMALLEST",
    "Gain",
    "Reliability",
    "distractors",
    "distribution_sentence",
    "flags",
    "gain",
    "gain_sentence",
    "item_table",
    "mastery",
    "mastery_sentences",
    "reliability",
    "reliability_sentence",
    "score_distribution",
]
