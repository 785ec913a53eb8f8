"""What a course's nbgrader_config.py says, read without nbgrader, which takes seconds to import."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from qinlian.errors import GradingError

__all__ = ["database_of", "make_folder_of"]


def database_of(root: Path) -> str:
    """The gradebook's address of the course in ``root``. Raises GradingError when that is no course."""
    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root.resolve())).load_config()
    except ConfigFileNotFound:
        raise GradingError(f"{root.resolve()} 里没有 nbgrader_config.py，这里不是课程的文件夹") from None
    return str(config.CourseDirectory.get("db_url") or f"sqlite:///{root.resolve() / 'gradebook.db'}")


def make_folder_of(db_url: str) -> None:
    """Make the folder of an SQLite database, for a classroom that was never opened; it is its owner's alone."""
    url = make_url(db_url)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
