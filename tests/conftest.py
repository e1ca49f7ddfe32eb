"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine makes generation slow: that says nothing about the code. A change is judged by the
# same examples as the one before it; whoever works on it looks for new ones with each run.
settings.register_profile(
    "tests",
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.register_profile(
    "long", settings.get_profile("tests"), max_examples=500, stateful_step_count=60
)
settings.load_profile("tests")
