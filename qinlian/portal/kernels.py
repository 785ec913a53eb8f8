"""Kernels of a learner's server on a Hub: those whose page is closed end early, for the next page starts its own."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Integer

__all__ = ["LessonKernels"]


class LessonKernels(AsyncMappingKernelManager):
    """Jupyter's own manager of kernels, with a second and shorter patience.

    A kernel holds nothing of a learner's: answers are in files, and a page that meets no kernel starts one.
    """

    closed_timeout = Integer(
        180, config=True, help="Seconds without a message after which a kernel without a page is ended; 0: never."
    )

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that nobody uses any more, whether its page is open (``cull_idle_timeout``) or closed."""
        last: datetime | None = getattr(self.get_kernel(kernel_id), "last_activity", None)
        if last is None:
            # It is only just starting.
            return
        found = self.kernel_model(kernel_id)
        idle = (datetime.now(UTC) - last).total_seconds()
        alone = found["connections"] == 0 and found["execution_state"] != "busy"
        if self.closed_timeout and alone and idle > self.closed_timeout:
            self.log.info("Ending kernel %s: its page was closed %d seconds ago", kernel_id, idle)
            await self.shutdown_kernel(kernel_id)
        else:
            await super().cull_kernel_if_idle(kernel_id)
