"""The bars by which numbers become words, and whose they are. docs/item-analysis.md tells them to instructors."""

from __future__ import annotations

__all__ = [
    "ASKED",
    "EASY",
    "EFFECTS",
    "ENOUGH",
    "GOOD",
    "HARD",
    "LEARNT",
    "LIKELY",
    "LOW",
    "MASTERED",
    "NOT_WORSE",
    "OMITTED",
    "SMALLEST",
    "SMALLEST_KEY",
    "UNSURE",
    "UNUSED",
]

SMALLEST = 20
"""People before anything is said of an item's difficulty, discrimination or distractors, of a topic or of a quiz."""
SMALLEST_KEY = 10
"""People before a key is doubted: to look at an answer once more costs a minute, and harms nobody."""

EASY, HARD = 0.95, 0.30
"""Facility from which an item tells hardly anybody apart, and down to which guessing among four does nearly as well."""
LOW, UNSURE = 0.20, 0.30
"""Discrimination below which an item is poor, and that an interval must not reach for this to be sure (Ebel & Frisbie
1991: 0.40 very good, 0.30 good, 0.20 to be improved, below poor)."""
OMITTED = 0.10
"""Share of people who left an item empty."""
UNUSED = 0.05
"""Share below which a distractor does no work (Haladyna & Downing 1993)."""

LIKELY, ASKED = 2.0, 0.25
"""Strength of ``key_evidence`` from which the key is likely wrong, and from which one should look once more. Ours: set
where a wrong key among forty comes first and a right one is hardly ever called wrong; tests tell how often."""
NOT_WORSE = -1.645
"""z of ability: where those who side against the key are surely (95 %) the weaker ones, the key is right and hard."""

ENOUGH, GOOD = 0.70, 0.80
"""Alpha that does for a quiz along the way, and for a decision on people (Nunnally & Bernstein 1994)."""
EFFECTS = ((0.8, "大"), (0.5, "中等"), (0.2, "小"))
"""Effect sizes in words (Cohen 1988)."""
MASTERED = 0.8
"""Mean fraction from which a person has mastered a topic (Bloom 1968 asks for 80 to 90 %)."""
LEARNT = 0.6
"""Mean of all below which a topic is to be taught again: the usual pass mark."""
