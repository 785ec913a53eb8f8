"""nbgrader's own tests, run with this course's settings in force; see docs/nbgrader-suite.md."""
