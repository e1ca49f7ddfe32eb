"""What holds for all tests."""

from __future__ import annotations

import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings
from tests.support.deep import DEEP

# Files are in memory where there is room: in these tests processes die, the machine does not.
_MEMORY = "/dev/shm"  # noqa: S108 - each test makes a folder of its own there
_ROOM = 2 * 2**30

if (
    "TMPDIR" not in os.environ
    and os.access(_MEMORY, os.W_OK)
    and shutil.disk_usage(_MEMORY).free > _ROOM
):
    os.environ["TMPDIR"] = tempfile.tempdir = _MEMORY

# A busy machine makes generation slow: that says nothing about the code. A change is judged by the
# same examples as the one before it; whoever works on it looks for new ones with each run.
settings.register_profile(
    "tests",
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    print_blob=True,
    max_examples=50,
    derandomize=bool(os.environ.get("CI")),
)
settings.register_profile(
    "long", settings.get_profile("tests"), max_examples=500, stateful_step_count=60
)
settings.load_profile("long" if DEEP else "tests")
