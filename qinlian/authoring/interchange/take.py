"""Taking a bank out of a course: a file in another system's format, and what it could not take along."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from qinlian.authoring.interchange.asked import Losses, Outgoing
from qinlian.authoring.interchange.gift_write import write_gift
from qinlian.authoring.interchange.leaving import outgoing
from qinlian.authoring.interchange.moodle_write import write_moodle
from qinlian.authoring.interchange.qti_write import write_qti
from qinlian.authoring.textfile import Place
from qinlian.authoring.workbook import write_bank
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Course

__all__ = ["export_bank"]

_WRITERS: dict[str, Callable[[Sequence[Outgoing], Losses], bytes]] = {
    "moodle": write_moodle,
    "gift": write_gift,
    "qti": write_qti,
}


def export_bank(course: Course, form: str, path: Path, modules: Collection[str]) -> tuple[int, tuple[Diagnostic, ...]]:
    """Write the items of ``modules`` (ids) to ``path`` as ``moodle``, ``gift`` or ``qti``.

    Returns how many questions the file holds, and W661 and W662 for what it does not, in the order of the items. The
    file holds the key, so only its owner can read it; it appears complete or not at all. Raises CourseError when it
    cannot be written.
    """
    losses = Losses(Place(path.name))
    banks = outgoing(course, modules, losses, points_label=form == "gift")
    write_bank(path, _WRITERS[form](banks, losses))
    return sum(len(bank.questions) for bank in banks) - losses.left_out, tuple(losses.found)
