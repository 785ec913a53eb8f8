"""What a learner's page is given of each activity, as last approved.

QINLIAN_UPDATE_GOLDEN=1 python -m pytest tests/golden   writes what is made now
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from qinlian.core.model import Course, Item
from qinlian.notebooks.publish import published_item
from tests import ledger_sample, sample, selfcheck
from tests.sample import IDS
from tests.unit.decision_stories import TEA, case

GOLDEN = Path(__file__).parent / "activities"
MADE: dict[str, tuple[Course, Item]] = {
    "decision-practice": (sample.COURSE, case(TEA)),
    "decision-graded": (sample.COURSE, case(TEA, id="LZ-90-D2", use="测验")),
    "ledger-practice": (ledger_sample.LEDGER_COURSE, ledger_sample.PRACTICE),
    "ledger-graded": (ledger_sample.LEDGER_COURSE, ledger_sample.GRADED),
    "selfcheck": (selfcheck.COURSE, selfcheck.CHECK),
}


def made(name: str) -> str:
    course, item = MADE[name]
    public: dict[str, Any] = published_item(course, item, IDS)
    # One variant shows the shape of all; their digests are kept elsewhere.
    public["variants"] = public.get("variants", [])[:1]
    return json.dumps(public, ensure_ascii=False, indent=1) + "\n"


@pytest.mark.parametrize("name", MADE)
def test_an_activity_reaches_the_learner_as_last_approved(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    text = made(name)
    if os.environ.get("QINLIAN_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [n for n in MADE if n.endswith("graded")])
def test_a_graded_activity_carries_nothing_to_practise_with(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert "practice" not in golden
    assert not any("practice" in variant for variant in golden["variants"])
