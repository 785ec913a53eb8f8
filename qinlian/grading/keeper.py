"""What happens beside a long piece of work: claims are renewed, and a time limit is watched."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable

__all__ = ["EXIT_STATUS", "Keeper", "end_this_process"]

EXIT_STATUS = 75
"""What a process that gave itself up leaves with."""
_GRACE = 5.0
"""Seconds after which a process that cannot even run Python any more is ended from below."""


class Keeper:
    """Calls ``renew`` every ``every`` seconds, for at most ``limit`` seconds in a row; then the work hangs.

    Then it calls ``fatal``, if there is one. Errors of ``renew`` are passed over, for whoever writes
    checks the claims itself.
    """

    Fatal = Callable[[float], None]

    def __init__(self, renew: Callable[[], None], every: float, limit: float, fatal: Fatal | None) -> None:
        self._renew, self._every, self._fatal = renew, every, fatal
        self._end = threading.Event()
        self._limit = limit
        self._arm(limit)
        # Renewing may have to wait for the very transaction that hangs, so it is not what keeps the time.
        for work in (self._keep_renewing, self._keep_time) if fatal else (self._keep_renewing,):
            threading.Thread(target=work, name="qinlian-keeper", daemon=True).start()

    def again(self, limit: float | None = None) -> None:
        """The next part of the work begins, and has the whole time before it (or ``limit``)."""
        self._arm(self._limit if limit is None else limit)

    def stop(self) -> None:
        """The work is done. What is being renewed at this moment is not waited for."""
        self._end.set()
        if self._fatal is not None:
            faulthandler.cancel_dump_traceback_later()

    def _arm(self, limit: float) -> None:
        self._allowed, self._until = limit, time.monotonic() + limit
        if self._fatal is not None:
            # A thread of C's own: it needs no interpreter, which a wild regular expression never lets go of.
            faulthandler.dump_traceback_later(limit + _GRACE, exit=True, file=sys.__stderr__ or 2)

    def _keep_renewing(self) -> None:
        while not self._end.wait(self._every):
            if time.monotonic() >= self._until:
                return
            try:
                self._renew()
            except Exception:
                logging.getLogger("qinlian.grading").debug("没有续上", exc_info=True)

    def _keep_time(self) -> None:
        while not self._end.wait(max(0.0, self._until - time.monotonic())):
            if time.monotonic() >= self._until and self._fatal is not None:
                self._fatal(self._allowed)
                return


def end_this_process(log: logging.Logger) -> Keeper.Fatal:
    """What a worker does about work that hangs: it ends at once, and whoever manages it starts another."""

    def end(limit: float) -> None:
        log.error("评分超过 %.0f 秒没有完成，评分程序就此退出，重新启动后先评其他提交", limit)
        for handler in log.handlers:
            handler.flush()
        os._exit(EXIT_STATUS)

    return end
