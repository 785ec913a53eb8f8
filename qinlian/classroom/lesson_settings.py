"""What makes a Jupyter server one for lessons, in a local classroom and on a Hub: settings, and no processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qinlian.atomic import replace_file

__all__ = ["LAB", "NOT_FOR_INSTRUCTORS", "NOT_FOR_LEARNERS", "extensions", "write_front_end", "write_json"]

_NBGRADER = "nbgrader.server_extensions"

_CHINESE = {"@jupyterlab/translation-extension:plugin": {"locale": "zh_CN"}}
_QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 30, "confirmClosingDocument": False},
    "@jupyter-notebook/notebook-extension:close-tab": {"promptForConfirmation": False},
    # A lesson is read from top to bottom: no cell may be missing because it is off the screen.
    "@jupyterlab/notebook-extension:tracker": {
        "windowingMode": "none",
        "scrollPastEnd": False,
        "kernelShutdown": False,
    },
}
NOT_FOR_LEARNERS = (
    "@jupyter/nbgrader",
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/debugger-extension",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyterlab/notebook-extension:trust-status",
    "@jupyterlab/terminal-extension",
    "@jupyter-notebook/notebook-extension:trusted",
    "@jupyter-notebook/terminal-extension",
)
"""Parts of the front end that a learner does without."""
NOT_FOR_INSTRUCTORS = ("@jupyterlab/apputils-extension:announcements",)

LAB = {
    "LabApp": {
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "extension_manager": "readonly",
    },
    "JupyterNotebookApp": {"custom_css": False},
}
"""No news, no updates, nothing that installs."""


def extensions(*, learner: bool, lab: bool = True) -> dict[str, bool]:
    """Which server extensions are on; each is named, or what happens to be installed would decide.

    ``lab``: JupyterLab besides Notebook.
    """
    return {
        "jupyterlab": lab,
        "notebook": True,
        "notebook_shim": lab,
        "jupyter_lsp": False,
        "jupyter_server_terminals": not learner,
        "qinlian.portal": learner,
        f"{_NBGRADER}.formgrader": not learner,
        f"{_NBGRADER}.validate_assignment": not learner,
        f"{_NBGRADER}.assignment_list": False,
        f"{_NBGRADER}.course_list": False,
    }


def write_json(path: Path, data: Any) -> None:
    """Write a settings file, whole; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode())


def write_front_end(config: Path, off: tuple[str, ...]) -> None:
    """Write what the front end reads of a configuration folder: in Chinese, quiet, without the parts in ``off``."""
    write_json(config / "labconfig" / "default_setting_overrides.json", _CHINESE | _QUIET)
    write_json(config / "labconfig" / "page_config.json", {"disabledExtensions": dict.fromkeys(off, True)})
