"""Every released build is kept, and only what was released is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qinlian.core.model import Module
from qinlian.errors import GradingError
from qinlian.grading.editions import current_edition, find_edition, load_edition, save_edition
from tests import ledger_sample
from tests.sample import COURSE, IDS, MODULE, SECRET

OTHER: Module = MODULE.model_copy(update={"title": "改过的标题"})


def editions(course_dir: Path) -> list[Path]:
    return sorted((course_dir / "editions" / MODULE.id).iterdir())


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    name = save_edition(tmp_path, COURSE, MODULE, IDS)
    found = load_edition(tmp_path, MODULE.id, name)
    assert name == IDS.edition(MODULE, COURSE.rules)
    assert found.module == MODULE
    assert (found.course_id, found.course_title, found.rules) == (COURSE.id, COURSE.title, COURSE.rules)
    assert found.ids.of("LZ-90-101", "A") == IDS.of("LZ-90-101", "A")


def test_saving_again_changes_nothing(tmp_path: Path) -> None:
    save_edition(tmp_path, COURSE, MODULE, IDS)
    before = [(p.name, p.read_bytes()) for p in editions(tmp_path)]
    save_edition(tmp_path, COURSE, MODULE, IDS)
    assert [(p.name, p.read_bytes()) for p in editions(tmp_path)] == before


def test_the_edition_released_last_is_current_and_the_older_ones_stay(tmp_path: Path) -> None:
    old = save_edition(tmp_path, COURSE, MODULE, IDS)
    new = save_edition(tmp_path, COURSE, OTHER, IDS)
    assert current_edition(tmp_path, MODULE.id).edition == new
    assert load_edition(tmp_path, MODULE.id, old).module == MODULE


def test_going_back_to_an_older_build_makes_it_current_again(tmp_path: Path) -> None:
    old = save_edition(tmp_path, COURSE, MODULE, IDS)
    save_edition(tmp_path, COURSE, OTHER, IDS)
    save_edition(tmp_path, COURSE, MODULE, IDS)
    assert current_edition(tmp_path, MODULE.id).edition == old
    assert len(editions(tmp_path)) == 2


def test_an_edition_lies_there_for_the_instructor_alone(tmp_path: Path) -> None:
    save_edition(tmp_path, COURSE, MODULE, IDS)
    assert [p.stat().st_mode & 0o777 for p in editions(tmp_path)] == [0o600]


def test_a_module_that_was_never_released_has_no_current_edition(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="发布"):
        current_edition(tmp_path, MODULE.id)


@pytest.mark.parametrize("name", ["", "0" * 20, "../secret", "/etc/passwd", "..", "0" * 19 + "/", "A" * 20])
def test_a_name_from_a_learners_file_finds_an_edition_or_nothing(tmp_path: Path, name: str) -> None:
    save_edition(tmp_path, COURSE, MODULE, IDS)
    (tmp_path / "editions" / "secret.json").write_text("{}", "utf-8")
    assert find_edition(tmp_path, MODULE.id, name) is None
    with pytest.raises(GradingError):
        load_edition(tmp_path, MODULE.id, name)


@pytest.mark.parametrize("damage", ["", "{}", '{"schema": "qinlian.edition/1"}', "[1]"])
def test_a_damaged_edition_is_named_and_nothing_of_it_is_quoted(tmp_path: Path, damage: str) -> None:
    name = save_edition(tmp_path, COURSE, MODULE, IDS)
    path = editions(tmp_path)[0]
    record = json.loads(path.read_text("utf-8"))
    path.write_text(damage or json.dumps(record | {"module": {"id": 1, "key": "当面收下"}}), "utf-8")
    with pytest.raises(GradingError) as caught:
        load_edition(tmp_path, MODULE.id, name)
    assert name in str(caught.value)
    assert "当面收下" not in str(caught.value)
    assert SECRET.hex() not in str(caught.value)


def test_a_half_written_edition_is_never_seen(tmp_path: Path) -> None:
    save_edition(tmp_path, COURSE, MODULE, IDS)
    (tmp_path / "editions" / MODULE.id / ".edition-abc").write_text('{"schema"', "utf-8")
    assert current_edition(tmp_path, MODULE.id).module == MODULE


def test_the_secret_is_not_in_an_editions_repr(tmp_path: Path) -> None:
    save_edition(tmp_path, COURSE, MODULE, IDS)
    assert SECRET.hex() not in repr(current_edition(tmp_path, MODULE.id))


def test_the_pool_is_in_the_order_of_public_ids(tmp_path: Path) -> None:
    save_edition(tmp_path, COURSE, MODULE, IDS)
    pool = [pid for pid, _ in current_edition(tmp_path, MODULE.id).pools["90-exam"]]
    assert pool == sorted(pool)
    assert len(pool) == 12


# Variants of an activity


def kept_ledger(course_dir: Path) -> Path:
    save_edition(course_dir, ledger_sample.LEDGER_COURSE, ledger_sample.MODULE, IDS)
    (path,) = (course_dir / "editions" / ledger_sample.MODULE.id).iterdir()
    return path


def test_an_edition_keeps_the_digest_of_every_variant_it_released(tmp_path: Path) -> None:
    record = json.loads(kept_ledger(tmp_path).read_text("utf-8"))
    assert sorted(record["variants"]) == [ledger_sample.PRACTICE.id, ledger_sample.GRADED.id]
    assert all(len(set(digests)) == len(digests) >= 24 for digests in record["variants"].values())


def test_a_variant_that_is_no_longer_what_was_released_is_not_graded(tmp_path: Path) -> None:
    path = kept_ledger(tmp_path)
    record = json.loads(path.read_text("utf-8"))
    record["variants"][ledger_sample.GRADED.id][3] = "0" * 32
    path.write_text(json.dumps(record), "utf-8")
    edition = load_edition(tmp_path, ledger_sample.MODULE.id, path.stem)
    public_id = IDS.of(ledger_sample.GRADED.id)
    assert edition.item(public_id, 2).variant == 2
    with pytest.raises(GradingError, match="第 4 份的内容和发布时不一样，不能评分"):
        edition.item(public_id, 3)


def test_an_edition_knows_which_variants_it_has(tmp_path: Path) -> None:
    path = kept_ledger(tmp_path)
    edition = load_edition(tmp_path, ledger_sample.MODULE.id, path.stem)
    public_id = IDS.of(ledger_sample.GRADED.id)
    assert edition.knows(public_id, 0)
    assert not edition.knows(public_id, None)
    assert not edition.knows(public_id, 10_000)
    assert not edition.knows("0" * 16, None)
