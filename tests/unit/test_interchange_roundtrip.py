"""Model → another system's format → model is the identity on what maps, whatever the words are."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qinlian.authoring.interchange.asked import Incoming, Losses
from qinlian.authoring.interchange.assemble import as_asked, as_item
from qinlian.authoring.interchange.gate import open_bank
from qinlian.authoring.interchange.gift import read_gift
from qinlian.authoring.interchange.letters import WITHOUT_FEEDBACK
from qinlian.authoring.interchange.moodle import read_moodle
from qinlian.authoring.interchange.qti import read_qti
from qinlian.authoring.interchange.take import export_bank
from qinlian.authoring.textfile import Place
from qinlian.core.model import Item
from tests.interchange_items import KINDS, course_of, items
from tests.sample import MODULE

CALM = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
RULES = st.sampled_from(
    [(), (("多选", "全对得分"), ("排序", "全对得分")), (("多选", "对错相抵"), ("填空", "全对得分"))]
)
SUFFIX = {"moodle": "xml", "gift": "txt", "qti": "zip"}


def there_and_back(
    form: str, folder: Path, many: tuple[Item, ...], rules: tuple[tuple[str, str], ...]
) -> dict[str, Item]:
    """What comes back of what was exported, by id."""
    course = course_of(*many, rules=rules)
    path = folder / f"题库.{SUFFIX[form]}"
    export_bank(course, form, path, ["02-gifts"])
    bank, problems = open_bank(path)
    assert bank is not None, problems
    assert bank.format == form
    found: tuple[Incoming, ...]
    if form == "qti":
        found, told = read_qti(bank, path.name)
    else:
        found, told = (read_moodle if form == "moodle" else read_gift)(bank.text, path.name)
    losses = Losses(Place(path.name), found=list(told))
    back = [as_item(one.asked, course.default_rule(one.asked.kind), losses) for one in found]
    assert [d for d in losses.found if d.code in ("W651", "W653", "W654", "W656") or d.is_error] == []
    return {item.id: item for item in back}


def mappable(item: Item, form: str) -> Item:
    """The item without what the format has no room for, each loss of which is told at the export (W662)."""
    if item.kind not in WITHOUT_FEEDBACK[form]:
        return item
    bare = tuple(e.model_copy(update={"feedback": ""}) for e in item.elements)
    return item.model_copy(update={"elements": bare})


@given(items(), RULES)
@CALM
def test_an_item_asked_and_assembled_is_the_same_item(item: Item, rules: tuple[tuple[str, str], ...]) -> None:
    default = dict(rules).get(item.kind, "")
    losses = Losses(Place("x"))
    assert as_item(as_asked(item, default), default, losses) == item
    assert losses.found == []


@pytest.mark.parametrize("form", SUFFIX)
def test_texts_that_show_nothing_come_back_too(form: str, tmp_path: Path) -> None:
    item = MODULE.items[0]
    quiet = item.model_copy(
        update={
            "explanation": "[规定]: 第五条",
            "elements": tuple(e.model_copy(update={"feedback": "[html]::"}) for e in item.elements),
        }
    )
    assert there_and_back(form, tmp_path, (quiet,), ()) == {quiet.id: mappable(quiet, form)}


CASES = [(form, kind) for form in SUFFIX for kind in KINDS if (form, kind) != ("gift", "填空")]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "kind"), CASES)
def test_an_item_there_and_back_is_the_same_item(form: str, kind: str, tmp_path: Path) -> None:
    @given(st.lists(st.integers(1, 99), unique=True, min_size=1, max_size=2), st.data(), RULES)
    @CALM
    def there(numbers: list[int], data: st.DataObject, rules: tuple[tuple[str, str], ...]) -> None:
        many = tuple(data.draw(items(f"LZ-02-{n:03d}", (kind,))) for n in numbers)
        back = there_and_back(form, tmp_path, many, rules)
        assert back == {item.id: mappable(item, form) for item in many}

    there()


@pytest.mark.slow
def test_one_blank_through_gift_is_the_same_and_more_are_left_out_and_told(tmp_path: Path) -> None:
    @given(items("LZ-02-001", ("填空",)), RULES)
    @CALM
    def there(item: Item, rules: tuple[tuple[str, str], ...]) -> None:
        one = item.model_copy(update={"stem": "在____内", "elements": item.elements[:1]})
        if "->" in one.elements[0].text + "\n" + one.elements[0].feedback:
            assert export_bank(course_of(one), "gift", tmp_path / "题库.txt", ["02-gifts"])[0] == 0
        else:
            assert there_and_back("gift", tmp_path, (one,), rules) == {one.id: one}
        count, told = export_bank(course_of(item), "gift", tmp_path / "题库.txt", ["02-gifts"])
        assert count == 0
        assert [d.code for d in told if "一题只能有一个空" in d.message] == ["W662"]

    there()


def test_what_was_edited_elsewhere_comes_back_as_edited_and_the_rest_as_it_was_written(tmp_path: Path) -> None:
    one = MODULE.items[0].model_copy(update={"stem": "小周*当时*想：\n怎么办"})
    path, course = tmp_path / "题库.zip", course_of(one)
    export_bank(course, "qti", path, ["02-gifts"])
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    name = f"items/{one.id}.xml"
    files[name] = files[name].replace(">当面收下<", ">当面<b>收下</b>，不说<")
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    bank, _ = open_bank(path)
    assert bank is not None
    (found,), _ = read_qti(bank, path.name)
    made = as_item(found.asked, "", Losses(Place(path.name)))
    assert made.elements[0].text == "当面**收下**，不说"
    unchanged = one.model_copy(update={"elements": (made.elements[0], *one.elements[1:])})
    assert made == unchanged
