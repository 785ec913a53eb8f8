"""Which items a learner gets: reproducible on any machine and any Python.

Every choice is by the order of SHA-256 digests, never by a random stream, which would change
between library versions.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from math import gcd

__all__ = ["draw", "draw_variant", "for_track", "quotas"]


def _framed(part: str) -> bytes:
    # Lengths keep ("a", "bc") apart from ("ab", "c").
    data = part.encode()
    return len(data).to_bytes(4, "big") + data


def quotas(sizes: dict[int, int], count: int) -> dict[int, int]:
    """How many to take from each stratum: proportional, by largest remainder (Hamilton).

    ``sizes`` maps difficulty to the number of items there. Ties go to the easier stratum.
    The result sums to ``min(count, total)`` and never exceeds a stratum's size.
    """
    total = sum(sizes.values())
    count = min(count, total)
    if not total:
        return {}
    floors = {d: count * n // total for d, n in sizes.items()}
    order = sorted(sizes, key=lambda d: (-(count * sizes[d] % total), d))
    for difficulty in order[: count - sum(floors.values())]:
        floors[difficulty] += 1
    return floors


def for_track(
    pool: Iterable[tuple[str, int]], tracks: Mapping[str, Collection[int]], track: str
) -> tuple[tuple[str, int], ...]:
    """The part of a pool that is for one track: that of its strata; the whole pool for a track not named."""
    strata = tracks.get(track)
    return tuple(entry for entry in pool if strata is None or entry[1] in strata)


def draw_variant(*, edition: str, block: str, learner: str, attempt: int, item: str, count: int) -> int:
    """Which of ``count`` variants of ``item`` (a public id) a learner gets, from 0.

    Uniform over learners; the next attempt gets another one (while there are others).
    """
    parts = (edition, block, learner, item)
    digest = hashlib.sha256(b"variant" + b"".join(_framed(part) for part in parts)).digest()
    # A step that shares no divisor with count leads through all variants before one comes again.
    steps = [step for step in range(1, count + 1) if gcd(step, count) == 1]
    start, step = int.from_bytes(digest[:8], "big") % count, steps[int.from_bytes(digest[8:16], "big") % len(steps)]
    return (start + (attempt - 1) * step) % count


def draw(
    *,
    edition: str,
    quiz: str,
    learner: str,
    attempt: int,
    pool: Iterable[tuple[str, int]],
    count: int,
    seen: Collection[str] = (),
) -> tuple[str, ...]:
    """Draw ``count`` public ids from ``pool`` (pairs of public id and stratum: the difficulty, as a rule).

    Uniform within each stratum over learners; items in ``seen`` are taken only when a stratum
    has nothing else left. The same arguments give the same tuple, in the order to be shown.
    ``attempt`` counts from 1.
    """
    strata: dict[int, list[str]] = defaultdict(list)
    for public_id, difficulty in pool:
        strata[difficulty].append(public_id)
    # The common beginning of all digests is hashed once: a grader draws for thousands of learners.
    start = hashlib.sha256(b"".join(_framed(part) for part in (edition, quiz, learner, str(attempt))))

    def digest(public_id: str) -> bytes:
        hasher = start.copy()
        hasher.update(_framed(public_id))
        return hasher.digest()

    taken: list[tuple[bytes, str]] = []
    for difficulty, quota in quotas({d: len(ids) for d, ids in strata.items()}, count).items():
        ranked = sorted((pid in seen, digest(pid), pid) for pid in strata[difficulty])
        taken += [(place, pid) for _, place, pid in ranked[:quota]]
    return tuple(pid for _, pid in sorted(taken))
