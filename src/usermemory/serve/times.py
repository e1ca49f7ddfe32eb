"""How long readings took in this process."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usermemory.records import Event

_KEPT = 500


class ReadingTimes:
    """From claim to commit, of the newest 500 readings: mostly a call of the model.

    Its ``on_event`` belongs to the memory, and it to `usermemory.serve.app`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._taken: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def on_event(self, event: Event) -> None:
        """Note an event of the memory; any thread may call it."""
        with self._lock:
            if event.kind == "claimed":
                self._begun[event.user_id] = event.at
            elif event.kind in {"consolidated", "failed", "held"}:
                begun = self._begun.pop(event.user_id, None)
                if begun is not None and event.kind != "held":
                    self._taken.append((event.at, max(0.0, event.at - begun)))

    def newest(self, count: int) -> list[tuple[float, float]]:
        """When each of the newest readings ended, and how many seconds it took."""
        with self._lock:
            return list(self._taken)[-count:]
