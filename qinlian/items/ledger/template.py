"""The body of a 账目核查 → a template, with every line that cannot be read."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

from qinlian.core.width import narrow
from qinlian.items.base import BodyText, Finding
from qinlian.items.body import BodyLine, Braced, Section, read_braces, sections
from qinlian.items.ledger.kinds import CATEGORIES, KINDS
from qinlian.items.ledger.reader import LISTED, Reader
from qinlian.items.ledger.settings import Person, Settings, Subject, Template, Vendor, Violation

__all__ = ["SECTIONS", "Read", "read_template"]

SECTIONS = ("台账", "科目", "供应商", "人员", "来访单位", "地点", "车辆", "违规", "可选原因")
_NEEDED = ("台账", "科目", "人员", "违规", "可选原因")
_SETTINGS = ("行数", "期间", "份数", "避开", "采购限额", "拆分天数", "来宾界限", "陪餐上限")
_SETTING = re.compile(r"\s*([^\s:]+)\s*:\s*(.*?)\s*$")
_CITED = re.compile(r"\s*依据\s*:\s*")
_RANGE = re.compile(r"(\d+)(?:\s*[-~]\s*(\d+))?$")
_MOST_ROWS = 60

Read = tuple[Template | None, tuple[Finding, ...], dict[str, int]]
"""The template (None when something in it cannot be used), its problems, and part → its line."""


@lru_cache(maxsize=64)
def read_template(body: str) -> Read:
    """Everything that a body says."""
    reader = Reader()
    found, wrong = sections(body)
    reader.problems += wrong
    by_title: dict[str, Section] = {}
    for section in found:
        if section.title not in SECTIONS:
            if section.title:
                what = f"没有“{section.title}”这一节"
                reader.say("E331", section.heading, what, f"可以写：{'、'.join(SECTIONS)}")
        elif section.title in by_title:
            reader.say("E331", section.heading, f"“{section.title}”写了两节", "合成一节")
        else:
            by_title[section.title] = section
    for title in _NEEDED:
        if title not in by_title:
            reader.problems.append(Finding("E331", f"缺少“{title}”一节", f"加上 #### {title}", line=0))
    template = _template(reader, by_title)
    return (None if reader.problems else template), tuple(reader.problems), reader.places


def _template(reader: Reader, by_title: dict[str, Section]) -> Template | None:
    def named(title: str) -> tuple[str, ...]:
        return tuple(name for name, _, _ in reader.entries(by_title[title])) if title in by_title else ()

    for title, section in by_title.items():
        reader.places[title] = section.heading.number
    settings = _settings(reader, by_title["台账"]) if "台账" in by_title else None
    subjects = _subjects(reader, by_title["科目"]) if "科目" in by_title else ()
    bought = tuple(s.name for s in subjects if s.category == "采购")
    vendors = _vendors(reader, by_title["供应商"], bought) if "供应商" in by_title else ()
    listed = reader.entries(by_title["人员"], words=("司机",)) if "人员" in by_title else []
    visitors, places, cars = named("来访单位"), named("地点"), named("车辆")
    violations = _violations(reader, by_title["违规"]) if "违规" in by_title else ()
    planted = frozenset(v.kind for v in violations)
    reasons = _reasons(reader, by_title["可选原因"], planted) if "可选原因" in by_title else ()
    if settings is None:
        return None
    people = tuple(Person(name, "司机" in braced) for name, braced, _ in listed)
    return Template(settings, subjects, vendors, people, visitors, places, cars, violations, reasons)


# ---- 台账 ----


def _settings(reader: Reader, section: Section) -> Settings | None:
    given: dict[str, tuple[str, BodyLine, int]] = {}
    for line in section.lines:
        if not line.narrow.strip():
            continue
        found = _SETTING.match(line.narrow)
        if not found or found[1] not in _SETTINGS:
            what = f"不认识“{found[1]}”" if found else "这一行读不出来"
            reader.say("E332", line, what, f"写成“名称：值”，可以写：{'、'.join(_SETTINGS)}")
        elif found[1] in given:
            reader.say("E332", line, f"“{found[1]}”写了两次", "只留一个")
        else:
            given[found[1]] = (found[2].replace(",", ""), line, found.start(2))
            reader.places[found[1]] = line.number

    def bad(name: str, hint: str) -> None:
        raw, line, column = given[name]
        reader.say("E332", line, f"“{name}”不能是“{raw}”", hint, column)

    def whole(name: str, usual: int, low: int, high: int) -> int:
        if name not in given:
            return usual
        raw = given[name][0].removesuffix("元").removesuffix("天").removesuffix("人").strip()
        if raw.isascii() and raw.isdigit() and low <= int(raw) <= high:
            return int(raw)
        bad(name, f"写 {low} 到 {high} 的整数")
        return usual

    for name, sample in (("行数", "36-44"), ("期间", "2026-03-02 至 2026-06-26")):
        if name not in given:
            reader.say("E332", section.heading, f"没有写“{name}”", f"加上 {name}：{sample}")
            return None
    rows = _RANGE.match(given["行数"][0])
    low, high = (int(rows[1]), int(rows[2] or rows[1])) if rows else (0, 0)
    if not 25 <= low <= high <= _MOST_ROWS:
        bad("行数", f"写 25 到 {_MOST_ROWS} 之间的范围，如 36-44")
        return None
    spans = _spans(given["期间"][0])
    if len(spans) != 1 or not 30 <= (spans[0][1] - spans[0][0]).days <= 366:
        bad("期间", "写成 2026-03-02 至 2026-06-26，不短于一个月，不长于一年")
        return None
    skipped = _spans(given["避开"][0]) if "避开" in given else []
    if "避开" in given and not skipped:
        bad("避开", "写成 2026-05-01 至 2026-05-05、2026-05-09")
    return Settings(
        rows=(low, high),
        start=spans[0][0],
        end=spans[0][1],
        skipped=frozenset(a + timedelta(days=n) for a, b in skipped for n in range((b - a).days + 1)),
        variants=whole("份数", 24, 24, 200),
        limit=whole("采购限额", 0, 100, 10_000_000),
        window=whole("拆分天数", 7, 1, 31),
        guests=whole("来宾界限", 10, 4, 50),
        hosts=whole("陪餐上限", 3, 1, 20),
    )


def _spans(raw: str) -> list[tuple[date, date]]:
    """``2026-05-01 至 2026-05-05、2026-05-09`` as pairs of first and last; empty when it cannot be read."""
    found: list[tuple[date, date]] = []
    for part in re.split("[、,]", raw):
        try:
            ends = [date.fromisoformat(end.strip()) for end in part.split("至")]
        except ValueError:
            return []
        if not 1 <= len(ends) <= 2 or ends[0] > ends[-1] or (ends[-1] - ends[0]).days > 1000:
            return []
        found.append((ends[0], ends[-1]))
    return found


# ---- pools ----


def _subjects(reader: Reader, section: Section) -> tuple[Subject, ...]:
    found: list[Subject] = []
    for name, braced, line in reader.entries(section, pairs=("类别", "金额", "比重")):
        category = braced.get("类别")
        amounts = _RANGE.match(narrow(braced.get("金额")))
        weight = narrow(braced.get("比重", "1"))
        if category not in CATEGORIES:
            what = f"“{name}”的类别不能是“{category}”" if category else f"“{name}”没有写类别"
            reader.say("E333", line, what, f"类别可以写：{'、'.join(CATEGORIES)}")
        elif not amounts or not 0 < int(amounts[1]) <= int(amounts[2] or amounts[1]) <= 10_000_000:
            reader.say("E333", line, f"“{name}”的金额读不出来", f"写成 金额=300-6800（{CATEGORIES[category].price}）")
        elif not (weight.isascii() and weight.isdigit() and 1 <= int(weight) <= 20):
            reader.say("E333", line, f"“{name}”的比重不能是 {weight}", "写 1 到 20 的整数", braced.column("比重"))
        else:
            found.append(Subject(name, category, int(amounts[1]), int(amounts[2] or amounts[1]), int(weight)))
    return tuple(found)


def _split(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split("、") if part.strip())


def _vendors(reader: Reader, section: Section, bought: tuple[str, ...]) -> tuple[Vendor, ...]:
    found: list[Vendor] = []
    seen: set[str] = set()
    for name, braced, line in reader.entries(section, pairs=("别名", "经营")):
        vendor = Vendor(name, _split(braced.get("别名")), _split(braced.get("经营")))
        for alias in vendor.names:
            if alias in seen:
                reader.say("E333", line, f"“{alias}”写了两次", "名称和别名都不能重复")
            seen.add(alias)
        for subject in vendor.sells:
            if subject not in bought:
                what = f"采购的科目里没有“{subject}”"
                reader.say("E333", line, what, f"可以写：{'、'.join(bought)}", braced.column("经营"))
        found.append(vendor)
    return tuple(found)


# ---- 违规 and 可选原因 ----


def _violations(reader: Reader, section: Section) -> tuple[Violation, ...]:
    found: list[Violation] = []
    starts = [line for line in section.lines if LISTED.match(line.narrow)]
    # Each entry with the lines below it; what stands above the first belongs to none.
    ends = [*(line.number for line in starts[1:]), section.heading.number + len(section.lines) + 1]
    first = starts[0].number if starts else ends[-1]
    for line in section.lines:
        if line.number < first and line.narrow.strip():
            reader.say("E333", line, "这一行不属于任何一种违规", "先写 - 违规的种类")
    for line, end in zip(starts, ends, strict=False):
        below = [x for x in section.lines if line.number < x.number < end and x.narrow.strip()]
        if violation := _violation(reader, line, below):
            if violation.kind in {v.kind for v in found}:
                reader.say("E334", line, f"“{violation.kind}”写了两次", "合成一项，用次数写种几处")
            found.append(violation)
    if not starts:
        reader.say("E334", section.heading, "“违规”里没有写要种哪些", "写成 - 拆分采购 {次数=1 张数=3 疑似=2}")
    return tuple(found)


def _kind(reader: Reader, line: BodyLine, pairs: tuple[str, ...]) -> tuple[str, Braced]:
    start = LISTED.match(line.narrow)
    braced, wrong = read_braces(line, (), pairs)
    reader.problems += wrong
    name = line.text[start.end() : braced.start].strip() if start else ""
    if name not in KINDS:
        what = f"没有“{name}”这种违规" if start else "每行写一种"
        reader.say("E334", line, what, f"可以写：{'、'.join(KINDS)}", start.end() if start else 0)
        return "", braced
    return name, braced


def _violation(reader: Reader, line: BodyLine, below: list[BodyLine]) -> Violation | None:
    kind, braced = _kind(reader, line, ("次数", "张数", "疑似"))
    words: list[str] = []
    cited: list[BodyText] = []
    for part in below:
        if start := _CITED.match(part.narrow):
            cited += _citations(part, start.end())
        elif part.narrow.lstrip().startswith(">"):
            words.append(part.text[part.narrow.index(">") + 1 :].strip())
        else:
            reader.say("E333", part, "这里只写解释和依据", "解释每行以 > 开头，依据写成 依据：《文件名》第几条")
    explanation = "".join(words)
    if not kind:
        return None
    reader.places[kind] = line.number
    if not explanation:
        reader.say("E336", line, f"“{kind}”没有解释", "下一行写 > 为什么这样不行、应当怎么办")
    if not cited:
        reader.say("E336", line, f"“{kind}”没有依据", "写成 依据：《文件名》第几条第几款")
    fewest, usual, most = KINDS[kind].rows
    return Violation(
        kind,
        times=reader.whole(braced, line, "次数", 1, 4, 1),
        rows=reader.whole(braced, line, "张数", fewest, most, usual),
        decoys=reader.whole(braced, line, "疑似", 0, 6, 2),
        explanation=explanation,
        citations=tuple(cited),
    )


def _citations(line: BodyLine, offset: int) -> list[BodyText]:
    parts = re.finditer(r"[^；;\s][^；;]*", line.text[offset:])
    return [BodyText(part.group().strip(), line.number, offset + part.start()) for part in parts]


def _reasons(reader: Reader, section: Section, planted: frozenset[str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for line in section.lines:
        if not line.narrow.strip():
            continue
        kind, braced = _kind(reader, line, ("疑似",))
        if kind and kind in found:
            reader.say("E334", line, f"“{kind}”写了两次", "只留一个")
        elif kind in planted and "疑似" in braced:
            what = f"“{kind}”种了违规，疑似要写在“违规”里"
            reader.say("E335", line, what, "移到“违规”的那一行", braced.column("疑似"))
        elif kind:
            found[kind] = reader.whole(braced, line, "疑似", 0, 6, 1)
    return tuple(found.items())
