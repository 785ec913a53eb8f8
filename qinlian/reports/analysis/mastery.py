"""How well a topic, or a rule, is known: over everybody, or group by group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from qinlian.reports.analysis.bars import MASTERED
from qinlian.reports.analysis.cited import cited
from qinlian.reports.analysis.drawn import Codes, Drawn, drawn
from qinlian.reports.analysis.intervals import mean_interval, wilson

__all__ = ["mastery"]

By = Literal["topics", "citations", "documents"]
_NAMES = {"topics": ["topic"], "citations": ["document", "article"], "documents": ["document"]}


def mastery(
    responses: pd.DataFrame,
    items: pd.DataFrame,
    by: By = "topics",
    *,
    groups: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    mastered: float = MASTERED,
) -> pd.DataFrame:
    """One row a topic (``by="topics"``), an article of a rule (``"citations"``) or a rule (``"documents"``), sorted.

    ``responses`` (account, item, answered, fraction), ``items`` (item, and topics and citations as tuples); an item of
    several topics counts for each. ``groups`` maps an account to its group (of ``reports.groups``, so that nothing is
    told of few): then there is a row a group and topic, with ``group`` in front, and who has no group counts nowhere.
    ``names`` maps a short title of a document to the full one. ``mastered`` is the bar, a fraction.

    Everybody counts once, with their own mean over the items of the topic that they drew, however many these were:

    - ``topic``, or ``document`` and ``article`` (of ``citations`` without an article: empty)
    - ``items`` of it that anybody drew, ``responses`` to them, ``n`` people
    - ``mean`` of people's means in [0, 1] (``mean_low``, ``mean_high``: see ``intervals.mean_interval``, over people),
      ``sd`` of them with n − 1, NaN for one
    - ``mastered``: share of people whose mean reaches the bar (``mastered_low``, ``mastered_high``: Wilson)
    """
    data, columns = drawn(responses), _NAMES[by]
    links = pd.DataFrame(_links(items, by, names or {}), columns=["item", *columns]).drop_duplicates()
    links = links[links["item"].isin(data.items)]
    labels = sorted(set(links[columns].itertuples(index=False, name=None)), key=_place)
    place = {label: index for index, label in enumerate(labels)}
    label = np.array([place[row] for row in links[columns].itertuples(index=False, name=None)], np.intp)
    frame = _own_means(data, data.items.get_indexer(pd.Index(links["item"], dtype="str")), label, len(labels))
    frame["reached"] = np.round(frame["own"] - mastered, 9) >= 0
    keys = ["topic"]
    if groups is not None:
        frame["group"] = data.accounts.map(dict(groups)).to_numpy(object)[frame["person"]]
        frame, keys = frame[frame["group"].notna()], ["group", "topic"]
    by_key = frame.groupby(keys)
    found = by_key.agg(responses=("count", "sum"), n=("own", "size"), mean=("own", "mean"), sd=("own", "std"))
    found["mastered"] = by_key["reached"].mean().astype("float64")
    found = found.reset_index()
    found["mean_low"], found["mean_high"] = mean_interval(found["mean"], found["sd"], found["n"], binary=False)
    found["mastered_low"], found["mastered_high"] = wilson(found["mastered"], found["n"])
    topic = found["topic"].to_numpy(np.intp)
    named = pd.DataFrame([labels[t] for t in topic], columns=columns, dtype="str")
    found["items"] = np.bincount(label, minlength=len(labels))[topic]
    order = [name for c in ("mean", "mastered") for name in (c, f"{c}_low", f"{c}_high")]
    told = pd.concat([named, found[["items", "responses", "n", *order, "sd"]]], axis=1)
    if groups is not None:
        told.insert(0, "group", found["group"].astype("str"))
    return told


def _own_means(data: Drawn, item: Codes, topic: Codes, topics: int) -> pd.DataFrame:
    """One row a person and topic: person, topic (codes), own (mean fraction), count (responses).

    ``item`` and ``topic`` are pairs of codes that say which item belongs to which topic.
    """
    order = np.argsort(item, kind="stable")
    size = np.bincount(item, minlength=len(data.items))
    # Each response stands once for every topic of its item: where these begin, and a counter from there.
    repeat = size[data.item]
    begins = np.repeat((np.cumsum(size) - size)[data.item], repeat)
    offset = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    person, of = np.repeat(data.person, repeat), topic[order[begins + offset]]
    cell, which = np.unique(person * max(topics, 1) + of, return_inverse=True)
    count = np.bincount(which, minlength=len(cell))
    own = np.bincount(which, np.repeat(data.x, repeat), minlength=len(cell)) / np.maximum(count, 1)
    person, of = np.divmod(cell, max(topics, 1))
    return pd.DataFrame({"person": person, "topic": of, "own": own, "count": count})


def _place(label: tuple[str, ...]) -> tuple[str, list[int]]:
    """By document, then by the number of the article: 第97条 before 第120条 before 第120条之1."""
    return label[0], [int(number) for number in re.findall(r"\d+", "".join(label[1:]))]


def _links(items: pd.DataFrame, by: By, names: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """(item, topic) or (item, document[, article])."""
    told = "topics" if by == "topics" else "citations"
    for item, several in zip(items["item"].astype(str), items[told], strict=True):
        for text in several:
            if by == "topics":
                yield item, text
            else:
                document, article = cited(text, names)
                yield (item, document, article) if by == "citations" else (item, document)
