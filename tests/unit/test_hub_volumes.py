"""What a classroom in a cluster needs before anybody comes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from qinlian.errors import HubError
from qinlian.hub.volumes import main, make_folders


def modes(root: Path) -> dict[str, int]:
    return {str(p.relative_to(root)): stat.S_IMODE(p.stat().st_mode) for p in root.rglob("*")}


@pytest.fixture
def volumes(tmp_path: Path) -> tuple[Path, Path, Path]:
    exchange, homes, classroom = tmp_path / "exchange", tmp_path / "homes", tmp_path / "classroom"
    for volume in (exchange, homes, classroom):
        volume.mkdir()
    return exchange, homes, classroom


def test_what_people_put_in_can_be_seen_by_nobody_else(volumes: tuple[Path, Path, Path]) -> None:
    make_folders(*volumes, "qinlian")
    exchange, homes, classroom = volumes
    assert modes(exchange) == {
        "qinlian": 0o755,
        "qinlian/outbound": 0o755,
        "qinlian/inbound": 0o1733,
        "qinlian/feedback": 0o711,
    }
    assert modes(homes) == {"people": 0o1733}
    assert set(modes(classroom).values()) == {0o700}


def test_a_second_time_mends_the_modes_and_leaves_what_is_inside(volumes: tuple[Path, Path, Path]) -> None:
    make_folders(*volumes, "qinlian")
    exchange, homes, _ = volumes
    (homes / "people" / "ql1001").mkdir(mode=0o700)
    (exchange / "qinlian" / "inbound").chmod(0o777)
    make_folders(*volumes, "qinlian")
    assert stat.S_IMODE((exchange / "qinlian" / "inbound").stat().st_mode) == 0o1733
    assert stat.S_IMODE((homes / "people" / "ql1001").stat().st_mode) == 0o700


def test_a_volume_that_lets_the_grader_write_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "exchange").write_text("a file where the volume should be")
    with pytest.raises(HubError, match=rf"exchange.*{os.geteuid()}"):
        make_folders(tmp_path / "exchange", tmp_path, tmp_path, "qinlian")


def test_without_a_database_it_says_what_to_do(
    volumes: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("QINLIAN_DATABASE_URL", raising=False)
    assert main(["--state", str(volumes[0].parent), "--course", "qinlian"]) == 1
    assert "QINLIAN_DATABASE_URL" in capsys.readouterr().err
