"""How much a classroom of a given size needs: the tables of docs/capacity.md, counted on from measured unit costs.

``python -m benchmarks.capacity``                print the tables, from capacity.json and memory.json
``python -m benchmarks.capacity --measure 40``   measure anew with 40 learners first (needs PostgreSQL)
``python -m benchmarks.capacity --memory 150``   count with another figure for a learner, in MB

Everything beyond the unit costs is counted and not measured: what is assumed stands in ``Plan``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DOCUMENT", "MEMORY", "SIZES", "UNITS", "Plan", "Size", "main", "tables", "with_tables"]

HERE = Path(__file__).resolve().parent
UNITS, MEMORY = HERE / "capacity.json", HERE / "memory.json"
DOCUMENT = HERE.parent / "docs" / "capacity.md"
_BEGIN, _END = "<!-- 以下由 python -m benchmarks.capacity --write 生成 -->\n", "<!-- 生成到此为止 -->"
SIZES = (1_000, 20_000, 200_000)
_MB, _GB = 1e6, 1e9


@dataclass(frozen=True)
class Plan:
    """What is assumed of how people learn, and of the machines."""

    modules: int = 14
    attempts: float = 1.5
    """Submissions of a learner in a module, on average."""
    active: float = 0.10
    """Share of all learners whose server runs in the busiest hour."""
    hourly: float = 1.0
    """Submissions of an active learner in that hour: a module takes about an hour."""
    burst: float = 3.0
    """How much busier than the hour's average its busiest minutes are."""
    cpu: float = 0.05
    """Cores asked for by a learner's pod (values.yaml). Not measured."""
    node_memory: float = 64.0
    """GB of a node for learners, of which a tenth is the system's."""
    node_pods: int = 250
    """Pods of a node; the usual setting is 110 and has to be raised."""
    busy: float = 0.6
    """How busy a worker may be on average, so that nobody waits."""
    reserve: float = 1.5
    """How much larger a volume is than what lies in it."""


@dataclass(frozen=True)
class Size:
    """One size of classroom, counted on."""

    learners: int
    plan: Plan
    units: dict[str, Any]
    memory_mb: float

    @property
    def _costs(self) -> dict[str, Any]:
        found: dict[str, Any] = self.units["postgres"]
        return found

    @property
    def active(self) -> int:
        """Learners whose server runs in the busiest hour."""
        return math.ceil(self.learners * self.plan.active)

    @property
    def first(self) -> int:
        """First submissions of the whole course, one for each learner and module."""
        return self.learners * self.plan.modules

    @property
    def later(self) -> int:
        """Submissions after the first."""
        return round(self.first * (self.plan.attempts - 1))

    def all(self, what: str, unit: str) -> float:
        """Of one thing (``home``, ``inbound``, …) what the whole course leaves: ``files`` or ``bytes``."""
        first, later = self._costs["first"][what][unit], self._costs["later"][what][unit]
        return float(self.first * first + self.later * later)

    @property
    def pages(self) -> dict[str, float]:
        """Files and bytes of feedback pages, one of the newest submission for each learner and module."""
        page = self._costs["page"]
        return {unit: self.first * page[unit] for unit in ("files", "bytes")}

    @property
    def rows(self) -> float:
        """Rows that the whole course leaves in the database."""
        return sum(self.first * n for n in self._costs["first"]["rows"].values()) + sum(
            self.later * n for n in self._costs["later"]["rows"].values()
        )

    @property
    def database(self) -> float:
        """Bytes of them, indexes included."""
        return float(
            self.first * self._costs["first"]["database_bytes"] + self.later * self._costs["later"]["database_bytes"]
        )

    @property
    def memory(self) -> float:
        """Bytes of memory of the active learners' pods."""
        return self.active * self.memory_mb * _MB

    @property
    def nodes(self) -> int:
        """Nodes for learners' pods."""
        room = self.plan.node_memory * 0.9 * _GB
        return max(math.ceil(self.memory / room), math.ceil(self.active / self.plan.node_pods))

    @property
    def arrivals(self) -> float:
        """Submissions a second in the busiest minutes."""
        return self.active * self.plan.hourly / 3600 * self.plan.burst

    @property
    def grading(self) -> float:
        """Cores that grading takes then. The feedback pages come when nobody waits."""
        return self.arrivals * self._costs["later"]["grade_ms"] / 1000

    @property
    def paging(self) -> float:
        """Cores that the feedback pages take, over the whole of the busiest hour."""
        return self.arrivals / self.plan.burst * self._costs["page"]["page_ms"] / 1000

    @property
    def workers(self) -> int:
        """Workers, each of one core; two at least, so that one may fail."""
        return max(2, math.ceil((self.grading + self.paging) / self.plan.busy))

    @property
    def scan(self) -> float:
        """Seconds of one look through the inbound folder at the end of the course, if nothing is ever tidied away."""
        return (self.first + self.later) * self.units["scan_us"] / 1e6

    @property
    def names(self) -> float:
        """Bytes in which each worker remembers what it took in."""
        return (self.first + self.later) * float(self.units["name_bytes"])

    def volume(self, used: float) -> int:
        """GB of a volume for so many bytes."""
        return max(5, math.ceil(used * self.plan.reserve / _GB))


