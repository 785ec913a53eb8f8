"""延期: more time for one learner on one module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.engine import Connection

from qinlian.core.zone import BEIJING
from qinlian.database import aware, retrying, writing
from qinlian.errors import GradingError
from qinlian.grading.extensions import give_time, take_back_time
from qinlian.grading.tables import ASSIGNMENT, SUBMITTED_ASSIGNMENT
from qinlian.staff.plan import Plan, PlannedModule
from qinlian.staff.report import Learner
from qinlian.staff.scope import learners
from qinlian.staff.viewer import Viewer

__all__ = ["Extension", "extend", "extensions", "find_learner", "moment_of", "take_back"]

_UNKNOWN = "没有找到这个工号：核对一下有没有写错，是不是您能管的学员"
"""The same words for nobody and for somebody of another branch."""


@dataclass(frozen=True)
class Extension:
    """One learner's own due date, besides the module's."""

    learner: Learner
    module: PlannedModule
    due: datetime
    until: datetime


def extensions(connection: Connection, viewer: Viewer, plan: Plan) -> tuple[Extension, ...]:
    """The extensions of learners whom ``viewer`` may see, those that end last first."""
    people = learners(viewer, plan.tracks)
    sa, a = SUBMITTED_ASSIGNMENT, ASSIGNMENT
    query = (
        select(people, a.c.name.label("module"), a.c.duedate, sa.c.extension)
        .join(sa, sa.c.student_id == people.c.account)
        .join(a, a.c.id == sa.c.assignment_id)
        .where(sa.c.extension.is_not(None), a.c.duedate.is_not(None), a.c.name.in_(plan.by_id))
    )
    found = []
    for row in connection.execute(query):
        fields = dict(row._mapping)
        module, due, more = (fields.pop(name) for name in ("module", "duedate", "extension"))
        start, end = aware(due), aware(due + more)
        if start is not None and end is not None and more:
            found.append(Extension(Learner(**fields), plan.by_id[module], start, end))
    return tuple(sorted(found, key=lambda e: (e.until, e.learner.account), reverse=True))


def find_learner(connection: Connection, viewer: Viewer, plan: Plan, number: str) -> Learner:
    """The learner of that 工号. Raises GradingError when ``viewer`` may see none."""
    people = learners(viewer, plan.tracks, number=number.strip())
    row = connection.execute(select(people)).one_or_none() if number.strip() else None
    if row is None:
        raise GradingError(_UNKNOWN)
    return Learner(**row._mapping)


def moment_of(text: str) -> datetime:
    """The moment that was typed, in Beijing time (``2027-06-30T18:00``). Raises GradingError."""
    try:
        return datetime.strptime(text.strip().replace(" ", "T"), "%Y-%m-%dT%H:%M").replace(tzinfo=BEIJING)
    except ValueError:
        raise GradingError("截止时间没有写对；写成年-月-日 时:分，例如 2027-06-30 18:00") from None


def extend(engine: Engine, viewer: Viewer, plan: Plan, number: str, module: str, until: datetime) -> Extension:
    """Give a learner more time. Raises GradingError when it is not ``viewer``'s to give, or makes no sense."""

    def work() -> Extension:
        with writing(engine) as connection:
            learner, chosen = _both(connection, viewer, plan, number, module)
            give_time(connection, chosen.id, learner.account, until)
            due = connection.execute(select(ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.name == chosen.id)).scalar()
            return Extension(learner, chosen, aware(due) or until, until)

    return retrying(work)


def take_back(engine: Engine, viewer: Viewer, plan: Plan, number: str, module: str) -> Learner:
    """Let the module's own due date hold again. Raises GradingError as ``extend`` does."""

    def work() -> Learner:
        with writing(engine) as connection:
            learner, chosen = _both(connection, viewer, plan, number, module)
            if not take_back_time(connection, chosen.id, learner.account):
                raise GradingError(f"{learner.name}在这个模块上没有延期，可能已经收回")
            return learner

    return retrying(work)


def _both(
    connection: Connection, viewer: Viewer, plan: Plan, number: str, module: str
) -> tuple[Learner, PlannedModule]:
    learner = find_learner(connection, viewer, plan, number)
    chosen = plan.by_id.get(module)
    if chosen is None or learner.track not in chosen.marks:
        raise GradingError(f"{learner.name}的课程里没有这个模块；请重新选择")
    return learner, chosen
