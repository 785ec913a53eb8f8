"""The Hub's own pages in Chinese: where their templates and files are, and how the files are served.

The files lie at ``<hub>/qinlian/…``; the two authenticators add the handlers, so that a configuration needs to
name the templates only: ``c.JupyterHub.template_paths = [str(TEMPLATES)]``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from tornado.web import StaticFileHandler

from qinlian.portal.page import STATIC as PORTAL_STATIC

__all__ = ["STATIC", "TEMPLATES", "page_handlers", "write_proxy_pages"]

_HERE = Path(__file__).parent
TEMPLATES = _HERE / "templates"
"""JupyterHub's templates, those that a learner or an instructor can ever meet."""
STATIC = _HERE / "static"
"""Their style and scripts; portal.css and the mark are the portal's own."""
_PROXY_TEXTS = {
    "404": ("找不到这个页面", "地址可能写错了，或者已经改了。"),
    "503": ("学习空间暂时没有响应", "您交过和保存过的都在。请过一分钟再试；仍不行请联系管理员。"),
    "error": ("暂时打不开", "您交过和保存过的都在。请过一分钟再试；仍不行请联系管理员。"),
}


class _PageFile(StaticFileHandler):
    """One file; asked for anew each time, so that an update of the package shows at once."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")


def page_handlers() -> list[tuple[str, type[StaticFileHandler], dict[str, Any]]]:
    """The handlers that serve the pages' files, as ``Authenticator.get_handlers`` returns them."""
    return [
        (r"/qinlian/(portal\.css|mark\.svg)", _PageFile, {"path": str(PORTAL_STATIC)}),
        (r"/qinlian/(.*)", _PageFile, {"path": str(STATIC)}),
    ]


def write_proxy_pages(folder: Path, base_url: str = "/") -> None:
    """Write what the proxy shows when nobody answers behind it, the Hub included, into ``folder``.

    For configurable-http-proxy's ``--error-path``: each page holds all it needs. ``base_url`` is the Hub's
    address on its host, ending in a slash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("proxy.html")
    style = (PORTAL_STATIC / "portal.css").read_text(encoding="utf-8")
    mark = (PORTAL_STATIC / "mark.svg").read_text(encoding="utf-8")
    for name, (title, text) in _PROXY_TEXTS.items():
        written = page.render(title=title, text=text, style=style, mark=mark, home=f"{base_url}hub/home")
        (folder / f"{name}.html").write_text(written, encoding="utf-8")
