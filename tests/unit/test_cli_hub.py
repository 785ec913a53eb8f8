"""``qinlian hub``: what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qinlian.cli import main
from qinlian.hub import servers

WITH, WITHOUT = "postgresql+psycopg://grader:long-secret@db/gradebook", "postgresql+psycopg://grader@db/gradebook"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The wishes with which a Hub would have been started."""
    found: list[Any] = []

    def start(*given: Any) -> int:
        found.append(given[2])
        return 0

    monkeypatch.setattr(servers, "run_hub", start)
    monkeypatch.delenv("QINLIAN_DATABASE_URL", raising=False)
    return found


def hub(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["qinlian", "hub", "--root", str(Path(__file__).parents[2]), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_password_on_the_command_line_is_refused_and_not_repeated(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hub(monkeypatch, "--database-url", WITH) == 1
    said = capsys.readouterr().err
    assert "QINLIAN_DATABASE_URL" in said
    assert "long-secret" not in said
    assert asked == []


def test_the_address_comes_from_the_environment_or_without_a_password(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub(monkeypatch, "--database-url", WITHOUT) == 0
    monkeypatch.setenv("QINLIAN_DATABASE_URL", WITH)
    assert hub(monkeypatch) == 0
    assert [wishes.database_url for wishes in asked] == [WITHOUT, WITH]


def test_what_is_no_address_is_said_in_chinese(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hub(monkeypatch, "--database-url", "postgres at db") == 1
    assert "地址不对" in capsys.readouterr().err
