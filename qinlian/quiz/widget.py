"""The widget: one block of a lesson in a notebook, and nothing but a wire to ``LiveLesson``."""

from __future__ import annotations

import base64
import hashlib
import math
import time
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from qinlian.errors import StoreError
from qinlian.quiz.live import Asked, LiveLesson, RequestError

__all__ = ["QuizWidget"]

_STATIC = Path(__file__).parent / "static"
_SHOWN = ("block", "items", "answers", "notes", "result", "attempt", "phase", "context", "status")
_MOST_LIVE = 6
"""Tabs of one lesson that stay connected; a page that is reloaded says goodbye, a killed one cannot."""


@cache
def _code() -> tuple[str, dict[str, str]]:
    """The front end and a digest of it."""
    files = {kind: (_STATIC / f"quiz.{kind}").read_text("utf-8") for kind in ("js", "css")}
    return hashlib.sha256("".join(files.values()).encode()).hexdigest()[:16], files


class QuizWidget(anywidget.AnyWidget):
    """Shows the block ``block_id`` of ``live``; its traits are in docs/architecture.md."""

    # A lesson has some twenty blocks: each carries the loader, and one of them is asked for the code.
    _esm = _STATIC / "loader.js"

    block = traitlets.Dict().tag(sync=True)
    items = traitlets.Dict().tag(sync=True)
    answers = traitlets.Dict().tag(sync=True)
    notes = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    attempt = traitlets.Int(1).tag(sync=True)
    phase = traitlets.Unicode("open").tag(sync=True)
    context = traitlets.Dict().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    version = traitlets.Unicode().tag(sync=True)
    code = traitlets.Dict().tag(sync=True)
    request = traitlets.Dict().tag(sync=True)

    def __init__(self, live: LiveLesson, block_id: str) -> None:
        self._live = live
        self._block_id = block_id
        # An unknown block raises below, and ipywidgets closes even what was never finished.
        self._forget: Callable[[], None] = lambda: None
        with live.lock:
            super().__init__(**self._now(), version=_code()[0])
            self._forget = live.listen(self._refresh)
        self.observe(self._asked, names="request")
        _retire(self, live, block_id)

    def close(self) -> None:
        """Disconnect from the lesson and from the page."""
        self._forget()
        super().close()

    def _now(self) -> dict[str, Any]:
        return vars(self._live.state(self._block_id)) | {"status": self._notice()}

    def _notice(self) -> dict[str, Any]:
        text = self._live.notice
        notice = {"request": "", "ok": False, "kind": "notice", "text": text} if text else {}
        return _timed(notice)

    def _refresh(self, status: dict[str, Any] | None = None) -> None:
        # One message carries all that changed, so the page never shows a mixture.
        with self.hold_sync():
            try:
                for name, value in vars(self._live.state(self._block_id)).items():
                    setattr(self, name, value)
            except KeyError:
                status = status or _failed("", "这部分内容已经更新，请刷新页面")
            if status is not None:
                self.status = _timed(status)

    def _asked(self, change: dict[str, Any]) -> None:
        request = change["new"]
        if not isinstance(request, dict) or not request:
            return
        if request.get("action") == "code":
            self.code = _code()[1]
            return
        with self._live.lock:
            self._answer(request)

    def _answer(self, request: dict[str, Any]) -> None:
        number = request.get("id", "")
        try:
            status = {"request": number, "ok": True, **self._carry_out(request, _knew(request))}
        except RequestError as error:
            status = _failed(number, str(error), "refused")
        except StoreError as error:
            status = _failed(number, str(error))
        except Exception:
            # The page must hear of any failure, or it would wait for an answer that never comes.
            status = _failed(number, "没有保存，程序出了问题；请刷新页面，仍不行请联系管理员")
        if request.get("action") == "bye":
            return
        self._refresh(status)
        if request.get("action") == "look":
            # What was sent while a page was out of reach is lost, and the kernel takes it for known there.
            self.send_state(list(_SHOWN))

    def _carry_out(self, request: dict[str, Any], asked: Asked) -> dict[str, Any]:
        action = request.get("action")
        if action == "save":
            older = self._live.save(self._block_id, dict(request.get("changes") or {}), _moments(request), asked)
            return {"kind": "saved", "text": "已保存", "older": list(older)}
        if action == "look":
            self._live.look(exchange=True)
            return {"kind": "looked", "text": ""}
        if action == "submit":
            self._live.submit(self._block_id, asked)
            return {"kind": "submitted", "text": "已提交"}
        if action == "retake":
            self._live.retake(self._block_id, asked)
            return {"kind": "saved", "text": "已开始新的一次作答"}
        if action == "sheet":
            name, data = self._live.sheet(self._block_id, str(request.get("item")))
            file = {"name": name, "data": base64.b64encode(data).decode("ascii")}
            return {"kind": "sheet", "text": "已经做好", "file": file}
        if action == "bye":
            self.close()
            return {"kind": "closed", "text": ""}
        raise RequestError("页面与课程的版本不一致，请刷新页面")


def _timed(status: dict[str, Any]) -> dict[str, Any]:
    """With this server's clock, by which a page tells when its changes were made."""
    return status | {"clock": time.time()}


def _moment(value: Any) -> float | None:
    """A number of seconds as a page names a moment; None for anything else."""
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if sound else None


def _moments(request: dict[str, Any]) -> dict[str, float]:
    """When each change was made, where the page said it in a way that can be understood."""
    given = request.get("made")
    said = given.items() if isinstance(given, dict) else ()
    return {str(key): moment for key, value in said if (moment := _moment(value)) is not None}


def _knew(request: dict[str, Any]) -> Asked:
    """What the page knew when it asked."""
    attempt = request.get("attempt")
    return Asked(attempt if isinstance(attempt, int) else None, _moment(request.get("sent")))


def _failed(request: Any, text: str, kind: str = "failed") -> dict[str, Any]:
    return {"request": request, "ok": False, "kind": kind, "text": text}


_shown: weakref.WeakKeyDictionary[LiveLesson, dict[str, list[QuizWidget]]] = weakref.WeakKeyDictionary()


def _retire(widget: QuizWidget, live: LiveLesson, block_id: str) -> None:
    """Close the oldest widgets of a block beyond the limit: ipywidgets would keep them for ever."""
    others = [w for w in _shown.setdefault(live, {}).get(block_id, []) if w.comm is not None]
    for old in others[: max(0, len(others) + 1 - _MOST_LIVE)]:
        old.close()
    _shown[live][block_id] = [*others[-(_MOST_LIVE - 1) :], widget]
