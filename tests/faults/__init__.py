"""Faults tried for real on a real Hub: ``python -m tests.faults --rounds 100`` (as root)."""
