"""nbgrader's formgrader as a service of the Hub, and nothing besides: ``python -m qinlian.hub.formgrader``.

A Jupyter server of the grader's that also had kernels, terminals and files would hand the key, the gradebook and a
shell to every instructor of every branch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser

from qinlian.toolpath import put_tools_on_path

__all__ = ["FormgraderServer", "FormgraderService", "main", "write_formgrader_settings"]


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


def main() -> None:
    """Run the service; the Hub says where through the environment."""
    put_tools_on_path()
    FormgraderService.launch_instance()


if __name__ == "__main__":
    main()
