"""What a run was told of its user: kept for as long as the run, and in no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from langgraph.runtime import Runtime

    from usermemory.langgraph.identity import Run

_Key = tuple[Any, ...]


class Told:
    """Texts by run.

    A field of the state would show in streams, in other middleware and in tools, even where it is
    in no checkpoint. LangGraph gives each run a stream writer and a control of its own: the text
    hangs on the writer, so that it is gone with the run, however that ends. A run that resumes has
    another writer, and is told anew.
    """

    def __init__(self) -> None:
        self._texts: WeakKeyDictionary[Callable[..., Any], dict[_Key, str]] = WeakKeyDictionary()

    def get(self, runtime: Runtime[Any] | None, run: Run) -> str | None:
        """What the run was told; None if nothing yet, and for a call outside of a run."""
        if runtime is None:
            return None
        return self._texts.get(runtime.stream_writer, {}).get(_key(runtime, run))

    def put(self, runtime: Runtime[Any] | None, run: Run, text: str) -> str:
        """Keep the text; it comes back as it is."""
        if runtime is None:
            return text
        self._texts.setdefault(runtime.stream_writer, {})[_key(runtime, run)] = text
        return text

    def drop(self, runtime: Runtime[Any] | None, run: Run) -> None:
        """The run begins or ends."""
        if runtime is None:
            return
        self._texts.get(runtime.stream_writer, {}).pop(_key(runtime, run), None)


def _key(runtime: Runtime[Any], run: Run) -> _Key:
    # Agents inside a run share its writer.
    return runtime.control, run.graph, run.user_id, run.thread_id
