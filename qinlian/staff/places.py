"""Where a course's things lie, read from its nbgrader_config.py without nbgrader, which takes seconds to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from qinlian.errors import GradingError

__all__ = ["Places"]


@dataclass(frozen=True)
class Places:
    """The folders of one course and the address of its gradebook, which may hold a password."""

    root: Path
    course_id: str
    db_url: str = field(repr=False)
    exchange: Path

    @classmethod
    def load(cls, root: Path) -> Places:
        """Read ``root/nbgrader_config.py``. Raises GradingError when it is missing or does not say enough."""
        root = root.resolve()
        try:
            config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
        except ConfigFileNotFound:
            raise GradingError(f"{root} 里没有 nbgrader_config.py，这里不是课程的文件夹") from None
        course_id, exchange = config.CourseDirectory.get("course_id"), config.Exchange.get("root")
        if not course_id or not exchange:
            raise GradingError("nbgrader_config.py 里没有写课程的标识（course_id）或收发文件夹（Exchange.root）")
        db_url = config.CourseDirectory.get("db_url") or f"sqlite:///{root / 'gradebook.db'}"
        return cls(root=root, course_id=str(course_id), db_url=str(db_url), exchange=Path(str(exchange)))

    @property
    def release(self) -> Path:
        """What was built for learners, a folder a module."""
        return self.root / "release"

    @property
    def outbound(self) -> Path:
        """What learners can fetch, a folder a module."""
        return self.exchange / self.course_id / "outbound"

    @property
    def editions(self) -> Path:
        """The archive of what was released."""
        return self.root / "course" / "editions"

    @property
    def docs(self) -> Path:
        """The guides for authors."""
        return self.root / "docs"
