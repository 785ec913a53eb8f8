"""What nbgrader's own tests find on Jupyter's configuration path: the settings of this repository's course.

The tests make courses of their own in folders of their own, so what says where our course lies and what
it is called stays out. ``QINLIAN_SUITE_STOCK`` names settings that are left as nbgrader has them.
"""

import os
from pathlib import Path

from traitlets.config.loader import PyFileConfigLoader

c = get_config()  # noqa: F821 - given by traitlets

ours = PyFileConfigLoader("nbgrader_config.py", path=str(Path(__file__).resolve().parents[3])).load_config()
left_out = {"CourseDirectory", "Exchange.root", *os.environ.get("QINLIAN_SUITE_STOCK", "").split(",")}
for section, settings in ours.items():
    if section in left_out:
        continue
    for name, value in settings.items():
        if f"{section}.{name}" not in left_out:
            c[section][name] = value
