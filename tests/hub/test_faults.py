"""Each fault once, on a real Hub with PostgreSQL; ``python -m tests.faults --rounds 100`` tries them many times."""

from __future__ import annotations

import pytest

from tests.faults.__main__ import main

pytestmark = [pytest.mark.hub, pytest.mark.accounts]


def test_after_every_fault_everything_acknowledged_is_there_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "1", "--few", "1"]) == 0
    said = capsys.readouterr().out
    for name in ("worker", "hub", "database", "disk", "readonly"):
        assert f"{name}: 1 rounds, every one whole" in said
    assert "submissions acknowledged and graded once" in said