def _number(value: float) -> str:
    if value >= 10_000:
        most = value / 10_000
        return f"{most:,.0f} 万" if most >= 100 else f"{most:.3g} 万"
    return f"{value:,.0f} " if value >= 10 else f"{value:.1f} "


def _bytes(value: float) -> str:
    for unit, name in ((1e12, "TB"), (_GB, "GB"), (_MB, "MB"), (1e3, "KB")):
        if value >= unit:
            return f"{value / unit:,.1f} {name}" if value < 100 * unit else f"{value / unit:,.0f} {name}"
    return f"{value:.0f} B"


def _seconds(value: float) -> str:
    return f"{value * 1000:,.0f} 毫秒" if value < 1 else f"{value:,.1f} 秒"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _unit_rows(units: dict[str, Any], memory: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = [("学员服务器加内核的内存", f"{memory['learner_mb']:g} MB", "", memory["source"])]

    def add(name: str, what: str, note: str = "") -> None:
        first, later = (units["postgres"][turn][what] for turn in ("first", "later"))
        shown = [f"{turn['files']:g} 个文件，{_bytes(turn['bytes'])}" for turn in (first, later)]
        rows.append((name, *shown, note))

    add("学员的家（课文、作答、提交的副本）", "home")
    add("收件文件夹", "inbound", "课文笔记本和 lesson.json 占九成")
    add("评分一侧留存（submitted、autograded）", "classroom")
    add("结果", "results")
    page = units["postgres"]["page"]
    rows.append(("反馈页（每人每模块一份）", f"{page['files']:g} 个文件，{_bytes(page['bytes'])}", "覆盖", ""))
    for kind, name in (("postgres", "PostgreSQL"), ("sqlite", "SQLite")):
        first, later = units[kind]["first"], units[kind]["later"]
        shown = [f"{sum(turn['rows'].values()):.0f} 行，{_bytes(turn['database_bytes'])}" for turn in (first, later)]
        rows.append((f"成绩册（{name}）", *shown, "含索引"))
        rows.append((f"收下并评分（{name}）", *(f"{turn['grade_ms']:g} 毫秒" for turn in (first, later)), "结果已写出"))
    rows.append(("做一份反馈页", f"{page['page_ms']:g} 毫秒", "", "没有人等的时候才做"))
    rows.append(("评分程序的内存", f"{units['worker_mb']} MB", "", "测量时的最大值"))
    return rows


def tables(units: dict[str, Any], memory: dict[str, Any], plan: Plan | None = None) -> str:
    """The tables of docs/capacity.md, in Markdown."""
    sizes = [Size(n, plan or Plan(), units, float(memory["learner_mb"])) for n in SIZES]

    def row(name: str, show: Any) -> tuple[str, ...]:
        return (name, *(str(show(size)) for size in sizes))

    head = ("", *(f"{_number(size.learners)}人" for size in sizes))
    running = [
        row("高峰同时在学", lambda s: f"{_number(s.active)}人"),
        row("学员 Pod 的内存", lambda s: _bytes(s.memory)),
        row("学员 Pod 申请的核（未测）", lambda s: _number(s.active * s.plan.cpu).strip()),
        row("64 GB 的节点", lambda s: f"{s.nodes} 台"),
        row("高峰每秒提交", lambda s: f"{s.arrivals:.2g} 份"),
        row("评分占的核", lambda s: f"{s.grading:.2g}"),
        row("反馈页占的核", lambda s: f"{s.paging:.2g}"),
        row("worker 副本", lambda s: s.workers),
    ]
    left = [
        row("提交", lambda s: f"{_number(s.first + s.later)}份"),
        row("数据库的行", lambda s: f"{_number(s.rows)}行"),
        row("数据库", lambda s: _bytes(s.database)),
        row("收件文件夹", lambda s: f"{_number(s.all('inbound', 'files'))}个文件，{_bytes(s.all('inbound', 'bytes'))}"),
        row("结果", lambda s: f"{_number(s.all('results', 'files'))}个文件，{_bytes(s.all('results', 'bytes'))}"),
        row(
            "评分一侧留存与反馈页",
            lambda s: (
                f"{_number(s.all('classroom', 'files') + s.pages['files'])}个文件，"
                f"{_bytes(s.all('classroom', 'bytes') + s.pages['bytes'])}"
            ),
        ),
        row("学员的家", lambda s: f"{_number(s.all('home', 'files'))}个文件，{_bytes(s.all('home', 'bytes'))}"),
        row("扫一遍收件文件夹（本地盘）", lambda s: _seconds(s.scan)),
        row("worker 记住已收提交的内存", lambda s: _bytes(s.names)),
    ]
    volumes = [
        row("qinlian-exchange", lambda s: f"{s.volume(s.all('inbound', 'bytes') + s.all('results', 'bytes'))} GB"),
        row("qinlian-homes", lambda s: f"{s.volume(s.all('home', 'bytes'))} GB"),
        row("qinlian-classroom", lambda s: f"{s.volume(s.all('classroom', 'bytes') + s.pages['bytes'])} GB"),
        row("PostgreSQL 的 data", lambda s: f"{s.volume(2 * s.database)} GB"),
    ]
    measured = f"测于 {units['measured_at']}，模块 {units['module']}，{units['learners']} 名学员。"
    return "\n\n".join(
        (
            f"**单位成本**（{measured}）",
            _table(("", "第一次提交", "再次提交", "说明"), _unit_rows(units, memory)),
            "**高峰时**",
            _table(head, running),
            "**一门课学完之后**",
            _table(head, left),
            "**存储卷**",
            _table(head, volumes),
        )
    )


def with_tables(document: str, made: str) -> str:
    """The document with these tables in the place of those it has."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{made}\n\n{_END}{after}"


def _measure(count: int) -> dict[str, Any]:
    from benchmarks.capacity_units import measure
    from tests.postgres import running_server

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with running_server(fsync="on") as server:
        return measure(count, server.url, say)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__.splitlines()[0])
    parser.add_argument("--measure", type=int, metavar="N", help="measure the unit costs anew with N learners")
    parser.add_argument("--memory", type=float, metavar="MB", help="server and kernel of one active learner")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/capacity.md")
    options = parser.parse_args(arguments)
    if options.measure:
        UNITS.write_text(json.dumps(_measure(options.measure), ensure_ascii=False, indent=1) + "\n", "utf-8")
    units, memory = (json.loads(path.read_text("utf-8")) for path in (UNITS, MEMORY))
    if options.memory:
        memory = {"learner_mb": options.memory, "source": "--memory"}
    made = tables(units, memory)
    if options.write:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8"), made), "utf-8")
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
