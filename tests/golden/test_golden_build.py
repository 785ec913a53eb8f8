"""The files a learner gets for the sample course, as they stood when somebody last looked at them.

Run with QINLIAN_UPDATE_GOLDEN=1 to accept a change, and read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qinlian.notebooks.notebook import notebook_bytes, source_notebook
from qinlian.notebooks.publish import lesson_bytes, publish
from tests.sample import COURSE, IDS, MODULE

GOLDEN = Path(__file__).parent / "90-sample"


@pytest.mark.parametrize("name", ["90-sample.ipynb", "lesson.json"])
def test_the_learner_gets_what_was_last_approved(name: str) -> None:
    made = {
        "90-sample.ipynb": lambda: notebook_bytes(source_notebook(COURSE, MODULE, IDS)),
        "lesson.json": lambda: lesson_bytes(publish(COURSE, MODULE, IDS)),
    }[name]()
    if os.environ.get("QINLIAN_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_bytes(made)
    assert made.decode() == (GOLDEN / name).read_text(encoding="utf-8")
