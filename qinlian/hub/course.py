"""Brings a Hub's classroom up to date with its course, as the grader: ``python -m qinlian.hub.course``.

The first time every module is released. Later only what is out there and was changed is released anew: what
an instructor took back stays back.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qinlian.authoring.reader import load_course
from qinlian.classroom.setup import fill_gradebook
from qinlian.errors import QinlianError
from qinlian.grading.publish import is_current, outbound, release_module
from qinlian.grading.setting import Setting
from qinlian.toolpath import put_tools_on_path

__all__ = ["main", "prepare_course"]

MARK = "released-once"


def prepare_course(root: Path, classroom: Path) -> list[str]:
    """Fill the gradebook and release what is to be released; returns the modules that were.

    ``classroom`` keeps the mark that everything was released once. Raises QinlianError and OSError.
    """
    course = load_course(root / "course")
    setting = Setting.load(root)
    fill_gradebook(root, course, setting.db_url)
    mark, done = classroom / MARK, []
    for module in course.modules:
        out = outbound(setting, module.id).is_dir()
        if (out or not mark.exists()) and not is_current(setting, module.id):
            print(f"发布到课堂：{module.title}", flush=True)
            release_module(setting, module.id)
            done.append(module.id)
    mark.touch()
    return done


def main(arguments: list[str] | None = None) -> int:
    """Run as a process of its own; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.hub.course", description="准备 Hub 课堂的课程")
    parser.add_argument("--root", type=Path, required=True, help="课程的文件夹")
    parser.add_argument("--classroom", type=Path, required=True, help="课堂的文件夹")
    options = parser.parse_args(arguments)
    put_tools_on_path()
    try:
        prepare_course(options.root, options.classroom)
    except QinlianError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"课程没有准备好（{error.strerror}）；请检查磁盘空间和权限", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
