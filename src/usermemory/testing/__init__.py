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

from usermemory.testing.clock import FakeClock, adrain, drain
from usermemory.testing.models import Call, Reply, ScriptedModel, ScriptEnded, forbid_real_models

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
