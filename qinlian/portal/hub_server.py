"""A learner's server on a Hub: ``python -m qinlian.portal.hub_server`` in place of ``jupyterhub-singleuser``.

It is the same program with the same settings, options and environment, without what a lesson never asks for
(docs/benchmarks.md says what each thing left out saves), and it ends by itself when nobody uses it.
"""

from __future__ import annotations

from qinlian.portal.left_out import stand_in_for_the_hubs_own

__all__ = ["main"]

SERVICES = ("api", "auth", "contents", "events", "files", "kernels", "kernelspecs", "security", "sessions")
"""Jupyter Server's endpoints that a lesson's page asks. Not among them: nbconvert, which alone loads as much as all of
these, and the one that ends the server."""


def main() -> None:
    """Serve until the Hub ends us or nobody uses us; the Hub says everything by environment variables."""
    stand_in_for_the_hubs_own()
    from datetime import UTC, datetime

    from jupyter_server.serverapp import ServerApp
    from jupyterhub.singleuser.extension import JupyterHubSingleUser

    from qinlian.portal.extension import LAST_OPENED

    class LessonServer(ServerApp):
        """Jupyter Server with the endpoints of a lesson."""

        default_services = SERVICES  # type: ignore[assignment]

        def shutdown_no_activity(self) -> None:
            """End the server when there is no kernel and nobody has opened a page for ``shutdown_no_activity_timeout``.

            Jupyter's own counts every request, and a page that was left open asks for ever; so does the Hub's proxy.
            """
            known = self.web_app.settings
            if len(self.kernel_manager):
                return
            last = max(
                known["started"], self.kernel_manager.last_kernel_activity, known.get(LAST_OPENED, known["started"])
            )
            if (datetime.now(UTC) - last).total_seconds() > self.shutdown_no_activity_timeout:
                self.log.info("Nobody has used this server since %s: it ends", last)
                self.stop()

    JupyterHubSingleUser.serverapp_class = LessonServer
    JupyterHubSingleUser.launch_instance()


if __name__ == "__main__":
    main()
