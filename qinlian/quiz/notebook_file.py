"""What of a learner's notebook may leave with a submission."""

from __future__ import annotations

import json

__all__ = ["without_widgets"]


def without_widgets(notebook: bytes) -> bytes:
    """The notebook without the state of its widgets, which Jupyter saves where somebody turned that on.

    Private notes are part of that state. What is no notebook is returned as it is.
    """
    try:
        content = json.loads(notebook)
        if "widgets" not in content["metadata"]:
            return notebook
        del content["metadata"]["widgets"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return notebook
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
