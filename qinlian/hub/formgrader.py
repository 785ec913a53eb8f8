"""nbgrader's formgrader as a service of the Hub, and nothing besides: ``python -m qinlian.hub.formgrader``.

A Jupyter server of the grader's that also had kernels, terminals and files would hand the key, the gradebook and a
shell to every instructor of every branch.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from tornado import web

from qinlian.toolpath import put_tools_on_path

__all__ = ["FormgraderServer", "FormgraderService", "leave_out", "main", "write_formgrader_settings"]

ELSEWHERE = "发布、收回、截止时间和名单不在这里改；请回到“教师工作台”，或联系管理员"


class FormgraderServer(ServerApp):
    """A Jupyter server without kernels, terminals, contents or files."""

    default_services = ("auth", "security")  # type: ignore[assignment]


def _settings() -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {
                "nbgrader.server_extensions.formgrader": True,
                "nbgrader.server_extensions.assignment_list": False,
                "nbgrader.server_extensions.course_list": False,
                "nbgrader.server_extensions.validate_assignment": False,
                "jupyterlab": False,
                "notebook": False,
                "notebook_shim": False,
                "jupyter_lsp": False,
                "jupyter_server_terminals": False,
                "qinlian.portal": False,
            },
            "terminals_enabled": False,
            "open_browser": False,
            "quit_button": False,
        }
    }


def write_formgrader_settings(folder: Path) -> None:
    """Write the service's configuration into ``folder`` (its JUPYTER_CONFIG_DIR), which only root may change."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    path = folder / "jupyter_server_config.json"
    path.write_text(json.dumps(_settings(), indent=1) + "\n", encoding="utf-8")
    path.chmod(0o644)


class FormgraderService(JupyterHubSingleUser):  # type: ignore[misc]
    """JupyterHub's own sign-in in front of that server."""

    serverapp_class = FormgraderServer

    @classmethod
    def get_extension_package(cls) -> str:
        """The package whose server extension this is: JupyterHub's, not ours."""
        return "jupyterhub"


def _refused(*_: object) -> None:
    raise web.HTTPError(403, ELSEWHERE)


def _without(handler: type, *methods: str) -> type:
    """A handler of nbgrader's that refuses these methods."""
    refusals: dict[str, Callable[..., object]] = dict.fromkeys(methods, web.authenticated(_refused))
    return type(handler.__name__, (handler,), refusals)


def leave_out() -> None:
    """Take away what nbgrader serves to every instructor and none may have here; call it before the service starts.

    Files beside a submission: its path leads to any file below the course's folder, the key among them, and none is
    handed in that an instructor would open. Releasing, due dates and people: whose they are is decided by the
    instructors' pages.
    """
    from nbgrader.server_extensions.formgrader import apihandlers, handlers

    handlers.default_handlers[:] = [
        entry for entry in handlers.default_handlers if entry[1] is not handlers.SubmissionFilesHandler
    ]
    narrowed = {
        apihandlers.AssignHandler: ("post",),
        apihandlers.ReleaseHandler: ("post",),
        apihandlers.UnReleaseHandler: ("post",),
        apihandlers.AssignmentHandler: ("put",),
        apihandlers.StudentHandler: ("put",),
    }
    apihandlers.default_handlers[:] = [
        (entry[0], _without(entry[1], *narrowed[entry[1]]), *entry[2:]) if entry[1] in narrowed else entry
        for entry in apihandlers.default_handlers
    ]


def main() -> None:
    """Run the service; the Hub says where through the environment."""
    put_tools_on_path()
    leave_out()
    FormgraderService.launch_instance()


if __name__ == "__main__":
    main()
