"""``qinlian hub``: the classroom on JupyterHub, which ``./run --hub`` starts."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from qinlian.cli.base import app, course_dir, root_option
from qinlian.errors import ClassroomError

_DATABASE = "QINLIAN_DATABASE_URL"


def _without_password(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """What stands on a command line can be read by everybody on the machine, for as long as the Hub runs."""
    given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    if value and given:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            password = make_url(value).password
        except ArgumentError:
            raise ClassroomError("--database-url 的地址不对；应像 postgresql+psycopg://用户@主机/库") from None
        if password:
            raise ClassroomError(
                f"口令不要写在命令里，机器上的人都看得到；请把整个地址放进环境变量 {_DATABASE}，去掉 --database-url，"
                f"再运行一次（第一次以后就记住了）"
            )
    return value


@app.command()
@root_option
@click.option("--state", type=click.Path(path_type=Path), metavar="文件夹", help="课堂放在哪里（默认 /srv/qinlian）")
@click.option("--roster", type=click.Path(path_type=Path, exists=True), metavar="学员.xlsx", help="同时导入名单")
@click.option("--host", metavar="地址", help="在哪个地址上接受访问：127.0.0.1 只限本机，0.0.0.0 不限")
@click.option("--port", type=click.IntRange(1, 65535), metavar="端口", help="默认 8000")
@click.option("--url", "known_as", metavar="网址", help="学员输入的网址，如 https://xuetang.example.cn")
@click.option("--domain", metavar="网址", help="给每个学习空间一个独立的子域名，如 https://xuetang.example.cn")
@click.option("--contact", metavar="联系方式", help="登录页和出错页上写明找谁，如“培训处 张老师 0000-1234567”")
@click.option("--certificate", type=click.Path(path_type=Path), metavar="文件", help="HTTPS 证书，与 --key 一起用")
@click.option("--key", type=click.Path(path_type=Path), metavar="文件", help="HTTPS 私钥")
@click.option(
    "--database-url",
    envvar=_DATABASE,
    callback=_without_password,
    metavar="地址",
    help=f"成绩册用 PostgreSQL，如 postgresql+psycopg://用户@主机/库；有口令的放进环境变量 {_DATABASE}",
)
@click.option(
    "--sso", type=click.Path(path_type=Path), metavar="文件", help="统一身份认证的设置（docs/hub-sign-in.md）"
)
@click.option("--admin", "admins", multiple=True, metavar="账号", help="能进 JupyterHub 管理页的账号，可写多次")
@click.option(
    "--learner-disk", type=click.IntRange(0, 100_000), default=10, metavar="GB", help="学员的磁盘有多大；0 为不单设"
)
def hub(
    root: Path,
    state: Path | None,
    roster: Path | None,
    host: str | None,
    port: int | None,
    known_as: str | None,
    domain: str | None,
    contact: str | None,
    certificate: Path | None,
    key: Path | None,
    database_url: str | None,
    sso: Path | None,
    admins: tuple[str, ...],
    learner_disk: int,
) -> None:
    """开 Hub 课堂：许多学员和教师各有账号，按 Ctrl-C 结束（需要管理员身份）。"""
    from qinlian.hub.servers import Wishes, run_hub
    from qinlian.hub.settings import state_folder

    course_dir(root)
    wishes = Wishes(
        host=host,
        port=port,
        known_as=known_as,
        domain=domain,
        contact=contact,
        database_url=database_url,
        certificate=certificate,
        key=key,
        single_sign_on=sso,
        admins=admins,
        gigabytes=learner_disk,
    )
    sys.exit(run_hub(root.resolve(), state_folder(state), wishes, roster))
