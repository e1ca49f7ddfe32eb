"""For people who test their own bots: no key, no network, no waiting.

::

    from usermemory.testing import FakeClock, ScriptedModel, drain, forbid_real_models

    clock = FakeClock()
    memory = UserMemory(f"sqlite:///{tmp_path}/memory.db", model="offline", clock=clock)
    ...
    clock.advance(60)   # a quiet minute passes at once
    drain(memory)       # or: whatever is unread is read now
"""

from __future__ import annotations

from usermemory.testing.draining import adrain, drain
from usermemory.testing.fake_clock import FakeClock
from usermemory.testing.real_models import forbid_real_models
from usermemory.testing.scripted_model import Call, Reply, ScriptedModel, ScriptEnded

__all__ = [
    "Call",
    "FakeClock",
    "Reply",
    "ScriptEnded",
    "ScriptedModel",
    "adrain",
    "drain",
    "forbid_real_models",
]
