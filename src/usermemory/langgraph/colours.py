"""A saver for sync graphs in a graph that is awaited: what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn


class ForSyncGraphs:
    """Says so when it is awaited; LangGraph's own error names a class that is not ours."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            "this saver is for sync graphs: for a graph that is awaited make it by "
            "`await acheckpointer(memory)`"
        )

    async def aget(self, *args: Any, **kwargs: Any) -> Any:
        """Not for this saver."""
        self._refuse(*args, **kwargs)

    aget_tuple = aput = aput_writes = adelete_thread = aget

    def alist(self, *args: Any, **kwargs: Any) -> Any:
        """Not for this saver."""
        self._refuse(*args, **kwargs)
