"""The roster in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from qinlian.roster.people import Person
from qinlian.roster.units import Node, at_or_below, tree

__all__ = ["print_people"]

_COLUMNS = ("工号", "姓名", "单位", "部门", "培训对象", "角色")


def print_people(people: Sequence[Person], console: Console | None = None) -> None:
    """Print people unit by unit, and how many there are in each unit with those below it."""
    console = console or Console()
    if not people:
        console.print("没有人；用 qinlian roster import 学员.xlsx 导入名单")
        return
    table = Table()
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    units = tree(person.unit for person in people)
    place = {path: number for number, path in enumerate(_paths(units))}
    for person in sorted(people, key=lambda one: place[one.unit]):
        cells = (person.number, person.name, person.unit, person.department, person.track, person.role)
        table.add_row(*map(Text, cells))
    console.print(table)
    for line in _counted(units, people):
        console.print(Text(line))


def _paths(nodes: Sequence[Node]) -> list[str]:
    return [path for node in nodes for path in (node.path, *_paths(node.below))]


def _counted(nodes: Sequence[Node], people: Sequence[Person]) -> list[str]:
    lines = []
    for node in nodes:
        inside = [person for person in people if at_or_below(person.unit, node.path)]
        lines += [f"{'  ' * node.depth}{node.name}  {len(inside)} 人", *_counted(node.below, inside)]
    return lines
