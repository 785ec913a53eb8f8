"""What one process takes of the machine's memory, as the kernel counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessMemory"]


@dataclass(frozen=True)
class ProcessMemory:
    """Megabytes: ``rss`` is all that is in memory, ``pss`` counts what is shared by its share, ``uss`` not at all."""

    rss: float
    pss: float
    uss: float

    @classmethod
    def of(cls, pid: int) -> ProcessMemory:
        """Read ``/proc/<pid>/smaps_rollup``."""
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        mb = {name: int(rest.split()[0]) / 1024 for name, rest in (line.split(":", 1) for line in lines)}
        return cls(mb["Rss"], mb["Pss"], mb["Private_Clean"] + mb["Private_Dirty"])
