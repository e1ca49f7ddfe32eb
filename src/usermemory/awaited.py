"""The awaited twin of a verb, made of the verb itself, so that the two cannot drift apart."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


class SaverLike(Protocol):
    """What is needed of a LangGraph checkpointer."""

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread."""
        ...

    async def adelete_thread(self, thread_id: str) -> None:
        """The same, awaited."""
        ...


def awaited(
    verb: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The twin of a method that blocks: the same call, in a thread, so that no loop waits for it.

    It is done even if the caller is cancelled. A ``checkpointer`` among the arguments is used on
    the caller's loop, where an async saver has its connections.
    """
    signature = inspect.signature(verb)

    @functools.wraps(verb)
    async def twin(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call = signature.bind(self, *args, **kwargs)
        if call.arguments.get("checkpointer") is not None:
            saver = call.arguments["checkpointer"]
            call.arguments["checkpointer"] = _OnLoop(saver, asyncio.get_running_loop())
        same = getattr(self, verb.__name__)
        return await asyncio.to_thread(same, *call.args[1:], **call.kwargs)

    twin.__name__ = f"a{verb.__name__.rstrip('_')}"
    twin.__qualname__ = verb.__qualname__.replace(verb.__name__, twin.__name__)
    twin.__doc__ = f"As `{verb.__name__}`, awaited."
    return twin


class _OnLoop:
    """A saver whose threads are deleted on a loop, called from a thread beside it."""

    def __init__(self, saver: SaverLike, loop: asyncio.AbstractEventLoop) -> None:
        self._saver = saver
        self._loop = loop

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread; a saver for sync graphs has only the plain way."""
        deleting = self._saver.adelete_thread(thread_id)
        try:
            asyncio.run_coroutine_threadsafe(deleting, self._loop).result()
        except NotImplementedError:
            self._saver.delete_thread(thread_id)
