"""The dashboard: the figures of the class in JupyterLab, for an instructor to narrow down."""

from __future__ import annotations

from qinlian.reports.dashboard.board import show

__all__ = ["show"]
