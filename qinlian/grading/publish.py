"""Publishing a module to learners, as every room of ours does it: through the configured exchange classes."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from nbgrader.exchange import ExchangeError

from qinlian.core.files import LESSON_NAME
from qinlian.errors import BuildError
from qinlian.grading.assess import course_folder
from qinlian.grading.setting import Setting
from qinlian.notebooks.said import Said

__all__ = ["is_current", "outbound", "release_module"]


def outbound(setting: Setting, module: str) -> Path:
    """Where learners fetch a module from."""
    return setting.exchange / setting.course_id / "outbound" / module


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and ".ipynb_checkpoints" not in p.parts):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def is_current(setting: Setting, module: str) -> bool:
    """True when what learners can fetch is what release/ holds, and grading has its edition."""
    out = outbound(setting, module)
    if not out.is_dir() or _digest(setting.step("release", ".", module)) != _digest(out):
        return False
    # The grader grades against the archive, so what is out there must be in it.
    edition = json.loads((out / LESSON_NAME).read_bytes())["edition"]
    archive = course_folder(Path(setting.coursedir.root)) / "editions" / module
    return (archive / f"{edition}.json").is_file()


def release_module(setting: Setting, module: str) -> None:
    """Publish one module, or publish it anew. Raises BuildError, in Chinese, with nothing changed; OSError."""
    kept = Said()
    log = logging.Logger("qinlian.publish", logging.WARNING)
    log.addHandler(kept)
    own = Setting(setting.root, setting.config, setting.fresh_coursedir(module), setting.exchange, log)
    release = own.factory().ReleaseAssignment(coursedir=own.coursedir, authenticator=own.authenticator(), force=True)
    release.log = log
    try:
        release.start()
    except ExchangeError as error:
        said = "；".join(kept.lines) or str(error)
        raise BuildError(f"模块 {module} 没有发布出去：{said[-800:]}") from error
