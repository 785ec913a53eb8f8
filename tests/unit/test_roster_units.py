"""The tree of units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.roster.units import Node, ancestors, at_or_below, find, own_name, short_name, tidy, tree

PATHS = st.lists(st.sampled_from(["甲", "乙", "甲甲", "A", "a"]), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("省校", "省校"),
        (" 省校 ／ 市校/县 中心 ", "省校/市校/县 中心"),
        ("省校/县\u3000 中心", "省校/县 中心"),
    ],
)
def test_a_path_may_be_written_with_wide_slashes_and_spaces(written: str, meant: str):
    assert tidy(written) == meant


@pytest.mark.parametrize("written", ["", "  ", "/省校", "省校/", "省校//县", "省校／ ／县"])
def test_a_path_with_an_empty_part_is_none(written: str):
    with pytest.raises(ValueError, match="empty"):
        tidy(written)


def test_what_stands_above_a_unit_begins_at_the_top():
    assert ancestors("省/市/县") == ("省", "省/市")
    assert ancestors("省") == ()


def test_below_means_whole_parts():
    assert at_or_below("青禾", "青禾")
    assert at_or_below("青禾/二校", "青禾")
    assert not at_or_below("青禾二校", "青禾")
    assert not at_or_below("青禾", "青禾/二校")


def test_names():
    assert own_name("省/市/县") == "县"
    assert own_name("省") == "省"
    assert short_name("省/市/县") == "市 县"
    assert short_name("省") == "省"


def test_the_tree_keeps_the_order_of_first_appearance_and_adds_what_stands_above():
    (province, other) = tree(["省/乙市/丙县", "省/甲市", "别处", "省/乙市"])
    assert (province.path, [node.name for node in province.below]) == ("省", ["乙市", "甲市"])
    assert province.below[0].below == (Node("省/乙市/丙县", "丙县", 2),)
    assert other == Node("别处", "别处", 0)
    assert tree([]) == ()


def test_a_unit_is_found_by_its_path_or_its_last_parts():
    paths = ["省/甲市/中心", "省/乙市/中心"]
    assert find("省 ／ 甲市", paths) == ("省/甲市",)
    assert find("甲市/中心", paths) == ("省/甲市/中心",)
    assert find("中心", paths) == ("省/甲市/中心", "省/乙市/中心")
    assert find("心", paths) == ()
    assert find("/", paths) == ()


@given(paths=st.lists(PATHS, max_size=12))
def test_every_unit_stands_in_the_tree_once_below_what_is_above_it(paths: list[str]):
    seen: list[str] = []

    def walk(nodes: tuple[Node, ...], above: str) -> None:
        for node in nodes:
            assert node.path == (f"{above}/{node.name}" if above else node.name)
            assert at_or_below(node.path, above or node.path)
            seen.append(node.path)
            walk(node.below, node.path)

    walk(tree(paths), "")
    assert len(seen) == len(set(seen))
    assert set(seen) == {one for path in paths for one in (*ancestors(path), path)}


@given(path=PATHS, top=PATHS)
def test_being_below_is_having_it_above(path: str, top: str):
    assert at_or_below(path, top) == (path == top or top in ancestors(path))
