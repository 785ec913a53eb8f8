"""自查: the risks of one's own post, rated by oneself. Texts stay with the learner; numbers travel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Duty, Item, Post
from qinlian.items.base import BodyText, Finding, InvalidAnswer, ItemType
from qinlian.items.selfcheck.body import read_offer
from qinlian.items.selfcheck.scale import CONSEQUENCE, LEVELS, LIKELIHOOD, promise

__all__ = ["MOST_OWN", "OWN", "TYPE", "SelfCheck"]

MOST_OWN = 5
"""Risks that a learner may add."""
OWN = re.compile(rf"own[1-{MOST_OWN}]")
"""The id of an added risk: its text stays in the learner's notes."""


class SelfCheck(ItemType):
    name = "selfcheck"
    label = "自查"
    rules = ("按完成计分",)
    shows_letters = False
    has_answer_cell = False
    has_body = True
    explains = False

    def findings(self, item: Item) -> Iterator[Finding]:
        offer = read_offer(item.body)
        yield from offer.problems
        if item.use == "练习":
            yield Finding("E347", f"{item.id} 是自查，没有对错，不能用作练习", "改成 用途=测验，用 {{测验 …}} 放进课文")
        short = [p for p in item.posts if offer.least is not None and offer.least > len(p.duties)]
        if short:
            message = f"“{short[0].name}”只有 {len(short[0].duties)} 项职责，评不到 {offer.least} 项"
            yield Finding("E346", message, "把“至少”改小", line=offer.at[0], column=offer.at[1])

    def posts_named(self, item: Item) -> Iterator[BodyText]:
        yield from read_offer(item.body).posts

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        # Nothing here is right or wrong, so the catalogue's own ids and order may be seen.
        return {
            "promise": promise(),
            "likelihood": list(LIKELIHOOD),
            "consequence": list(CONSEQUENCE),
            "levels": [list(pair) for pair in LEVELS],
            "own": MOST_OWN,
            "least": read_offer(item.body).least,
            "posts": [_published(post) for post in item.posts],
        }

    def key(self, item: Item, ids: Identity) -> None:
        return None

    def clean(self, item: Item, ids: Identity, value: Any) -> dict[str, Any] | None:
        """``{"post": id, "rows": {risk id: [likelihood, consequence, safeguard]}}``: ids and numbers, no text."""
        if value is None or value == {}:
            return None
        problem = _problem({p.id: {r.id for d in p.duties for r in d.risks} for p in item.posts}, value)
        if problem:
            raise InvalidAnswer(problem)
        rows = {risk: list(row) for risk, row in sorted(value["rows"].items())}
        return {"post": value["post"], "rows": rows} if rows else None

    def admits(self, published: Mapping[str, Any], value: Any) -> bool:
        # What this type promises its learners must hold of the file itself, not only of what is graded.
        posts = {p["id"]: {r["id"] for d in p["duties"] for r in d["risks"]} for p in published["posts"]}
        return value is None or not _problem(posts, value)

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        """Duties of which a risk was rated, and added risks, ÷ the number asked for; never the ratings."""
        post = _post(item, value["post"])
        return min(1.0, done(post, value["rows"]) / (read_offer(item.body).least or len(post.duties)))

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        return f"已完成 {done(_post(item, value['post']), value['rows'])} 项"

    def verdict(self, fraction: float, answered: bool) -> str:
        if fraction >= 1:
            return "已完成"
        return "完成了一部分" if answered else "未作答"

    def sheet(self, published: Mapping[str, Any], value: Any, notes: Mapping[str, str]) -> tuple[str, bytes]:
        # openpyxl takes its time, and only who downloads needs it.
        from qinlian.items.selfcheck.workbook import personal_sheet

        return personal_sheet(published, value, notes)


def done(post: Post, rows: Mapping[str, Any]) -> int:
    """Duties of ``post`` of which a risk was rated, and risks added by the learner."""
    return sum(_rated(duty, rows) for duty in post.duties) + sum(bool(OWN.fullmatch(risk)) for risk in rows)


def _rated(duty: Duty, rows: Mapping[str, Any]) -> bool:
    return any(risk.id in rows for risk in duty.risks)


def _post(item: Item, post_id: str) -> Post:
    return next(post for post in item.posts if post.id == post_id)


def _problem(posts: Mapping[str, Set[str]], value: Any) -> str:
    """Why ``value`` is no answer, or empty; ``posts`` maps the id of each post to those of its risks."""
    if not isinstance(value, dict) or value.keys() != {"post", "rows"} or not isinstance(value["rows"], dict):
        return "自查的内容不完整"
    if not isinstance(value["post"], str) or value["post"] not in posts:
        return "选的岗位不在这份自查里"
    for risk, row in value["rows"].items():
        if not isinstance(risk, str) or not (risk in posts[value["post"]] or OWN.fullmatch(risk)):
            return "自查里有不属于这个岗位的风险点"
        if not _is_row(row):
            return "自查里有不在范围内的数"
    return ""


def _is_row(row: Any) -> bool:
    """Three plain whole numbers: 1–5, 1–5, 0–1. A bool or a float is none of them."""
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(type(part) is int for part in row)
        and 1 <= row[0] <= 5
        and 1 <= row[1] <= 5
        and 0 <= row[2] <= 1
    )


def _published(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "name": post.name,
        "about": post.about,
        "duties": [
            {
                "title": duty.title,
                "risks": [{"id": r.id, "risk": r.text, "measures": list(r.measures)} for r in duty.risks],
            }
            for duty in post.duties
        ],
    }


TYPE = SelfCheck()
