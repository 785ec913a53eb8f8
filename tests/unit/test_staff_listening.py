"""A Hub that was killed leaves its service behind for a moment: the new one waits for the port instead of ending."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application

from qinlian.staff import app
from tests.ports import free_ports


def test_a_port_that_is_still_taken_is_waited_for() -> None:
    async def story() -> None:
        with socket.socket() as before:
            port = free_ports()
            before.bind(("127.0.0.1", port))
            before.listen()
            server = HTTPServer(Application())
            listening = asyncio.ensure_future(app._listen(server, port, "127.0.0.1"))
            await asyncio.sleep(0.3)
            assert not listening.done()
        await asyncio.wait_for(listening, 5)
        server.stop()

    asyncio.run(story())


def test_one_that_stays_taken_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_PATIENCE", 0.0)
    with socket.socket() as before:
        before.bind(("127.0.0.1", 0))
        before.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(app._listen(HTTPServer(Application()), before.getsockname()[1], "127.0.0.1"))
