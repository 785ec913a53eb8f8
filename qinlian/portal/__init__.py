"""我的学习: the learner's pages and the server extension behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "qinlian.portal"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from qinlian.portal.extension import add_pages

    add_pages(server)
