"""How a learner's server on a Hub is started: its command, its settings files, its environment. No processes.

The settings lie in a folder of root's that learners can read. Nothing in a learner's home stands above them:
Jupyter is told not to look there for settings, and Python not to look there for modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qinlian.classroom.lesson_settings import LAB, NOT_FOR_LEARNERS, extensions, write_front_end, write_json
from qinlian.quiz.kernel import kernelspec

__all__ = ["KERNEL", "Patience", "learner_command", "learner_environment", "write_learner_settings"]

KERNEL = "python3"
"""The name of the kernel that every lesson's notebook asks for."""
_MINUTE = 60
# Nobody exports a lesson, and asking how it could be done loads nbconvert.
_NO_EXPORT = ("@jupyterlab/notebook-extension:export", "@jupyterlab/notebook-extension:update-raw-mimetype")


def learner_command(program: Path) -> list[str]:
    """The command of a learner's server; ``program`` is the folder of the environment's programs."""
    return [str(program / "python"), "-P", "-m", "qinlian.portal.hub_server"]


@dataclass(frozen=True)
class Patience:
    """How many seconds what nobody uses is kept: a kernel whose page is open, one whose page is closed, and the server
    after its last kernel has ended and its last page was opened."""

    kernel: int = 30 * _MINUTE
    closed: int = 3 * _MINUTE
    server: int = 20 * _MINUTE


def _settings(patience: Patience) -> dict[str, Any]:
    return {
        "ServerApp": {
            "default_url": "/qinlian/",
            "terminals_enabled": False,
            "quit_button": False,
            "open_browser": False,
            "jpserver_extensions": extensions(learner=True, lab=False),
            "kernel_manager_class": "qinlian.portal.kernels.LessonKernels",
            "shutdown_no_activity_timeout": patience.server,
        },
        **LAB,
        "KernelSpecManager": {"allowed_kernelspecs": [KERNEL], "ensure_native_kernel": False},
        "MappingKernelManager": {
            "default_kernel_name": KERNEL,
            # Any user of the machine can connect to a kernel's ports, and would read along without a key.
            "transport_encryption": "required",
            "cull_idle_timeout": patience.kernel,
            "cull_interval": max(1, min(_MINUTE, patience.kernel // 4, patience.closed // 3)),
            # A page left open is no reason to keep a kernel: it starts another when it is used again.
            "cull_connected": True,
        },
        "LessonKernels": {"closed_timeout": patience.closed},
    }


def write_learner_settings(folder: Path, *, patience: Patience = Patience()) -> None:
    """Write all learners' settings below ``folder``, for everybody to read and for the owner alone to change."""
    etc, share = folder / "etc", folder / "share"
    write_json(etc / "jupyter_server_config.json", _settings(patience))
    write_front_end(etc, NOT_FOR_LEARNERS + _NO_EXPORT)
    # Without it Jupyter looks for settings of ten years ago wherever a kernel has run, and notes here that it did.
    (etc / "migrated").write_text("", "utf-8")
    write_json(share / "kernels" / KERNEL / "kernel.json", kernelspec())
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def learner_environment(
    *, home: Path, exchange: Path, course_id: str, track: str, letterbox: str, settings: Path, name: str = ""
) -> dict[str, str]:
    """What a learner's server, and the kernels it starts, get besides the Hub's own variables.

    ``settings`` is the folder of ``write_learner_settings``; ``track`` and ``letterbox`` are the roster's and the
    grader's for this learner, ``name`` is what they are called.
    """
    return {
        "HOME": str(home),
        "JUPYTERHUB_DISABLE_USER_CONFIG": "1",
        "JUPYTER_CONFIG_DIR": str(settings / "etc"),
        "JUPYTER_PATH": str(settings / "share"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / ".qinlian" / "jupyter"),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        # The other one compiles itself anew in every server: 10 MB.
        "NBFORMAT_VALIDATOR": "jsonschema",
        "MALLOC_ARENA_MAX": "1",
        "QINLIAN_EXCHANGE": str(exchange),
        "QINLIAN_COURSE_ID": course_id,
        "QINLIAN_TRACK": track,
        "QINLIAN_LETTERBOX": letterbox,
        "QINLIAN_NAME": name,
    }
