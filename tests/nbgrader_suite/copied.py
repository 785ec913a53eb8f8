"""For pytest's ``-p``: makes ``nbgrader.tests`` the copy in ``$QINLIAN_SUITE_COPY``; the rest stays installed.

Besides, nbgrader starts a program for each new gradebook to learn the number of its newest migration, which
takes most of the time of its tests and is always the same: here it asks once.
"""

import os
from functools import cache

import nbgrader
from nbgrader import api

nbgrader.__path__.insert(0, os.environ["QINLIAN_SUITE_COPY"])
api.get_alembic_version = cache(api.get_alembic_version)
