"""A folder takes another's place whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.grading.folders import replace_folder


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "file").write_text(text)
    return path


def test_the_new_folder_takes_the_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    old, new = folder(tmp_path / "target", "old"), folder(tmp_path / "fresh", "new")
    replace_folder(new, old)
    assert [p.name for p in tmp_path.iterdir()] == ["target"]
    assert (old / "file").read_text() == "new"


def test_where_there_was_none_it_just_takes_the_name(tmp_path: Path) -> None:
    replace_folder(folder(tmp_path / "fresh", "new"), tmp_path / "target")
    assert [p.name for p in tmp_path.iterdir()] == ["target"]


def test_when_the_new_one_cannot_take_it_the_old_one_is_put_back(tmp_path: Path) -> None:
    old = folder(tmp_path / "target", "old")
    with pytest.raises(OSError, match="fresh"):
        replace_folder(tmp_path / "fresh", old)
    assert [p.name for p in tmp_path.iterdir()] == ["target"]
    assert (old / "file").read_text() == "old"
