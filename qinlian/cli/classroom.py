"""``qinlian classroom``: the local classroom."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from qinlian.cli.base import app, course_dir, root_option


@app.command()
@root_option
@click.option("--port", type=click.IntRange(1024, 65000), default=8888, metavar="端口", help="学员用这个，教师用下一个")
@click.option("--browser/--no-browser", default=True, help="是否打开浏览器")
@click.option("--demo", is_flag=True, help="加入 30 名演示学员和他们的作业")
@click.option("--track", metavar="培训对象", help="只为这一类培训对象开课，如 青年干部")
def classroom(root: Path, port: int, browser: bool, demo: bool, track: str | None) -> None:
    """在本机开课：学员、教师和自动评分一起启动，按 Ctrl-C 结束。"""
    from qinlian.classroom.servers import run_classroom

    course_dir(root)
    sys.exit(run_classroom(root.resolve(), port=port, browser=browser, demo=demo, track=track or ""))
