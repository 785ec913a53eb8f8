"""Attempts that wait in an empty gradebook, and graders that claim them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine, insert, select, update
from sqlalchemy.pool import NullPool

from qinlian.database import db_now, writing
from qinlian.grading.arrivals import Arrivals
from qinlian.grading.claims import Claims
from qinlian.grading.response_tables import ARRIVAL, CLAIM, METADATA

MORNING = datetime(2026, 11, 22, 8, 0)  # noqa: DTZ001 - as the table has it


@dataclass
class Story:
    """What arrived, in one database that nbgrader need not have made."""

    db_url: str
    count: int = 0

    @classmethod
    def begin(cls, folder: Path) -> Story:
        url = f"sqlite:///{folder / 'gradebook.db'}"
        engine = create_engine(url, poolclass=NullPool)
        METADATA.create_all(engine)
        return cls(url)

    @property
    def engine(self) -> Engine:
        return create_engine(self.db_url, poolclass=NullPool)

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self.db_url)

    def grader(self, name: str = "", lease: float = 60.0) -> Claims:
        return Claims(self.db_url, name, lease)

    def arrive(self, learner: str, module: str = "01", tries: int = 0) -> str:
        """One more attempt was taken in; returns its folder."""
        self.count += 1
        folder = f"{learner}+{module}+{self.count:04d}"
        when = MORNING + timedelta(seconds=self.count)
        with self.engine.begin() as connection:
            row = {"folder": folder, "learner": learner, "module": module, "state": "已收", "tries": tries}
            connection.execute(insert(ARRIVAL).values(first_seen=when, submitted_at=when, **row))
        return folder

    def states(self) -> dict[str, str]:
        """Folder → state."""
        with self.engine.connect() as connection:
            return {row.folder: row.state for row in connection.execute(select(ARRIVAL))}

    def tries(self, folder: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(select(ARRIVAL.c.tries).where(ARRIVAL.c.folder == folder)).scalar_one())

    def owners(self) -> dict[tuple[str, str], str]:
        """Pair → who has a row in the table of claims, living or not."""
        with self.engine.connect() as connection:
            return {(row.learner, row.module): row.owner for row in connection.execute(select(CLAIM))}

    def run_out(self, owner: str) -> None:
        """Time passes: nothing of this grader's was renewed."""
        with self.engine.begin() as connection:
            connection.execute(update(CLAIM).where(CLAIM.c.owner == owner).values(until=db_now() - 1))

    def write(self, grader: Claims, pair: tuple[str, str]) -> None:
        """Write grades, as a grader does: raises ClaimError."""
        with writing(self.engine) as connection:
            grader.renew(connection, [pair])
