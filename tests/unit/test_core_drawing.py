"""Drawing: reproducible anywhere, no item twice, everyone's chance the same within a difficulty."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qinlian.core.drawing import draw, draw_variant, quotas

POOL = [(f"{n:016x}", n % 3 + 1) for n in range(20)]


def drawn(**changes: object) -> tuple[str, ...]:
    arguments = {"edition": "e", "quiz": "q", "learner": "l", "attempt": 1, "pool": POOL, "count": 10} | changes
    return draw(**arguments)  # type: ignore[arg-type]


def test_the_same_arguments_give_the_same_draw_on_every_machine_and_python() -> None:
    assert drawn(count=3) == ("0000000000000007", "000000000000000f", "0000000000000002")


def test_the_order_of_the_pool_does_not_matter() -> None:
    assert drawn(pool=list(reversed(POOL))) == drawn()


def test_every_argument_makes_another_draw() -> None:
    draws = {drawn(), drawn(edition="f"), drawn(quiz="r"), drawn(learner="m"), drawn(attempt=2)}
    assert len(draws) == 5


def test_parts_are_not_run_together() -> None:
    assert drawn(quiz="ab", learner="c") != drawn(quiz="a", learner="bc")


def test_a_second_attempt_draws_what_was_not_drawn_before_where_the_pool_allows() -> None:
    pool = [(f"{n:016x}", n % 2 + 1) for n in range(20)]
    first = drawn(pool=pool)
    second = drawn(pool=pool, attempt=2, seen=first)
    assert not set(first) & set(second)


def test_only_as_many_seen_items_come_back_as_a_stratum_lacks() -> None:
    first = drawn()
    second = drawn(attempt=2, seen=first)
    # 7 items of difficulty 1, of which 4 are drawn each time: 3 new ones and 1 again.
    assert len(set(first) & set(second)) == 1


def test_when_a_stratum_has_run_out_seen_items_come_back() -> None:
    everything = drawn(count=20)
    assert sorted(drawn(attempt=2, count=20, seen=everything)) == sorted(pid for pid, _ in POOL)


pools = st.lists(st.integers(1, 3), max_size=30).map(lambda ds: [(f"{n:016x}", d) for n, d in enumerate(ds)])


@given(pools, st.integers(1, 40), st.integers(1, 5), st.data())
def test_any_draw_has_no_repeats_is_of_the_pool_and_of_the_right_size(
    pool: list[tuple[str, int]], count: int, attempt: int, data: st.DataObject
) -> None:
    ids = [pid for pid, _ in pool]
    seen = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    got = drawn(pool=pool, count=count, attempt=attempt, seen=seen)
    assert len(set(got)) == len(got) == min(count, len(pool))
    assert set(got) <= set(ids)
    assert got == drawn(pool=pool, count=count, attempt=attempt, seen=seen)


@given(st.dictionaries(st.integers(1, 3), st.integers(1, 30)), st.integers(1, 100))
def test_quotas_are_proportional_to_the_strata(sizes: dict[int, int], count: int) -> None:
    found = quotas(sizes, count)
    total = sum(sizes.values())
    assert sum(found.values()) == min(count, total)
    for difficulty, quota in found.items():
        exact = min(count, total) * sizes[difficulty] / total
        assert 0 <= quota <= sizes[difficulty]
        assert abs(quota - exact) < 1


def test_within_a_difficulty_every_item_is_drawn_equally_often() -> None:
    """Chi-square over 10,000 learners, at the 0.1 % level for each difficulty and place."""
    counts = Counter(pid for n in range(10_000) for pid in drawn(learner=f"learner{n}", count=10))
    limits = {6: 22.46, 5: 20.52}
    for difficulty, quota in quotas(dict(Counter(d for _, d in POOL)), 10).items():
        items = [pid for pid, d in POOL if d == difficulty]
        expected = 10_000 * quota / len(items)
        # Draws without replacement vary less than independent ones, by this factor.
        spread = 1 - quota / len(items)
        square = sum((counts[pid] - expected) ** 2 / (expected * spread) for pid in items)
        square *= (len(items) - 1) / len(items)
        assert square < limits[len(items) - 1]


# Variants of an activity


def variant(**changes: object) -> int:
    arguments = {"edition": "e", "block": "b", "learner": "l", "attempt": 1, "item": "i", "count": 24} | changes
    return draw_variant(**arguments)  # type: ignore[arg-type]


def test_the_same_arguments_give_the_same_variant_on_every_machine_and_python() -> None:
    assert [variant(attempt=n) for n in (1, 2, 3)] == [11, 12, 13]


@given(st.integers(1, 60), st.text(max_size=8))
def test_attempts_go_through_all_variants_before_one_comes_again(count: int, learner: str) -> None:
    given = [variant(learner=learner, count=count, attempt=n) for n in range(1, count + 1)]
    assert sorted(given) == list(range(count))


def test_every_variant_is_as_likely_as_any_other() -> None:
    counts = Counter(variant(learner=f"learner{n}") for n in range(10_000))
    expected = 10_000 / 24
    # Chi-square with 23 degrees of freedom: 49.7 is exceeded once in a thousand times.
    assert sum((counts[n] - expected) ** 2 / expected for n in range(24)) < 49.7
