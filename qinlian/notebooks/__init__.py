"""The model to nbgrader source notebooks, to the byte."""
