"""How the two Jupyter servers of a local classroom are set up: files and environment, no processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import qinlian
from qinlian.classroom.layout import LEARNER, Layout
from qinlian.classroom.lesson_settings import (
    LAB,
    NOT_FOR_INSTRUCTORS,
    NOT_FOR_LEARNERS,
    extensions,
    write_front_end,
    write_json,
)

__all__ = ["environment", "write_settings"]


def _server(layout: Layout, role: str, port: int) -> dict[str, Any]:
    learner = role == LEARNER
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "open_browser": False,
            # Jupyter refuses to run as root unless told; in a container there is often nobody else.
            "allow_root": os.geteuid() == 0,
            "root_dir": str(layout.home if learner else layout.root),
            "default_url": "/qinlian/" if learner else "/formgrader",
            "terminals_enabled": not learner,
            "quit_button": False,
            "jpserver_extensions": extensions(learner=learner),
        },
        **LAB,
    }


def write_settings(layout: Layout, role: str, port: int) -> None:
    """Write the configuration of the learner's or the instructor's server.

    It stands in the classroom's own folder and leaves the user's Jupyter as it is.
    """
    config = layout.jupyter(role) / "config"
    write_json(config / "jupyter_server_config.json", _server(layout, role, port))
    write_front_end(config, NOT_FOR_LEARNERS if role == LEARNER else NOT_FOR_INSTRUCTORS)
    _link_front_end(layout)


def _link_front_end(layout: Layout) -> None:
    # An editable install holds a copy from the day it was made; a link is always what the source says.
    link = layout.share / "labextensions" / "qinlian"
    target = Path(qinlian.__file__).parent / "quiz" / "labextension"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=True)


def environment(
    layout: Layout,
    role: str,
    token: str,
    course_id: str,
    base: Mapping[str, str] = os.environ,
    *,
    track: str = "",
    letterbox: str = "",
) -> dict[str, str]:
    """The environment one of the servers, and the kernels it starts, run in.

    ``letterbox`` is the name under which the grader writes to the learner.
    """
    state = layout.jupyter(role)
    env = {name: value for name, value in base.items() if not name.startswith(("JUPYTER", "QINLIAN_", "NBGRADER"))}
    env |= {
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_DATA_DIR": str(state / "data"),
        "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        "JUPYTER_PATH": str(layout.share),
        "IPYTHONDIR": str(state / "ipython"),
        # In the environment and not on the command line, where every user of the machine could read it.
        "JUPYTER_TOKEN": token,
        "PYTHONUTF8": "1",
    }
    if role != LEARNER:
        env["QINLIAN_CLASSROOM"] = str(layout.base)
    else:
        env |= {
            "QINLIAN_EXCHANGE": str(layout.exchange),
            "QINLIAN_COURSE_ID": course_id,
            "QINLIAN_LEARNER": LEARNER,
            "QINLIAN_TRACK": track,
            "QINLIAN_LETTERBOX": letterbox,
        }
    return env
