"""Running code in a learner's kernel over the REST API and its websocket, as a browser's console would."""

from __future__ import annotations

import json
import urllib.request
import uuid
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect


def _api(server: str, token: str, path: str, method: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{server}/api/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"token {token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        said = answer.read()
    return json.loads(said) if said else None


def run_in_kernel(server: str, token: str, code: str) -> str:
    """What ``code`` prints in a new kernel of the server at ``server``; the kernel ends afterwards."""
    kernel = _api(server, token, "kernels", "POST", {"name": "python3"})["id"]
    try:
        return IOLoop(make_current=False).run_sync(lambda: _execute(server, token, kernel, code), timeout=120)
    finally:
        _api(server, token, f"kernels/{kernel}", "DELETE")


async def _execute(server: str, token: str, kernel: str, code: str) -> str:
    url = f"{server.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {token}"}))
    header = {"msg_id": uuid.uuid4().hex, "session": uuid.uuid4().hex, "username": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {
        "header": {**header, "msg_type": "execute_request"},
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
    }
    await socket.write_message(json.dumps(message))
    said = ""
    while True:
        got = json.loads(await socket.read_message())
        if got.get("parent_header", {}).get("msg_id") != header["msg_id"]:
            continue
        if got["msg_type"] == "stream":
            said += got["content"]["text"]
        elif got["msg_type"] == "error":
            said += "\n".join(got["content"]["traceback"])
        elif got["msg_type"] == "execute_reply":
            socket.close()
            return said
