"""A small bank in every format, and what comes of the files of other systems, as last approved.

QINLIAN_UPDATE_GOLDEN=1 python -m pytest tests/golden   writes what is made now
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from qinlian.authoring.interchange.bring import bring
from qinlian.authoring.interchange.gate import open_bank
from qinlian.authoring.interchange.take import export_bank
from qinlian.authoring.writer import write_item
from qinlian.core.model import Course, Item
from tests.sample import COURSE, MODULE

GOLDEN = Path(__file__).parent / "interchange"
FOREIGN = Path(__file__).parents[1] / "fixtures" / "interchange"
BANK = COURSE.model_copy(
    update={"modules": (MODULE.model_copy(update={"items": (*MODULE.items[:6], MODULE.items[-1])}),)}
)


def approved(name: str, made: str) -> str:
    """The approved text of that name; written first where golden files are updated."""
    path = GOLDEN / name
    if os.environ.get("QINLIAN_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def outcome(path: Path, course: Course) -> tuple[str, tuple[Item, ...]]:
    """Everything that an import says, and every item it makes, as text; and the items."""
    bank, problems = open_bank(path)
    assert bank is not None, problems
    brought = bring(bank, path.name, course, {}, "LZ-90")
    parts = [f"{d}\n" for d in brought.diagnostics]
    for title, items in (("questions.md", brought.ready), ("drafts.md", brought.waiting)):
        parts += [f"\n== {title}\n", *(f"\n{write_item(item)}" for item in items)]
    return "".join(parts), (*brought.ready, *brought.waiting)


@pytest.mark.parametrize(("form", "file"), [("moodle", "bank.xml"), ("gift", "bank.txt"), ("qti", "bank.zip")])
def test_a_small_bank_is_exported_as_last_approved(form: str, file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    count, told = export_bank(BANK, form, path, [MODULE.id])
    said = "".join(f"{d}\n" for d in told)
    assert said == approved(f"{form}-told.txt", said)
    if form == "qti":
        with zipfile.ZipFile(path) as archive:
            made = "".join(f"== {n}\n{archive.read(n).decode()}\n" for n in archive.namelist())
    else:
        made = path.read_text(encoding="utf-8")
    assert made == approved(f"{file}.txt" if form == "qti" else file, made)
    _, items = outcome(path, BANK)
    assert len(items) == count


@pytest.mark.parametrize("name", sorted(p.name for p in FOREIGN.iterdir()))
def test_what_other_systems_export_comes_in_as_last_approved(name: str, tmp_path: Path) -> None:
    path = FOREIGN / name
    if path.is_dir():
        folder, path = path, tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(f for f in folder.rglob("*") if f.is_file()):
                archive.write(file, file.relative_to(folder).as_posix())
    made, _ = outcome(path, COURSE)
    assert made == approved(f"{name}-read.txt", made)
