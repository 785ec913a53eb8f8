"""Each item type stands whole in its own folder: Python, view, docs and an example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import qinlian.items
from qinlian.authoring.questions import parse_questions
from qinlian.authoring.textfile import parse_text
from qinlian.items.base import ItemType, item_types
from qinlian.notebooks.publish import published_item
from tests.sample import COURSE, IDS

ITEMS = Path(qinlian.items.__file__).parent
TYPES = [pytest.param(kind, id=kind.name) for kind in item_types().values()]


@pytest.mark.parametrize("kind", TYPES)
def test_the_view_of_a_type_names_its_folder(kind: ItemType):
    view = (ITEMS / kind.name / "view.js").read_text("utf-8")
    assert re.search(rf'^  kind: "{kind.name}",$', view, re.MULTILINE)


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_documented(kind: ItemType):
    readme = (ITEMS / kind.name / "README.md").read_text("utf-8")
    assert readme.startswith(f"# {kind.label}\n")
    assert all(rule in readme for rule in kind.rules if len(kind.rules) > 1)


@pytest.mark.parametrize("kind", TYPES)
def test_the_example_of_a_type_can_be_built(kind: ItemType):
    text = (ITEMS / kind.name / "fixtures" / "example.md").read_text("utf-8")
    found = parse_questions(parse_text(text, "example.md"))
    assert found.diagnostics == ()
    (placed,) = found.items
    assert placed.item.kind == kind.label
    assert list(kind.findings(placed.item)) == []
    assert published_item(COURSE, placed.item, IDS)["kind"] == kind.name
