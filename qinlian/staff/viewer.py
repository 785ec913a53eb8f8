"""Who is looking at the pages, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass

from qinlian.roster.units import SEPARATOR

__all__ = ["Viewer"]


@dataclass(frozen=True)
class Viewer:
    """A 教师 or 管理员 as the roster knows them at this moment; never what a browser says."""

    account: str
    name: str
    role: str
    unit: str

    @property
    def sees_all(self) -> bool:
        """True for a 管理员: every unit, whatever their own."""
        return self.role == "管理员"

    @property
    def may_release(self) -> bool:
        """True where publishing is theirs: what is released goes to learners of all units."""
        return self.sees_all or (self.role == "教师" and self.unit != "" and SEPARATOR not in self.unit)

    @property
    def home(self) -> str:
        """The unit at which their own pages begin; empty for everything."""
        return "" if self.sees_all else self.unit
