"""A step of a graph, for sync and async runs alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig

from usermemory.errors import ConfigurationError

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

    def __getattr__(self, name: str) -> Any:
        # LangGraph asks for it to know a node again in its cache, and asks nothing else of a node
        # that is cached: on a hit the node is not run.
        if name == "__qualname__":
            raise ConfigurationError(
                f"{self.name!r} is a node of a memory, and can't be cached: a cache knows what it "
                "holds by a node's input, not by the user, and would tell one user what is known "
                "of another. Leave cache_policy out for it; instead of set_node_defaults give each "
                "of the other nodes its own"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

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
