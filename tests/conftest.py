"""What all tests share: how Hypothesis looks for counter-examples."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes is the machine's business: on a busy one the bound would fail a test that is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
