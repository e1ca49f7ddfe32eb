"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine makes generation slow: that says nothing about the code.
settings.register_profile(
    "tests", suppress_health_check=[HealthCheck.too_slow], deadline=None, print_blob=True
)
settings.register_profile(
    "long", settings.get_profile("tests"), max_examples=500, stateful_step_count=60
)
settings.load_profile("tests")
