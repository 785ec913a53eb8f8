"""What makes a decision case unusable (E321–E329), and what a reader would grant is badly made (W621–W628)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from qinlian.items.base import Finding
from qinlian.items.decision.paths import (
    BY_PATH,
    BY_STEP,
    Place,
    TooLargeError,
    best_path,
    richest,
    survey,
    to_go,
    top,
    worth,
)
from qinlian.items.decision.story import CHOICE_SAMPLE, Choice, Node, Story, parse

__all__ = ["findings"]

_FEWEST, _MOST = 2, 5
_NAME = re.compile(r"\w+(?: \w+)*")
_LONGEST_NAME = 20
_LONG_KEY, _MUCH_LONGER = 14, 1.5
_NODES_TO_JUDGE, _TOO_OFTEN = 4, 0.75
_LETTER = re.compile(r"(?<![A-Za-z0-9])[A-E](?![A-Za-z0-9])")

_Offered = Mapping[Place, Sequence[Choice]]


def findings(body: str, explanation: str = "") -> Iterator[Finding]:
    """Every problem of a case. What depends on the story as a whole waits until its parts are right."""
    parsed = parse(body)
    story = parsed.story
    found = [*parsed.problems, *_parts(story, unread=bool(parsed.problems))]
    yield from found
    if found:
        return
    try:
        offered = survey(story)
        whole = [*_stuck(story, offered), *_circles(story, offered)]
        whole = whole or list(_points(body, story))
    except TooLargeError as error:
        whole = [Finding("E327", f"故事太大：{error}", "减少“记住”的事，或少一些能来回走的路", line=0)]
    yield from whole
    if whole:
        return
    yield from _unreached(story, offered)
    yield from _unused(story)
    yield from _inconsistent(body, story, offered)
    yield from _craft(story)
    yield from _letters(story, explanation)


# ---- its parts ----


def _parts(story: Story, *, unread: bool) -> Iterator[Finding]:
    if not story.nodes:
        yield Finding("E329", "还没有写故事", "在解析和依据后面写 #### 节点名，再写这一节发生的事")
        return
    if story.nodes[0].ending and not unread:
        yield Finding("E329", "故事一开头就是结局", "第一个 #### 是起点，起点要有选项", line=story.nodes[0].line)
    first: dict[str, int] = {}
    for node in story.nodes:
        yield from _name(node, first)
        yield from _choices(node, unread)
    names = [node.name for node in story.nodes]
    for choice in story.choices:
        if choice.to not in names:
            hint = _nearest(choice.to, names) or "改成一个 #### 标题的名字，或补上这个节点"
            message = f"没有叫“{choice.to}”的节点"
            yield Finding("E322", message, hint, line=choice.line, column=choice.column_to)
    if not unread:
        yield from _flags(story)


def _nearest(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, 1, 0.5)
    return f"是不是“{close[0]}”" if close else ""


def _name(node: Node, first: dict[str, int]) -> Iterator[Finding]:
    earlier = first.setdefault(node.name, node.line)
    if earlier != node.line:
        yield Finding("E321", f"节点名“{node.name}”用了两次", "换一个名字，选项里也跟着改", line=node.line)
    elif node.name and (not _NAME.fullmatch(node.name) or len(node.name) > _LONGEST_NAME):
        message = f"节点名“{node.name}”太长，或带着标点"
        yield Finding("E321", message, f"只写几个字，{_LONGEST_NAME} 字以内，不写标点", line=node.line)


def _choices(node: Node, unread: bool) -> Iterator[Finding]:
    if node.ending:
        if node.choices:
            message = f"“{node.name}”是结局，却还有选项"
            yield Finding("E324", message, "删掉选项，或删掉 {结局}", line=node.choices[0].line)
        return
    if not node.choices and not unread:
        message = f"“{node.name}”没有选项，故事断在这里"
        yield Finding("E324", message, f"写上 {CHOICE_SAMPLE}，或在标题后写 {{结局}}", line=node.line)
    elif not _FEWEST <= len(node.choices) <= _MOST and not unread:
        message = f"每个节点应有 {_FEWEST}—{_MOST} 个选项，“{node.name}”有 {len(node.choices)} 个"
        yield Finding("E323", message, "增减选项，或把一个节点拆成两个", line=node.line)
    letters, texts = Counter[str](), Counter[str]()
    for choice in node.choices:
        letters[choice.letter] += 1
        texts[re.sub(r"\s+", "", choice.text)] += 1
        if letters[choice.letter] > 1:
            message = f"“{node.name}”里字母 {choice.letter} 用了两次"
            yield Finding("E323", message, "每个选项的字母只用一次", line=choice.line)
        elif texts[re.sub(r"\s+", "", choice.text)] > 1:
            message = f"“{node.name}”里有两个选项的文字一样"
            yield Finding("E323", message, "改写或删掉一个", line=choice.line)


def _asked(story: Story) -> Iterator[tuple[str, int]]:
    """Everything that a condition asks for, and the line it is asked in."""
    for node in story.nodes:
        conditions = [(part.condition, part.line) for part in node.passages]
        conditions += [(choice.condition, choice.line) for choice in node.choices]
        for condition, line in conditions:
            yield from ((flag, line) for flag in (*condition.needs, *condition.bars))


def _flags(story: Story) -> Iterator[Finding]:
    remembered = {flag for choice in story.choices for flag in choice.sets}
    for flag, line in _asked(story):
        if flag not in remembered:
            hint = _nearest(flag, remembered) or f"在某个选项后写 {{记住={flag}}}，或删掉这个条件"
            yield Finding("E326", f"没有哪个选项记住过“{flag}”", hint, line=line)


# ---- the story as a whole ----


def _stuck(story: Story, offered: _Offered) -> Iterator[Finding]:
    told = set()
    for place, choices in offered.items():
        node = story.node(place.node)
        if not node.ending and not choices and node.name not in told:
            told.add(node.name)
            when = f"记住了{'、'.join(sorted(place.flags))}" if place.flags else "什么也没有记住"
            message = f"走到“{node.name}”而{when}时，一个选项也没有"
            yield Finding("E324", message, "留一个不带条件的选项", line=node.line)


def _circles(story: Story, offered: _Offered) -> Iterator[Finding]:
    if any(not choices and not story.node(place.node).ending for place, choices in offered.items()):
        return
    into: dict[Place, list[Place]] = {}
    for place, choices in offered.items():
        for choice in choices:
            into.setdefault(place.after(choice), []).append(place)
    waiting = [place for place in offered if story.node(place.node).ending]
    saved = set(waiting)
    while waiting:
        for before in into.get(waiting.pop(), ()):
            if before not in saved:
                saved.add(before)
                waiting.append(before)
    lost = {place.node for place in offered if place not in saved}
    for node in story.nodes:
        if node.name in lost:
            message = f"走到“{node.name}”以后再也走不到结局"
            yield Finding("E325", message, "给这一圈里的某个节点加一条走得出去的路", line=node.line)


def _points(body: str, story: Story) -> Iterator[Finding]:
    if not worth(best_path(body, BY_PATH)):
        yield Finding("E328", "没有一条路得得到分", "给好的选项写上 {得分=…}", line=story.nodes[0].line)
    elif not best_path(body, BY_STEP):
        message = "每一步都选得分最高的选项，走不到结局"
        yield Finding("E328", message, "让来回走的那个选项得分低一些", line=story.nodes[0].line)


def _unreached(story: Story, offered: _Offered) -> Iterator[Finding]:
    nodes = {place.node for place in offered}
    choices = {(c.node, c.letter) for some in offered.values() for c in some}
    for node in story.nodes:
        if node.name not in nodes:
            yield Finding("W621", f"怎么走也走不到“{node.name}”", "给它一条进来的路，或删掉", line=node.line)
            continue
        for choice in node.choices:
            if (choice.node, choice.letter) not in choices:
                message = f"“{node.name}”的选项 {choice.letter} 永远不会出现"
                yield Finding("W621", message, "核对它的条件，或删掉", line=choice.line)


def _unused(story: Story) -> Iterator[Finding]:
    asked = {flag for flag, _ in _asked(story)}
    for choice in story.choices:
        for flag in choice.sets:
            if flag not in asked:
                message = f"记住了“{flag}”，后来没有用到"
                yield Finding("W626", message, "写一段 {若=…} 的后果，或删掉", line=choice.line)


def _inconsistent(body: str, story: Story, offered: _Offered) -> Iterator[Finding]:
    """Where the choice that earns most here ends with less than another: the page would praise the wrong one."""
    hint = "让最好的一步得分最高：绕路的、收场早的都要算进去"
    ahead = to_go(story, offered)
    if ahead is None:
        if worth(richest(story, only_top=True)) < worth(best_path(body, BY_PATH)):
            message = "每一步都选得分最高的选项，加起来却不是最多"
            yield Finding("W627", message, hint, line=story.nodes[0].line)
        return
    told = set()
    for place, choices in offered.items():
        if not choices or place.node in told:
            continue
        totals = {c.letter: c.hundredths + ahead[place.after(c)] for c in choices}
        praised = max(totals[c.letter] for c in choices if c.hundredths == top(choices))
        if praised < max(totals.values()):
            told.add(place.node)
            other = max(totals, key=lambda letter: totals[letter])
            line = next(c.line for c in choices if c.letter == other)
            message = f"在“{place.node}”选 {other} 的总分，能超过这里得分最高的选项"
            yield Finding("W627", message, hint, line=line)


# ---- how it is made ----


def _craft(story: Story) -> Iterator[Finding]:
    longest, judged = 0, 0
    for node in story.nodes:
        if len(node.choices) < _FEWEST:
            continue
        if not any(choice.citations for choice in node.choices):
            message = f"“{node.name}”的选项都没有依据"
            yield Finding("W623", message, "至少给一个选项写上依据，学员才知道这一步看的是哪一条", line=node.line)
        if len({choice.hundredths for choice in node.choices}) == 1:
            message = f"“{node.name}”的选项得分都一样，选什么都无所谓"
            yield Finding("W624", message, "按好坏拉开得分，或删掉这一步", line=node.line)
        for choice in node.choices:
            if not choice.feedback:
                message = f"“{node.name}”的选项 {choice.letter} 没有反馈"
                yield Finding("W625", message, "在选项下面一行写“  > 选了它时的反馈”", line=choice.line)
        best = [c for c in node.choices if c.hundredths == top(node.choices)]
        if len(best) == 1:
            others = max(len(c.text) for c in node.choices if c is not best[0])
            judged += 1
            longest += len(best[0].text) > others
            if len(best[0].text) >= _LONG_KEY and len(best[0].text) >= _MUCH_LONGER * others:
                message = f"最好的选项 {len(best[0].text)} 字，别的最长 {others} 字，一眼看得出来"
                yield Finding("W622", message, "把它写短，或把别的写得一样具体", line=best[0].line)
    if judged >= _NODES_TO_JUDGE and longest >= _TOO_OFTEN * judged:
        message = f"{judged} 个节点里有 {longest} 个最好的选项最长，照着长的选就行"
        yield Finding("W622", message, "把几处最好的写短，或把别的写得一样具体", line=story.nodes[0].line)


def _letters(story: Story, explanation: str) -> Iterator[Finding]:
    hint = "选项不带字母，次序也会变；写出那个选项的意思"
    for choice in story.choices:
        for text in (choice.text, *choice.feedback.split("\n")):
            if found := _LETTER.search(text):
                yield Finding("W628", f"提到了字母 {found.group()}，学员看不到字母", hint, line=choice.line)
                break
    if found := _LETTER.search(explanation):
        yield Finding("W628", f"解析提到了字母 {found.group()}，学员看不到字母", hint)
