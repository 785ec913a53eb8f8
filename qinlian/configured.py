"""Where a course keeps what is its classroom's, told without nbgrader, which takes seconds to import."""

from __future__ import annotations

import os
from pathlib import Path

from qinlian.errors import GradingError

__all__ = ["classroom_of", "database_of", "make_folder_of"]


def classroom_of(root: Path) -> Path:
    """The folder of everything that the classroom of the course in ``root`` holds.

    ``QINLIAN_CLASSROOM`` names another folder, as it does in nbgrader_config.py.
    """
    return root / os.environ.get("QINLIAN_CLASSROOM", ".classroom")


def database_of(root: Path) -> str:
    """The gradebook's address of the course in ``root``. Raises GradingError when that is no course."""
    # Not at the top: where the classroom is must be known without these two, also when they are what is broken.
    from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root.resolve())).load_config()
    except ConfigFileNotFound:
        raise GradingError(f"{root.resolve()} 里没有 nbgrader_config.py，这里不是课程的文件夹") from None
    return str(config.CourseDirectory.get("db_url") or f"sqlite:///{root.resolve() / 'gradebook.db'}")


def make_folder_of(db_url: str) -> None:
    """Make the folder of an SQLite database, for a classroom that was never opened; it is its owner's alone."""
    from sqlalchemy import make_url

    url = make_url(db_url)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
