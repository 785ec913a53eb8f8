"""``python -m qinlian.staff --root <course folder>``: the instructors' pages, started by JupyterHub."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from qinlian.errors import QinlianError
from qinlian.staff.app import serve
from qinlian.staff.office import Office
from qinlian.staff.places import Places


def main() -> int:
    """Run until the Hub ends it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m qinlian.staff", description="教师页面（由 JupyterHub 启动）")
    parser.add_argument("--root", type=Path, required=True, help="课程的文件夹")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # One line a request says nothing that is missed.
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    logging.getLogger("tornado.application").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(Office(Places.load(options.root))))
    except QinlianError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
