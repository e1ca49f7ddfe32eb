"""How a call of ours shows in a trace, such as LangSmith's: by name, and without the user's id."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.runnables import RunnableConfig

    from usermemory.extract import Request

KEY = "USERMEMORY_TRACE_KEY"
"""The environment variable whose value keys the users' hashes."""

_T = TypeVar("_T")

RunName = Literal["usermemory.consolidate", "usermemory.repair", "usermemory.verify"]


def traced_user(user_id: str) -> str:
    """What stands for a user in traces: 16 hexadecimal digits of SHA-256.

    Plain, it is a pseudonym only: whoever can guess an id, such as an e-mail address, can tell
    whether it is that one. With ``USERMEMORY_TRACE_KEY`` set it is an HMAC, which only holders of
    that key can make.
    """
    key = os.environ.get(KEY)
    if key:
        return hmac.new(key.encode(), user_id.encode(), hashlib.sha256).hexdigest()[:16]
    return hashlib.sha256(user_id.encode()).hexdigest()[:16]


def traced(name: RunName, strategy: str, prompt: str, request: Request) -> RunnableConfig:
    """The name, tags and metadata of one call.

    The metadata's names are ours, so that LangSmith does not take the call for a turn of the
    conversation that it reads.

    Args:
        name: What the call is for.
        strategy: ``patch`` or ``overwrite``.
        prompt: The version of the prompt.
        request: What is asked; of its words nothing is told here.
    """
    return {
        "run_name": name,
        "tags": ["usermemory", strategy],
        "metadata": {
            "usermemory_user": traced_user(request.user_id),
            "usermemory_thread": request.thread_id,
            "usermemory_prompt": prompt,
            "usermemory_messages": len(request.batch),
        },
    }


def apart(call: Callable[[], _T]) -> _T:
    """Call it as if no run was going on around, whose callbacks and streams would show the call.

    A model that is called in a node or a tool, however deep, inherits the run's callbacks: what it
    reads of a conversation would stream to the client as the chatbot's own words. Tracers that
    were set up for the process or by a context manager of theirs go on.

    Args:
        call: What asks a model.
    """
    config = sys.modules.get("langchain_core.runnables.config")
    if config is None:  # then nothing runs
        return call()
    context = copy_context()
    context.run(config.var_child_runnable_config.set, None)
    return context.run(call)
