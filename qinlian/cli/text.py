"""The command line's own words in Chinese: click's are English."""

from __future__ import annotations

import click

__all__ = ["ChineseCommand", "ChineseGroup", "usage_sentence"]

_HEADINGS = {"Options": "选项", "Commands": "命令"}
_PIECES = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 …"}


class ChineseFormatter(click.HelpFormatter):
    """Lays out a help page with Chinese headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        for english, chinese in _PIECES.items():
            args = args.replace(english, chinese)
        super().write_usage(prog, args, prefix="用法：")

    def write_heading(self, heading: str) -> None:
        super().write_heading(_HEADINGS.get(heading, heading))


class ChineseContext(click.Context):
    formatter_class = ChineseFormatter


class ChineseCommand(click.Command):
    """A command whose help page is Chinese throughout."""

    context_class = ChineseContext

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示这段说明"
        return option


class ChineseGroup(ChineseCommand, click.Group):
    """The same for the list of commands."""

    command_class = ChineseCommand


def usage_sentence(error: click.UsageError) -> str:
    """What was wrong with the words on the command line, and where to look."""
    path = error.ctx.command_path if error.ctx else "qinlian"
    what = ""
    if isinstance(error, click.NoSuchOption):
        near = f"，是不是 {error.possibilities[0]}" if error.possibilities else ""
        what = f"：没有 {error.option_name} 这个选项{near}"
    elif isinstance(error, click.MissingParameter) and error.param:
        what = f"：缺少 {error.param.human_readable_name}"
    elif isinstance(error, click.BadParameter) and error.param:
        what = f"：{error.param.opts[0]} 的值不合适"
    elif not error.message.isascii():
        # A sentence of ours; click's own are English.
        what = f"：{error.message}"
    return f"命令写得不对{what}；运行 {path} --help 看用法"
