"""The configuration of a benchmark's JupyterHub: all of it comes from the file that QINLIAN_BENCHMARK_HUB names."""

import json
import os
from pathlib import Path

from traitlets.config import get_config

c = get_config()  # type: ignore[no-untyped-call]
_given = json.loads(Path(os.environ["QINLIAN_BENCHMARK_HUB"]).read_text("utf-8"))
for _section, _values in _given.items():
    for _name, _value in _values.items():
        setattr(c[_section], _name, _value)
