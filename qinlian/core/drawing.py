"""Which items a learner gets: reproducible on any machine and any Python.

Every choice is by the order of SHA-256 digests, never by a random stream, which would change
between library versions.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable

__all__ = ["draw", "quotas"]


def _digest(*parts: str) -> bytes:
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode()
        # Lengths keep ("a", "bc") apart from ("ab", "c").
        hasher.update(len(data).to_bytes(4, "big") + data)
    return hasher.digest()


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
    """Draw ``count`` public ids from ``pool`` (pairs of public id and difficulty).

    Uniform within each difficulty over learners; items in ``seen`` are taken only when a stratum
    has nothing else left. The same arguments give the same tuple, in the order to be shown.
    ``attempt`` counts from 1.
    """
    strata: dict[int, list[str]] = defaultdict(list)
    for public_id, difficulty in pool:
        strata[difficulty].append(public_id)
    taken: list[tuple[bytes, str]] = []
    for difficulty, quota in quotas({d: len(ids) for d, ids in strata.items()}, count).items():
        ranked = sorted(
            (pid in seen, _digest(edition, quiz, learner, str(attempt), pid), pid) for pid in strata[difficulty]
        )
        taken += [(digest, pid) for _, digest, pid in ranked[:quota]]
    return tuple(pid for _, pid in sorted(taken))
