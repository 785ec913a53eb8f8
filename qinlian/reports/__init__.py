"""The gradebook to tables."""
