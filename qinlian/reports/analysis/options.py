"""Who chose which option, by ability group: the distractor table."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from qinlian.reports.analysis.drawn import GROUPS, Codes, Drawn, drawn, first_only
from qinlian.reports.analysis.intervals import wilson

__all__ = ["distractors"]


def distractors(responses: pd.DataFrame, options: pd.DataFrame) -> pd.DataFrame:
    """Three rows an option, one for each ability group (低, 中, 高), in the order of ``options``.

    ``responses`` as for ``item_table``, with ``value`` besides (JSON text: a public id, a list of them, or null);
    give it everything that the people answered, since it is the other items that rank them. ``options`` has the
    columns item, option (letter), public_id, correct; an item that nobody drew is left out, and so is what is no
    choice item.

    - ``item``, ``option``, ``group`` (ordered category), ``correct``
    - ``n``: people of the group who chose the option; of a 多选 one person may choose several
    - ``size``: people of the group who drew the item, so the three sizes add up to the item's ``n``; ``omitted``: of
      them left it empty
    - ``share`` = n / size in [0, 1], NaN for an empty group (``share_low``, ``share_high``: Wilson)
    - ``rest``: mean score of the ``n`` on the other items that they drew, in [0, 1]; NaN for nobody
    """
    data = drawn(responses)
    values = first_only(responses)["value"]
    # An item that the whole-course quiz borrows may be listed with each module.
    listed = options[options["item"].isin(data.items)].drop_duplicates(["item", "option"])
    option_item = data.items.get_indexer(pd.Index(listed["item"].astype(str)))
    row, chosen = _choices(data, values, option_item, listed["public_id"].tolist())
    count, groups = len(listed), len(GROUPS)

    cell = chosen * groups + data.group[row]
    n = np.bincount(cell, minlength=count * groups)
    known = ~np.isnan(data.rest[row])
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.bincount(cell[known], data.rest[row][known], minlength=count * groups)
        mean = total / np.bincount(cell[known], minlength=count * groups)

    at = data.item * groups + data.group
    size = np.bincount(at, minlength=len(data.items) * groups).reshape(-1, groups)[option_item].ravel()
    empty = np.bincount(at, ~data.answered, minlength=len(data.items) * groups).astype(np.intp)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = n / size
    low, high = wilson(share, size)
    return pd.DataFrame(
        {
            "item": np.repeat(listed["item"].astype(str).to_numpy(object), groups),
            "option": np.repeat(listed["option"].to_numpy(object), groups),
            "group": pd.Categorical(GROUPS * count, categories=GROUPS, ordered=True),
            "correct": np.repeat(listed["correct"].to_numpy(bool), groups),
            "n": n,
            "size": size,
            "omitted": empty.reshape(-1, groups)[option_item].ravel(),
            "share": share,
            "share_low": low,
            "share_high": high,
            "rest": mean,
        }
    ).astype({"item": "str", "option": "str"})


def _choices(data: Drawn, values: pd.Series, option_item: Codes, public_ids: list[str]) -> tuple[Codes, Codes]:
    """(row of ``data``, index of the option) for every choice; ids that name no option of their item are passed over.

    Most people choose among a few answers, so each different value is read once.
    """
    where = {(item, pid): index for index, (item, pid) in enumerate(zip(option_item.tolist(), public_ids, strict=True))}
    wanted = np.flatnonzero(data.answered & np.isin(data.item, option_item))
    code, uniques = pd.factorize(values.iloc[wanted])
    texts = np.asarray(uniques, object)
    pairs, which = np.unique(data.item[wanted] * max(len(texts), 1) + code, return_inverse=True)
    found: list[list[int]] = []
    for pair in pairs.tolist():
        item, text = divmod(pair, max(len(texts), 1))
        value = json.loads(texts[text])
        ids = value if isinstance(value, list) else [value]
        found.append([where[item, pid] for pid in ids if isinstance(pid, str) and (item, pid) in where])
    lengths = np.array([len(f) for f in found], np.intp)
    flat = np.array([index for f in found for index in f], np.intp)
    # For each row its value's options, one after the other.
    counts = lengths[which]
    starts = (np.cumsum(lengths) - lengths)[which]
    ends = np.cumsum(counts)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    return np.repeat(wanted, counts), flat[np.repeat(starts, counts) + within]
