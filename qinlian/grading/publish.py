"""Publishing a module to learners, as every room of ours does it: through the configured exchange classes.

``python -m qinlian.grading.publish release|withdraw <module> --root <folder>`` does it in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path

from nbgrader.exchange import ExchangeError

from qinlian.core.files import LESSON_NAME
from qinlian.errors import BuildError, QinlianError
from qinlian.grading.assess import course_folder
from qinlian.grading.setting import Setting
from qinlian.notebooks.said import Said
from qinlian.toolpath import put_tools_on_path

__all__ = ["is_current", "main", "outbound", "release_module", "withdraw_module"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


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


def withdraw_module(setting: Setting, module: str) -> bool:
    """Let learners fetch a module no longer; False when it was not out. Raises OSError, with nothing changed.

    What was handed in, graded and archived stays, and so does what learners have fetched. nbgrader's own way is
    ``list --remove``, which deletes file by file under the eyes of whoever is fetching, and everything when the
    name is empty.
    """
    folder = outbound(setting, module)
    if not _NAME.fullmatch(module) or folder.is_symlink() or not folder.is_dir():
        return False
    aside = Path(tempfile.mkdtemp(prefix=".withdrawn-", dir=folder.parent))
    try:
        # Learners' side takes no name that begins with a dot for a module.
        folder.rename(aside / "was")
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run as a process of its own; what went wrong is said on stderr, in Chinese, and the status is then 1."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.grading.publish", description="发布或收回一个模块")
    parser.add_argument("action", choices=("release", "withdraw"))
    parser.add_argument("module")
    parser.add_argument("--root", type=Path, required=True, help="课程的文件夹")
    options = parser.parse_args(arguments)
    put_tools_on_path()
    try:
        setting = Setting.load(options.root)
        if options.action == "release":
            release_module(setting, options.module)
        else:
            withdraw_module(setting, options.module)
    except QinlianError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"收发文件夹写不进去（{error.strerror}）；请检查磁盘空间和权限", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
