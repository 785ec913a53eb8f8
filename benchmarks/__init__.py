"""Measurements of what the engine promises; run as ``python -m benchmarks.<name>``."""
