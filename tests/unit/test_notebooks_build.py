"""Putting source/ and release/ in place: the new ones or the old ones, never none."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.notebooks import build as builder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that holds an old build, and whose new build is one line a folder."""
    for name in ("source", "release"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lesson").write_text("old")

    def into(_root: Path, target: Path, _progress: object) -> None:
        for name in ("source", "release"):
            (target / name).mkdir()
            (target / name / "lesson").write_text("new")

    monkeypatch.setattr(builder, "_into", into)
    return tmp_path


def test_a_build_takes_the_place_of_the_old_one(root: Path) -> None:
    assert builder.build(root) == ("release/lesson", "source/lesson")
    assert [(root / name / "lesson").read_text() for name in ("source", "release")] == ["new", "new"]
    assert sorted(p.name for p in root.iterdir()) == ["release", "source"]


def test_when_the_new_folder_cannot_take_its_place_the_old_one_is_there_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if target == root / "release" and not path.name.endswith(".old"):
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space"):
        builder.build(root)
    assert (root / "release" / "lesson").read_text() == "old"
    assert sorted(p.name for p in root.iterdir()) == ["release", "source"]
