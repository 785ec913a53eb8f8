"""nbgrader's collect, ours: ``c.ExchangeFactory.collect = "qinlian.grading.collect.QinlianCollect"``.

The worker, ``nbgrader collect``, ``qinlian grade`` and formgrader's button all take submissions in
through the same ``Intake``, so none of them can be talked into taking more than it should.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect

from qinlian.errors import QinlianError
from qinlian.grading.assess import course_folder, record_only
from qinlian.grading.intake import Intake, Parcel, belongs
from qinlian.grading.results import tell_refused
from qinlian.grading.setting import Setting, grading_lock

__all__ = ["QinlianCollect"]


class QinlianCollect(ExchangeCollect):  # type: ignore[misc]
    """Takes in complete submissions and shows nbgrader, for each learner, the one that counts.

    ``check_owner`` (nbgrader's own trait) may be turned off only where all learners are one user of the
    machine and nobody else gets to the exchange, as in the local classroom; elsewhere a folder of
    somebody else is refused, not warned of.
    """

    def init_src(self) -> None:
        """Find the inbound folder; raises ExchangeError, in Chinese, when there is none."""
        if not self.coursedir.course_id:
            self.fail("没有写明课程；请在 nbgrader_config.py 里设置 CourseDirectory.course_id")
        self.inbound_path = str(Path(self.root) / self.coursedir.course_id / "inbound")
        if not Path(self.inbound_path).is_dir():
            self.fail("收件文件夹还不存在；请先发布一个模块")

    def copy_files(self) -> None:
        """Take in what arrived and place it; earlier attempts are recorded on the way, in order."""
        module = self.coursedir.assignment_id
        learner = None if self.coursedir.student_id in ("", "*") else self.coursedir.student_id
        try:
            with grading_lock(self.coursedir):
                intake = Intake(self.coursedir, Path(self.inbound_path), check_owner=self.check_owner, log=self.log)
                fresh = intake.take(module, learner)
                for parcels in intake.kept(module, {p.arrival.learner for p in fresh}).values():
                    self._show(intake, parcels)
                tell_refused(self._setting(), intake)
        except QinlianError as error:
            self.fail(str(error))
        self.log.info("收到 %s 的新提交 %s 份", module, len(fresh))

    def _setting(self) -> Setting:
        return Setting(Path(self.coursedir.root), self.config, self.coursedir, Path(self.root), self.log)

    def _show(self, intake: Intake, parcels: list[Parcel]) -> None:
        """One learner's attempts: record those that nbgrader will not see, place the one it will.

        That one is recorded when nbgrader grades it, unless others came after it: numbers follow arrival.
        """
        counts = belongs(parcels)
        course = course_folder(Path(self.coursedir.root))
        for parcel in parcels:
            arrival = parcel.arrival
            if arrival.state != "已收" or (parcel is counts and parcel is parcels[-1]):
                continue
            record_only(self.coursedir.db_url, parcel.kept, arrival.learner, arrival.module, course, datetime.now(UTC))
            if parcel is not counts:
                intake.graded(parcel)
        intake.place(counts)
