"""duties/*.yaml → the catalogue of posts, and the posts that a self-check names put into it.

The module must stand by itself, because an edition keeps the module and nothing else; so the posts
are copied into the item, and the item's own text goes on naming them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from qinlian.authoring.placed import Placed
from qinlian.authoring.textfile import Place, TextFile, html_places, nearest
from qinlian.authoring.yamlfile import Fields, Value, read_yaml
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Duty, Post, Risk
from qinlian.items.base import item_type

__all__ = ["Catalogue", "PlacedPost", "parse_duties"]

_KEYS = ("岗位", "编号", "说明", "职责")
_DUTY_KEYS = ("职责", "风险")
_RISK_KEYS = ("编号", "风险点", "措施")
_ID = re.compile("[A-Z]{2}[0-9]{0,3}")
_MOST_DUTIES, _MOST_RISKS, _MOST_MEASURES = 12, 4, 6
_FEWEST_USUAL, _MOST_USUAL = 5, 8


@dataclass(frozen=True)
class PlacedPost:
    """A post of the catalogue and where its parts stand; ``ids`` are (id, place) of its risks."""

    post: Post
    name_place: Place
    id_place: Place
    ids: tuple[tuple[str, Place], ...]


@dataclass
class _Reading:
    """What one file gives while it is read."""

    problems: list[Diagnostic]
    ids: list[tuple[str, Place]] = field(default_factory=list)

    def children(self, fields: Fields, key: str, most: int, what: str, *, required: bool = True) -> tuple[Value, ...]:
        """The list under a key, which must not be empty nor too long (E343)."""
        known = len(self.problems)
        found = fields.children(key, required=required)
        if len(found) > most or (required and not found and len(self.problems) == known):
            message = f"{what}应有 1 至 {most} 项，这里有 {len(found)} 项"
            self.problems.append(fields.at(key).says("E343", message, "增减几项"))
        return found

    def id(self, fields: Fields, sample: str) -> str:
        text = fields.text("编号")
        if text and not _ID.fullmatch(text):
            hint = f"两个大写字母加至多三位数字，如 {sample}"
            self.problems.append(fields.at("编号").says("E342", f"编号不能是“{text}”", hint))
            return ""
        return text


def parse_duties(parsed: TextFile) -> tuple[PlacedPost | None, list[Diagnostic]]:
    """One file of the catalogue. Problems: E104–E108, E110, E342 (ids), E343 (too many or none), W641, W642."""
    value, problems = read_yaml(parsed, (*_KEYS, *_DUTY_KEYS, *_RISK_KEYS))
    for line in parsed.lines:
        problems += html_places(line)
    if value is None:
        return None, problems
    reading = _Reading(problems)
    fields = Fields(value, _KEYS, problems, "岗位")
    name, post_id = fields.text("岗位"), reading.id(fields, "CG")
    about = fields.text("说明", required=False)
    children = reading.children(fields, "职责", _MOST_DUTIES, f"岗位“{name}”的职责")
    duties = tuple(d for d in (_duty(child, reading) for child in children) if d)
    if children and not _FEWEST_USUAL <= len(children) <= _MOST_USUAL:
        message = f"岗位“{name}”写了 {len(children)} 项职责，太少查不细，太多查不完"
        problems.append(fields.at("岗位").says("W642", message, f"写 {_FEWEST_USUAL} 至 {_MOST_USUAL} 项"))
    if not name or not post_id or not duties:
        return None, problems
    post = Post(id=post_id, name=name, about=about, duties=duties)
    return PlacedPost(post, fields.at("岗位"), fields.at("编号"), tuple(reading.ids)), problems


def _duty(value: Value, reading: _Reading) -> Duty | None:
    fields = Fields(value, _DUTY_KEYS, reading.problems, "职责")
    title = fields.text("职责")
    children = reading.children(fields, "风险", _MOST_RISKS, f"职责“{title}”的风险")
    risks = tuple(r for r in (_risk(child, reading) for child in children) if r)
    return Duty(title=title, risks=risks) if title and risks else None


def _risk(value: Value, reading: _Reading) -> Risk | None:
    fields = Fields(value, _RISK_KEYS, reading.problems, "风险")
    risk_id, text = reading.id(fields, "CG01"), fields.text("风险点")
    children = reading.children(fields, "措施", _MOST_MEASURES, "风险点的措施", required=False)
    for child in children:
        if not child.text:
            fields.bad(child.place, "措施应是一行文字", "写成 - 参数由两人以上共同提出")
    measures = tuple(child.text for child in children if child.text)
    if not children:
        reading.problems.append(fields.place.says("W641", "这个风险点没有参考措施", "补上 措施:，每行一条"))
    if not risk_id or not text:
        return None
    reading.ids.append((risk_id, fields.at("编号")))
    return Risk(id=risk_id, text=text, measures=measures)


class Catalogue:
    """The posts of ``course/duties``, by name."""

    def __init__(self, posts: Iterable[PlacedPost]) -> None:
        self._posts = tuple(posts)

    def problems(self) -> Iterator[Diagnostic]:
        """E341: a name, or an id, that was given before; they are permanent and belong to one thing each."""
        names: dict[str, Place] = {}
        ids: dict[str, Place] = {}
        for placed in self._posts:
            yield from _repeated(names, placed.post.name, placed.name_place, "岗位")
            for some_id, place in ((placed.post.id, placed.id_place), *placed.ids):
                yield from _repeated(ids, some_id, place, "编号")

    def fill(self, placed: Placed) -> tuple[Placed, list[Diagnostic]]:
        """The item with the posts that its body names. Problem: E344, a post the catalogue does not have."""
        by_name = {p.post.name: p.post for p in self._posts}
        posts: list[Post] = []
        problems: list[Diagnostic] = []
        for named in item_type(placed.item.kind).posts_named(placed.item):
            if named.text in by_name:
                posts.append(by_name[named.text])
            else:
                hint = nearest(named.text, by_name) or "先在 course/duties/ 里写一份"
                place = placed.at_body(named.line, named.column)
                problems.append(place.says("E344", f"岗位目录里没有“{named.text}”", hint))
        if not posts:
            return placed, problems
        return replace(placed, item=placed.item.model_copy(update={"posts": tuple(posts)})), problems


def _repeated(seen: dict[str, Place], text: str, place: Place, what: str) -> Iterator[Diagnostic]:
    first = seen.setdefault(text, place)
    if first is not place:
        yield place.says("E341", f"{what}“{text}”已经用过，在 {first.file} 第 {first.line} 行", "换一个没有用过的")
