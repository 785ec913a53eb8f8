"""Settings that put our aids for marking into nbgrader's formgrader; imports nothing heavy."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from traitlets.config import Config

__all__ = ["show_marking_aids"]

_OURS = Path(__file__).parent / "templates"
_THEIRS = Path("server_extensions", "formgrader", "templates")


def show_marking_aids(config: Config, earlier: Path) -> None:
    """Let formgrader's page of a submission show what ``qinlian.reports.marking`` has to say.

    ``earlier`` is the folder for reflections of earlier years; it need not exist. Our template extends
    formgrader's own, through nbconvert's ordinary settings.
    """
    # Found, not imported: nbgrader takes seconds to import, and this file is read by programs that need none of it.
    nbgrader = find_spec("nbgrader")
    if nbgrader is None or nbgrader.origin is None:
        return
    config.HTMLExporter.preprocessors = ["qinlian.reports.marking.MarkingAids"]
    config.HTMLExporter.template_name = "qinlian_formgrade"
    config.HTMLExporter.extra_template_basedirs.append(str(_OURS))
    config.HTMLExporter.extra_template_paths = [str(Path(nbgrader.origin).parent / _THEIRS)]
    config.MarkingAids.earlier = str(earlier)
