"""Every ledger can be solved from what is shown, and holds what its template says and nothing else wrong."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qinlian.authoring.questions import parse_questions
from qinlian.authoring.textfile import parse_text
from qinlian.core.drawing import draw_variant
from qinlian.core.model import Item
from qinlian.items.ledger import TYPE
from qinlian.items.ledger.generate import found_in, make_ledger
from qinlian.items.ledger.settings import Template
from qinlian.items.ledger.template import read_template
from tests.ledger_sample import BODY, OTHER_BODY, body, ledger_item
from tests.ledger_solver import planted, solve
from tests.sample import IDS

ROOT = Path(__file__).parents[2]
GOLDEN = "bec5bcee4bb55c49635189493f25b5dbc8f87254be9d208a177343d2403589f0"


def _authored() -> list[Item]:
    paths = [*(ROOT / "course").glob("modules/*/questions.md"), *ROOT.glob("qinlian/items/ledger/fixtures/*.md")]
    found = []
    for path in sorted(paths):
        text = path.read_text("utf-8")
        if f"[{TYPE.label}]" in text:
            found += [p.item for p in parse_questions(parse_text(text, path.name)).items if p.item.kind == TYPE.label]
    return found


TEMPLATES = {
    "sample": ledger_item(1, "测验"),
    "other": ledger_item(2, "测验", OTHER_BODY),
    **{f"{item.id} {item.use}": item for item in _authored()},
}


def _template(item: Item) -> Template:
    template = read_template(item.body)[0]
    assert template is not None
    return template


@cache
def _variant(name: str, number: int) -> tuple[Any, Any, int]:
    """(what a solver finds in it, what was planted, how many rows)."""
    item = TEMPLATES[name]
    one, s = item.model_copy(update={"variant": number}), _template(item).settings
    common, rows = TYPE.public(item, IDS), TYPE.public(one, IDS)["rows"]
    return solve(common, rows, s.window, s.limit, s.guests, s.hosts), planted(common, TYPE.key(one, IDS)), len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_for_a_thousand_learners_a_ledger_is_solvable_and_holds_just_what_is_stated(name: str) -> None:
    template = _template(TEMPLATES[name])
    count = TYPE.variants(TEMPLATES[name])
    drawn = set()
    for learner in range(1000):
        number = draw_variant(
            edition="e", block="b", learner=f"learner{learner}", attempt=learner % 3 + 1, item="i", count=count
        )
        drawn.add(number)
        solved, key, rows = _variant(name, number)
        assert solved == key, "a clean row breaks a rule, or a planted one cannot be seen"
        stated = {v.kind: [v.rows] * v.times for v in template.violations}
        assert {kind: sorted(map(len, groups)) for kind, groups in key.items()} == stated
        low, high = template.settings.rows
        assert low <= rows <= high
    assert drawn == set(range(count)), "every variant is drawn by somebody"


@pytest.mark.slow
@pytest.mark.parametrize("text", [BODY, OTHER_BODY], ids=["sample", "other"])
def test_three_hundred_seeds_give_three_hundred_sound_ledgers(text: str) -> None:
    template = read_template(text)[0]
    assert template is not None
    seen = set()
    for seed in range(300):
        made = make_ledger(template, f"seed {seed}")
        found = found_in(made.entries, template.settings)
        assert found == {(kind, frozenset(rows)) for kind, rows in made.groups}
        seen.add(made.entries)
    assert len(seen) == 300


COUNTS = st.tuples(st.integers(1, 2), st.integers(2, 4), st.integers(1, 3), st.integers(3, 6), st.integers(0, 2))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(counts=COUNTS, window=st.integers(2, 14), limit=st.sampled_from([5000, 12000, 20000]), rows=st.integers(25, 60))
def test_whatever_template_is_found_faultless_makes_sound_ledgers(
    counts: tuple[int, int, int, int, int], window: int, limit: int, rows: int
) -> None:
    times, split, decoys, names, more = counts
    text = body(
        {
            "拆分采购": f"次数={times} 张数={split} 疑似={decoys}",
            "一户多名": f"张数={names} 疑似={more}",
            "重复补贴": f"次数={times} 疑似={more}",
            "陪餐超员": f"次数={1 + more} 疑似={decoys}",
        },
        ("行程多站", "自采自验"),
    )
    text = text.replace("拆分天数：7", f"拆分天数：{window}").replace("采购限额：20000", f"采购限额：{limit}")
    item = ledger_item(7, "测验", text.replace("行数：46-52", f"行数：{rows}-{min(60, rows + 5)}"))
    if any(finding.code.startswith("E") for finding in TYPE.findings(item)):
        return
    for number in range(3):
        one = item.model_copy(update={"variant": number})
        common = TYPE.public(item, IDS)
        assert solve(common, TYPE.public(one, IDS)["rows"], window, limit) == planted(common, TYPE.key(one, IDS))


def test_a_ledger_that_was_released_is_made_again_to_the_byte() -> None:
    """Changed only on purpose: submissions to what is out could no longer be graded by this version."""
    one = ledger_item(2, "测验").model_copy(update={"variant": 3})
    made = json.dumps([TYPE.public(one, IDS), TYPE.key(one, IDS)], ensure_ascii=False).encode()
    assert hashlib.sha256(made).hexdigest() == GOLDEN


@pytest.mark.slow
def test_the_same_seed_is_the_same_ledger_in_another_process_with_another_hash_seed() -> None:
    script = (
        "import hashlib, json; from qinlian.items.ledger import TYPE; from tests.ledger_sample import GRADED;"
        "from tests.sample import IDS; one = GRADED.model_copy(update={'variant': 3});"
        "print(hashlib.sha256(json.dumps([TYPE.public(one, IDS), TYPE.key(one, IDS)]).encode()).hexdigest())"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("77", "Asia/Shanghai"))
    ]
    one = ledger_item(2, "测验").model_copy(update={"variant": 3})
    here = json.dumps([TYPE.public(one, IDS), TYPE.key(one, IDS)]).encode()
    assert made == [hashlib.sha256(here).hexdigest()] * 2


def test_neither_a_learners_kernel_nor_a_count_of_variants_loads_pandas() -> None:
    script = (
        "import sys; from qinlian.items.ledger import TYPE; from tests.ledger_sample import GRADED;"
        "assert TYPE.variants(GRADED) == 24; assert 'pandas' not in sys.modules; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=True)
