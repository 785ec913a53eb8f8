"""What a local classroom's folders let others do: nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.classroom.layout import Layout


@pytest.mark.parametrize("elsewhere", [False, True])
def test_answers_and_secrets_lie_in_folders_that_are_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    if elsewhere:
        monkeypatch.setenv("QINLIAN_CLASSROOM", str(tmp_path / "classroom"))
    layout = Layout(tmp_path)
    layout.make()
    assert {p.stat().st_mode & 0o777 for p in (layout.base, layout.autograded)} == {0o700}


def test_it_is_marked_as_one_users_outside_the_exchange(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    layout.make()
    assert (layout.base / "one-user").is_file()
    assert not list(layout.exchange.iterdir())
