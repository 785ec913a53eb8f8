"""The course as data: what the authors' text means, and nothing about how it is shown.

All records are frozen. Everything here except what ``items`` publishes is confidential:
``Element.mark``, ``Element.feedback`` and ``Item.explanation`` are the answer key.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Article",
    "Block",
    "Case",
    "CaseBlock",
    "Course",
    "Document",
    "Duty",
    "Element",
    "Item",
    "ItemBlock",
    "Module",
    "Post",
    "PracticeBlock",
    "Prose",
    "QuizBlock",
    "ReflectionBlock",
    "Risk",
    "Track",
    "Use",
]

Use = Literal["练习", "测验", "心得"]


class Record(BaseModel):
    """Base of all records: frozen, and refusing fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Element(Record):
    """One answer line of an item: an option, a blank, a step, a pair or a criterion.

    ``letter`` is permanent. ``mark`` is what stands in the brackets, in canonical form:
    ``x`` or empty (choice), the place from ``1`` (ordering), ``=`` or empty (matching),
    empty (blank), the points (reflection). ``text`` is Markdown.
    """

    letter: str
    mark: str = ""
    text: str
    feedback: str = ""


class Risk(Record):
    """A point of a duty at which it may go wrong, and what usually helps. ``id`` is permanent."""

    id: str
    text: str
    measures: tuple[str, ...] = ()


class Duty(Record):
    """One duty of a post."""

    title: str
    risks: tuple[Risk, ...]


class Post(Record):
    """A kind of post (岗位) with its duties, from the catalogue in ``course/duties``. ``id`` is permanent."""

    id: str
    name: str
    about: str = ""
    duties: tuple[Duty, ...]


class Item(Record):
    """One question. ``kind`` is the Chinese label of its type, e.g. 单选."""

    id: str
    kind: str
    stem: str
    elements: tuple[Element, ...] = ()
    use: Use = "练习"
    difficulty: int = Field(default=1, ge=1, le=3)
    topics: tuple[str, ...] = ()
    points: float = Field(default=1.0, gt=0)
    rule: str = Field(default="", description="scoring rule by name; empty: the course's, else the type's")
    words: tuple[int, int] | None = Field(default=None, description="字数 of a reflection, from and to")
    prompts: tuple[str, ...] = Field(default=(), description="提示 of a reflection, in order; one line each")
    explanation: str = ""
    citations: tuple[str, ...] = ()
    audience: tuple[str, ...] = Field(default=(), description="tracks it is meant for; empty: everybody")
    body: str = Field(default="", description="an activity's own text, from its first #### on")
    posts: tuple[Post, ...] = Field(default=(), description="the posts its body names, as the catalogue has them")
    stratum: int | None = Field(default=None, description="what a draw is balanced over; None: the difficulty")
    variant: int | None = Field(
        default=None, exclude=True, description="which of an activity's variants this is; None before it is drawn"
    )


class Prose(Record):
    """Markdown between the interactive blocks."""

    type: Literal["prose"] = "prose"
    text: str


class ItemBlock(Record):
    """``{{题 …}}``: one practice item in the flow."""

    type: Literal["item"] = "item"
    item: str


class PracticeBlock(Record):
    """``{{练习 …}}``: a set of practice items; ``id`` is stable within the lesson."""

    type: Literal["practice"] = "practice"
    id: str
    items: tuple[str, ...]


class QuizBlock(Record):
    """``{{测验 …}}``: a graded quiz; ``pool`` are item ids, drawn from per learner and attempt.

    ``marked`` is False for a test of what is known already (摸底): it has a score of its own, in percent
    of ``points``, which counts for nothing.
    """

    type: Literal["quiz"] = "quiz"
    id: str
    pool: tuple[str, ...]
    count: int = Field(gt=0)
    attempts: int = Field(default=1, gt=0)
    pass_mark: float = Field(default=60, ge=0, le=100, description="percent of points")
    points: float = Field(default=100, gt=0)
    keep: Literal["最高", "末次"] = "最高"
    reveal: Literal["末次", "每次", "不公布"] = "末次"
    marked: bool = True
    whole: bool = Field(default=False, description="drawn from the pools of all modules")
    tracks: tuple[tuple[str, tuple[int, ...]], ...] = Field(
        default=(), description="of a quiz over all modules: track → the strata of the modules it takes"
    )

    @property
    def weight(self) -> float:
        """Points of its grade cell."""
        return self.points if self.marked else 0.0


