"""nbgrader's collect, ours: ``c.ExchangeFactory.collect = "qinlian.grading.collect.QinlianCollect"``.

The worker, ``nbgrader collect``, ``qinlian grade`` and formgrader's button all take submissions in
through the same ``Intake``, so none of them can be talked into taking more than it should.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from traitlets import Enum

from qinlian.errors import QinlianError
from qinlian.grading.assess import course_folder, record_only
from qinlian.grading.claims import Claims
from qinlian.grading.guard import Guard
from qinlian.grading.inbound import account_owner
from qinlian.grading.intake import Intake
from qinlian.grading.results import tell_refused
from qinlian.grading.setting import Setting
from qinlian.grading.shelf import Parcel, belongs
from qinlian.roster.owners import RosterOwners

__all__ = ["QinlianCollect"]

_WORK, _LIMIT = "收作业", 600.0


class QinlianCollect(ExchangeCollect):  # type: ignore[misc]
    """Takes in complete submissions and shows nbgrader, for each learner, the one that counts.

    ``check_owner`` (nbgrader's own trait) may be turned off only where all learners are one user of the
    machine and nobody else gets to the exchange, as in the local classroom; elsewhere a folder of
    somebody else is refused, not warned of.
    """

    owners = Enum(
        ["accounts", "roster"],
        "accounts",
        config=True,
        help="Who the owner of a submission is: a unix account of this machine, or, where learners run in pods and "
        "have none, whose number it is by the roster",
    )

    @property
    def owner_of(self) -> Callable[[int], str]:
        """From the number of a file's owner to the learner."""
        return RosterOwners(self.coursedir.db_url) if self.owners == "roster" else account_owner

    def init_src(self) -> None:
        """Find the inbound folder; raises ExchangeError, in Chinese, when there is none."""
        if not self.coursedir.course_id:
            self.fail("没有写明课程；请在 nbgrader_config.py 里设置 CourseDirectory.course_id")
        self.inbound_path = str(Path(self.root) / self.coursedir.course_id / "inbound")
        if not Path(self.inbound_path).is_dir():
            self.fail("收件文件夹还不存在；请先发布一个模块")

    def copy_files(self) -> None:
        """Take in what arrived and place it; earlier attempts are recorded on the way, in order.

        What a worker is grading at this moment is left to it.
        """
        module = self.coursedir.assignment_id
        learner = None if self.coursedir.student_id in ("", "*") else self.coursedir.student_id
        try:
            inbound = Path(self.inbound_path)
            intake = Intake(self.coursedir, inbound, check_owner=self.check_owner, owner_of=self.owner_of, log=self.log)
            intake.take(module, learner)
            waiting = intake.arrivals.of(module, learner, ["已收"])
            claims = Claims(self.coursedir.db_url)
            claims.bury()
            held = claims.hold({(a.learner, a.module) for a in waiting}, _WORK)
            try:
                with claims.keeping(_LIMIT):
                    names = {name for name, _ in held.mine}
                    for parcels in (intake.shelf.of(module, names) if names else {}).values():
                        self._show(intake, parcels, Guard(claims, module))
            finally:
                claims.release(held.mine, _WORK)
                claims.close()
            tell_refused(self._setting(), intake)
        except QinlianError as error:
            self.fail(str(error))
        left = len({a.learner for a in waiting} - names)
        self.log.info("收到 %s 的新提交 %s 份", module, sum(a.learner in names for a in waiting))
        if left:
            self.log.info("另有 %s 位学员的提交正由自动评分处理", left)

    def _setting(self) -> Setting:
        return Setting(Path(self.coursedir.root), self.config, self.coursedir, Path(self.root), self.log)

    def _show(self, intake: Intake, parcels: list[Parcel], guard: Guard) -> None:
        """One learner's attempts: record those that nbgrader will not see, place the one it will.

        That one is recorded when nbgrader grades it, unless others came after it: numbers follow arrival.
        """
        counts = belongs(parcels)
        course = course_folder(Path(self.coursedir.root))
        for parcel in parcels:
            arrival = parcel.arrival
            if arrival.state != "已收" or (parcel is counts and parcel is parcels[-1]):
                continue
            record_only(
                self.coursedir.db_url,
                parcel.kept,
                arrival.learner,
                arrival.module,
                course,
                datetime.now(UTC),
                lambda connection, learner=arrival.learner: guard.renew(connection, [learner]),  # type: ignore[misc]
            )
            if parcel is not counts:
                intake.arrivals.graded([arrival.folder])
        if guard.sure(counts.arrival.learner):
            intake.shelf.place(counts)
