"""A step of a graph, for sync and async runs alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Node(Runnable[Any, Any]):
    """A function of state and config and its async twin.

    ``RunnableLambda`` does the same and reports each call to the tracer, as LangGraph has just
    done for the node: four of them cost a turn as much as everything that they are there for.

    Args:
        name: What it is called in the graph.
        run: Called in sync runs.
        arun: Called in async runs.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Any, RunnableConfig], Any],
        arun: Callable[[Any, RunnableConfig], Awaitable[Any]],
    ) -> None:
        self.name = name
        self._run = run
        self._arun = arun

    def invoke(
        self,
        input: Any,  # noqa: A002 - Runnable calls it so
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - Runnable passes what a node has no use for
    ) -> Any:
        """The update of the state."""
        return self._run(input, config or {})

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - Runnable calls it so
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - Runnable passes what a node has no use for
    ) -> Any:
        """As `invoke`."""
        return await self._arun(input, config or {})
