"""Answers and key to the gradebook."""