class ReflectionBlock(Record):
    """``{{心得 …}}``: one reflection, graded by hand."""

    type: Literal["reflection"] = "reflection"
    item: str


class CaseBlock(Record):
    """``{{案例 …}}``: a case with its questions in the flow."""

    type: Literal["case"] = "case"
    case: str


Block = Prose | ItemBlock | PracticeBlock | QuizBlock | ReflectionBlock | CaseBlock


class Case(Record):
    """A fictional teaching case."""

    id: str
    kind: Literal["警示", "正面"]
    title: str
    audience: tuple[str, ...] = ()
    parts: tuple[Prose | ItemBlock, ...]


class Article(Record):
    """One article of a document: number, how many paragraphs, the gist in our own words.

    ``unit`` is 条 for articles and 项 for documents numbered by points. ``sub`` is the N of 第X条之N.
    """

    number: int
    sub: int = 0
    unit: Literal["条", "项"] = "条"
    paragraphs: int = 1
    gist: str


class Document(Record):
    """One version of one rule document. ``until`` is the first day it no longer holds."""

    title: str
    short: tuple[str, ...] = ()
    issuer: str
    version: str
    since: date
    until: date | None = None
    articles: tuple[Article, ...] = ()


class Module(Record):
    """One module; ``id`` is its folder's name and nbgrader's assignment name."""

    id: str
    title: str
    hours: float = 1.0
    due: datetime | None = Field(default=None, description="aware, in UTC")
    objectives: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    items: tuple[Item, ...] = ()
    cases: tuple[Case, ...] = ()

    @property
    def number(self) -> str:
        """The number the folder's name begins with, e.g. ``02``."""
        return self.id.split("-", 1)[0]

    def item(self, item_id: str) -> Item:
        """The item of that id; raises KeyError."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    def case(self, case_id: str) -> Case:
        """The case of that id; raises KeyError."""
        for case in self.cases:
            if case.id == case_id:
                return case
        raise KeyError(case_id)

    @property
    def own_items(self) -> tuple[Item, ...]:
        """The items written in this module, without those that a quiz over all modules borrows."""
        return tuple(item for item in self.items if item.stratum is None)

    @property
    def quizzes(self) -> tuple[QuizBlock, ...]:
        """The graded quizzes in the order of the lesson."""
        return tuple(b for b in self.blocks if isinstance(b, QuizBlock))

    @property
    def reflections(self) -> tuple[Item, ...]:
        """The reflections in the order of the lesson."""
        return tuple(self.item(b.item) for b in self.blocks if isinstance(b, ReflectionBlock))

    @property
    def max_score(self) -> float:
        """Points of all quizzes and reflections together."""
        return sum(q.weight for q in self.quizzes) + sum(r.points for r in self.reflections)


class Track(Record):
    """An audience (培训对象): the modules it takes, the hours (学时) it needs of the whole course, its own pass
    mark, and the cases that matter most to it."""

    name: str
    modules: tuple[str, ...]
    hours: float = 0.0
    pass_mark: float | None = Field(default=None, ge=0, le=100, description="None: the course's")
    cases: tuple[str, ...] = ()


class Course(Record):
    """The whole course. ``rules`` maps a type's label to its default scoring rule."""

    id: str
    title: str
    subtitle: str = ""
    pass_mark: float = 60
    rules: tuple[tuple[str, str], ...] = ()
    modules: tuple[Module, ...] = ()
    tracks: tuple[Track, ...] = ()
    documents: tuple[Document, ...] = ()

    def module(self, module_id: str) -> Module:
        """The module of that id; raises KeyError."""
        for module in self.modules:
            if module.id == module_id:
                return module
        raise KeyError(module_id)

    def track(self, name: str) -> Track:
        """The track of that name; raises KeyError."""
        for track in self.tracks:
            if track.name == name:
                return track
        raise KeyError(name)

    def default_rule(self, kind: str) -> str:
        """The course's scoring rule for a type, or empty when it leaves it to the type."""
        return dict(self.rules).get(kind, "")
