"""Craft of the items: W6xx."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qinlian.authoring.placed import Placed
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.identity import Identity
from qinlian.core.model import Module


def lint_module(module: Module, items: Sequence[Placed], identity: Identity | None) -> Iterator[Diagnostic]:
    return iter(())
