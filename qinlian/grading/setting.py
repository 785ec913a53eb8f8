"""Where one course's grading takes place, read from its nbgrader_config.py."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from nbgrader.exchange.default import Exchange
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from qinlian.errors import GradingError

__all__ = ["Setting", "lock_path"]

CONFIG_NAME = "nbgrader_config.py"


@dataclass(frozen=True)
class Setting:
    """The folders, the gradebook and the exchange of one course, as nbgrader itself sees them."""

    root: Path
    config: Config
    coursedir: CourseDirectory
    exchange: Path
    log: logging.Logger

    @classmethod
    def load(cls, root: Path, config: Config | None = None, log: logging.Logger | None = None) -> Setting:
        """Read ``root/nbgrader_config.py`` (``config``, when given, stands on top of it).

        Raises GradingError when it is missing or names no course.
        """
        root = root.resolve()
        try:
            merged = PyFileConfigLoader(CONFIG_NAME, path=str(root)).load_config()
        except ConfigFileNotFound:
            raise GradingError(f"{root} 里没有 {CONFIG_NAME}，这里不是课程的文件夹") from None
        merged = Config(merged)
        if config:
            merged.merge(config)
        log = log or logging.getLogger("qinlian.grading")
        coursedir = CourseDirectory(config=merged, log=log)
        if not coursedir.root or "root" not in merged.CourseDirectory:
            coursedir.root = str(root)
        if not coursedir.course_id:
            raise GradingError(f"{CONFIG_NAME} 里没有写课程的标识（CourseDirectory.course_id）")
        exchange = Path(Exchange(coursedir=coursedir, config=merged, log=log).root)
        return cls(root=root, config=merged, coursedir=coursedir, exchange=exchange, log=log)

    @property
    def course_id(self) -> str:
        """The course's short name."""
        return str(self.coursedir.course_id)

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        return str(self.coursedir.db_url)

    @property
    def inbound(self) -> Path:
        """Where learners' submissions arrive."""
        return self.exchange / self.course_id / "inbound"

    @property
    def results(self) -> Path:
        """Where results and feedback go out."""
        return self.exchange / self.course_id / "feedback"

    def step(self, name: str, learner: str, module: str) -> Path:
        """nbgrader's folder of one step: ``submitted``, ``autograded``, ``release``, …"""
        folder = getattr(self.coursedir, f"{name}_directory")
        return Path(self.coursedir.format_path(folder, learner, module))

    def fresh_coursedir(self, module: str, learner: str = "*") -> CourseDirectory:
        """A course directory narrowed to one module (and one learner), as nbgrader's commands use it."""
        coursedir = CourseDirectory(config=self.config, log=self.log, root=str(self.coursedir.root))
        coursedir.assignment_id, coursedir.student_id = module, learner
        return coursedir

    def factory(self) -> ExchangeFactory:
        """The exchange classes this course is configured with."""
        return ExchangeFactory(config=self.config, log=self.log)

    def authenticator(self) -> Authenticator:
        """nbgrader's authenticator, as configured."""
        return Authenticator(config=self.config, log=self.log)


def lock_path(coursedir: CourseDirectory, name: str) -> Path:
    """The file of one of the course's locks, where the gradebook is SQLite."""
    return Path(coursedir.format_path(coursedir.submitted_directory, ".grading", name))
