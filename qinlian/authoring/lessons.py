"""lesson.md → title, objectives and blocks, every embed resolved against the module's items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qinlian.authoring.cases import PlacedCase
from qinlian.authoring.embeds import Embed, Stretch, parse_body
from qinlian.authoring.placed import Placed
from qinlian.authoring.structure import ID, Attr, heading_level, heading_text, parse_points, split_list
from qinlian.authoring.textfile import Line, Place, TextFile, nearest
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import (
    Block,
    CaseBlock,
    Item,
    ItemBlock,
    PracticeBlock,
    Prose,
    QuizBlock,
    ReflectionBlock,
)
from qinlian.items.base import item_type, item_types

__all__ = ["Lesson", "Resolved", "Stock", "by_number", "parse_lesson", "resolve"]

_OBJECTIVES = re.compile(r"\s*(?:\*\*|\[|【)?(?:学习)?目标(?:\*\*|\]|】)?\s*(?::|$)")
_BULLET = re.compile(r"\s*(?:[-*+]|\d+[.、])\s+")


@dataclass(frozen=True)
class Lesson:
    """A lesson as written, before its embeds are looked up."""

    title: str
    title_place: Place
    objectives: tuple[str, ...]
    parts: tuple[Stretch | Embed, ...]
    objective_lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Stock:
    """What a lesson may embed. ``broken`` ids stand in the files but could not be read."""

    items: tuple[Placed, ...]
    cases: tuple[PlacedCase, ...]
    broken: frozenset[str]
    pass_mark: float
    others: tuple[Placed, ...] = ()
    """Items of the course's other modules, for a quiz that draws from all of them."""

    def item(self, item_id: str) -> Item | None:
        """The item of that id, or None."""
        return next((p.item for p in self.items if p.item.id == item_id), None)


@dataclass(frozen=True)
class Resolved:
    """A lesson's blocks; ``used`` are the ids of all items and cases they lead to."""

    blocks: tuple[Block, ...]
    used: frozenset[str]
    quizzes: tuple[tuple[str, Place], ...]
    problems: tuple[Diagnostic, ...]
    borrowed: tuple[str, ...] = ()
    """Ids of the items of other modules that a quiz draws from."""


