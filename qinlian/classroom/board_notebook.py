"""The notebook that opens as the dashboard: one cell, which the front end runs by itself and hides."""

from __future__ import annotations

import json
from pathlib import Path

from qinlian.atomic import replace_file

__all__ = ["NAME", "SOURCE", "dashboard_in"]

NAME = "统计看板.ipynb"
SOURCE = "from qinlian.reports.dashboard import show\n\nshow()"
"""The front end runs this unasked, and nothing else; it knows it letter by letter."""


def dashboard_in(folder: Path) -> Path:
    """The dashboard's notebook in ``folder``, written when it is not there.

    It holds no figures, and none are saved in it: they are read whenever it is opened.
    """
    path = folder / NAME
    if not path.is_file():
        replace_file(path, (json.dumps(_NOTEBOOK, ensure_ascii=False, indent=1) + "\n").encode())
    return path


# As nbformat would make it, which takes a while to import.
_NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "board",
            "metadata": {"qinlian": {"role": "board"}},
            "outputs": [],
            "source": SOURCE,
        }
    ],
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "qinlian": {"board": True, "title": "统计看板"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