def by_number(item_id: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts ids by the numbers in them: 9 before 10."""
    return tuple((1, int(w), w) if w.isdecimal() else (0, 0, w) for w in re.findall(r"\d+|\D+", item_id))


def parse_lesson(parsed: TextFile) -> tuple[Lesson, list[Diagnostic]]:
    """The lesson's parts; problems are E410 (its frame) and those of ``parse_body``."""
    problems: list[Diagnostic] = []
    title, title_place = "", Place(parsed.file, 1, 1)
    objectives: list[str] = []
    objective_lines: list[Line] = []
    body: list[Line] = []
    listing = seen = False
    for line in parsed.lines:
        level = heading_level(line)
        if level and not _heading_ok(line):
            title = title or (line.text[heading_text(line) :].strip() if level == 1 else "")
            problems.append(line.at(line.indent).says("E410", "标题的写法不对", "行首写半角 #，后面空一格，再写标题"))
        elif level == 1:
            if title:
                problems.append(line.at().says("E410", "一课只有一个一级标题", "小节标题用 ##"))
            title, title_place = title or line.text[heading_text(line) :].strip(), line.at()
        elif _OBJECTIVES.match(line.narrow):
            if seen or not re.match(r"学习目标\s*:\s*$", line.narrow):
                hint = "单独写一行 学习目标：，下面每条以 - 开头；只写一处"
                problems.append(line.at(line.indent).says("E410", "学习目标的写法不对", hint))
            listing = seen = True
            continue
        elif listing and (line.blank or (bullet := _BULLET.match(line.narrow))):
            if not line.blank and bullet:
                objectives.append(line.text[bullet.end() :].strip())
                objective_lines.append(line)
            continue
        else:
            body.append(line)
        listing = False
    if not title:
        problems.append(Place(parsed.file, 1, 1).says("E410", "没有一级标题", "第一行写 # 标题"))
    parts, found = parse_body(body, ("题", "案例", "练习", "测验", "心得"))
    return Lesson(title, title_place, tuple(objectives), tuple(parts), tuple(objective_lines)), [*problems, *found]


def _heading_ok(line: Line) -> bool:
    """True when Markdown takes the line for the heading it looks like."""
    return bool(re.match(r" {0,3}#{1,6}(?: \s*\S)", line.text))


class _Resolver:
    """Looks up the embeds of one lesson in order."""

    def __init__(self, lesson: Lesson, stock: Stock) -> None:
        self.lesson, self.stock = lesson, stock
        self.problems: list[Diagnostic] = []
        self.shown: dict[str, Place] = {}
        self.pools: dict[str, str] = {}
        self.quizzes: list[tuple[str, Place]] = []
        self.practice_sets = 0
        self.borrowed: list[str] = []
        # 练习 passes over whatever is embedded by name anywhere, also further down.
        self.named = set(self._named())

    def _named(self) -> Iterator[str]:
        for part in self.lesson.parts:
            if isinstance(part, Embed) and part.kind == "题":
                yield part.target
            elif isinstance(part, Embed) and part.kind == "案例":
                yield from (e.target for c in self.stock.cases if c.case.id == part.target for e in c.embeds)

    def say(self, place: Place, code: str, message: str, hint: str) -> None:
        self.problems.append(place.says(code, message, hint))

    def block(self, part: Stretch | Embed) -> Block | None:
        if isinstance(part, Stretch):
            return Prose(text=part.text)
        match part.kind:
            case "题":
                return ItemBlock(item=part.target) if self.practice_item(part) else None
            case "案例":
                return self.case(part)
            case "练习":
                return self.practice(part)
            case "测验":
                return self.quiz(part)
        return self.reflection(part)

    def once(self, embed: Embed, what: str) -> None:
        first = self.shown.setdefault(embed.target, embed.place)
        if first is not embed.place:
            where = f"第 {first.line} 行" if first.file == embed.place.file else f"{first.file} 第 {first.line} 行"
            self.say(embed.place, "E407", f"{what} {embed.target} 已经在{where}放过", "一课里只放一次")

    def unknown(self, embed: Embed, known: Sequence[str]) -> None:
        if embed.target not in self.stock.broken:
            hint = nearest(embed.target, known, listed=False) or f"先写出这个{embed.kind}，或核对编号"
            self.say(embed.place, "E406", f"没有编号为 {embed.target} 的{embed.kind}", hint)

    def practice_item(self, embed: Embed) -> bool:
        item = self.stock.item(embed.target)
        if item is None:
            self.unknown(embed, [p.item.id for p in self.stock.items if p.item.use == "练习"])
            return False
        if item.use == "测验":
            self.say(embed.place, "E408", f"{item.id} 是测验题，不能直接放进课文", "换一道练习题，或改它的用途")
        elif item.use == "心得":
            self.say(embed.place, "E408", f"{item.id} 是心得，不能用“题”放进来", f"写成 {{{{心得 {item.id}}}}}")
        self.once(embed, "题")
        return item.use == "练习"

    def case(self, embed: Embed) -> Block | None:
        case = next((c for c in self.stock.cases if c.case.id == embed.target), None)
        if case is None:
            self.unknown(embed, [c.case.id for c in self.stock.cases])
            return None
        self.once(embed, "案例")
        for inner in case.embeds:
            self.practice_item(inner)
        return CaseBlock(case=embed.target)

    def reflection(self, embed: Embed) -> Block | None:
        item = self.stock.item(embed.target)
        if item is None:
            self.unknown(embed, [p.item.id for p in self.stock.items if p.item.use == "心得"])
            return None
        if item.use != "心得":
            self.say(embed.place, "E408", f"{item.id} 是{item.kind}题，不是心得", f"写成 {{{{题 {item.id}}}}}")
            return None
        self.once(embed, "心得")
        return ReflectionBlock(item=embed.target)

    def chosen(self, embed: Embed, use: str) -> list[Item]:
        """Items of that use that fit 题型, 知识点 and 难度, by number."""
        items = [p.item for p in self.stock.items if p.item.use == use]
        items = self.of_kinds(embed, items)
        if topics := embed.attrs.get("知识点"):
            wanted = split_list(topics.value)
            known = {t for i in items for t in i.topics}
            for topic in wanted:
                if topic not in known and not self.stock.broken:
                    hint = nearest(topic, sorted(known))
                    self.say(topics.place, "E404", f"本模块的{use}题里没有知识点“{topic}”", hint)
            items = [i for i in items if set(i.topics) & set(wanted)]
        if difficulty := embed.attrs.get("难度"):
            levels = split_list(difficulty.narrow)
            if not set(levels) <= {"1", "2", "3"}:
                self.say(difficulty.place, "E404", f"难度不能是“{difficulty.value}”", "写 1、2 或 3，几个用顿号隔开")
            items = [i for i in items if str(i.difficulty) in levels]
        return sorted(items, key=lambda i: by_number(i.id))

    def of_kinds(self, embed: Embed, items: list[Item]) -> list[Item]:
        """The items of the types that 题型 names; without it everything but activities, which stand alone."""
        wanted = embed.attrs.get("题型")
        if wanted is None:
            return [i for i in items if not item_type(i.kind).has_body]
        kinds = split_list(wanted.value)
        for kind in kinds:
            if kind not in item_types():
                self.say(wanted.place, "E404", f"不认识题型“{kind}”", nearest(kind, item_types()))
        return [i for i in items if i.kind in kinds]

    def whole(self, attr: Attr | None, default: int) -> int:
        """A whole number from 1 to 999 of a parameter."""
        if attr is None:
            return default
        if not re.fullmatch("[0-9]{1,3}", attr.narrow) or not int(attr.narrow):
            self.say(attr.place, "E404", f"{attr.key}不能是“{attr.value}”", "写 1 到 999 的整数")
            return default
        return int(attr.narrow)

    def enough(self, embed: Embed, found: int, wanted: int, use: str) -> None:
        # With unreadable items about, a count would only repeat their errors.
        if self.stock.broken or (found >= wanted and found):
            return
        attr = embed.attrs.get("数量")
        place = attr.place if attr else embed.place
        self.say(place, "E405", f"要 {wanted} 道{use}题，合条件的只有 {found} 道", "减少数量、放宽条件，或补题")

    def practice(self, embed: Embed) -> Block | None:
        self.practice_sets += 1
        left = [i for i in self.chosen(embed, "练习") if i.id not in self.named and i.id not in self.shown]
        count = self.whole(embed.attrs.get("数量"), max(1, len(left)))
        self.enough(embed, len(left), count, "未在别处放过的练习")
        for item in left[:count]:
            self.shown[item.id] = embed.place
        return PracticeBlock(id=f"p{self.practice_sets}", items=tuple(i.id for i in left[:count]))

    def quiz(self, embed: Embed) -> Block | None:
        attrs = embed.attrs
        name = attrs.get("id")
        if name is None or not ID.fullmatch(name.narrow):
            place = name.place if name else embed.place
            what = f"测验的 id 不能是“{name.value}”" if name else "测验没有写 id"
            self.say(place, "E409", what, "写成 id=02-exam，只用英文字母、数字、- 和 _")
        if "数量" not in attrs:
            self.say(embed.place, "E403", "测验没有写数量", "写成 数量=10")
        whole = self.word(attrs.get("来源"), ("本课", "全部")) == "全部"
        if whole:
            pool = self.of_kinds(embed, [p.item for p in self.stock.others if p.item.use == "测验"])
            self.borrowed += [i.id for i in pool]
        else:
            pool = self.chosen(embed, "测验")
        count = self.whole(attrs.get("数量"), max(1, len(pool)))
        self.enough(embed, len(pool), count, "测验")
        if name is None or not ID.fullmatch(name.narrow):
            return None
        self.quizzes.append((name.narrow, name.place))
        for item in pool:
            other = self.pools.setdefault(item.id, name.narrow)
            if other != name.narrow:
                hint = "用知识点把两个测验的题分开"
                self.say(embed.place, "E407", f"{item.id} 已经在测验 {other} 的题里", hint)
                break
        keep = self.word(attrs.get("计次"), ("最高", "末次"))
        reveal = self.word(attrs.get("解析"), ("末次", "每次", "不公布"))
        return QuizBlock(
            id=name.narrow,
            pool=tuple(i.id for i in pool),
            count=count,
            attempts=self.whole(attrs.get("次数"), 1),
            pass_mark=self.amount(attrs.get("及格"), self.stock.pass_mark, 100),
            points=self.amount(attrs.get("分值"), 100, 9999),
            keep="末次" if keep == "末次" else "最高",
            whole=whole,
            marked=self.word(attrs.get("摸底"), ("否", "是")) == "否",
            reveal="每次" if reveal == "每次" else "不公布" if reveal == "不公布" else "末次",
        )

    def word(self, attr: Attr | None, words: tuple[str, ...]) -> str:
        if attr and attr.value not in words:
            self.say(attr.place, "E404", f"{attr.key}不能是“{attr.value}”", nearest(attr.value, words))
        return attr.value if attr else words[0]

    def amount(self, attr: Attr | None, default: float, most: float) -> float:
        if attr is None:
            return default
        value = parse_points(attr.narrow)
        if value is None or value > most:
            self.say(attr.place, "E404", f"{attr.key}不能是“{attr.value}”", f"写大于 0、不超过 {most:g} 的数")
            return default
        return value


def resolve(lesson: Lesson, stock: Stock) -> Resolved:
    """Look up every embed of the lesson; problems are E404–E409."""
    resolver = _Resolver(lesson, stock)
    blocks = tuple(b for b in (resolver.block(part) for part in lesson.parts) if b)
    used = frozenset(resolver.shown) | frozenset(resolver.pools)
    return Resolved(blocks, used, tuple(resolver.quizzes), tuple(resolver.problems), tuple(resolver.borrowed))
