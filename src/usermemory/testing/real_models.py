"""The switch that turns any call of a real model into an error."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from usermemory.extract import forbid

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextmanager
def forbid_real_models() -> Generator[None]:
    """Within the block, calling a real chat model raises `RealModelForbidden`, in every thread.

    The memory's own calls and the bot's: ``invoke``, ``stream``, ``batch`` and their async twins
    of any LangChain chat model. `ScriptedModel`, and models of your own that say
    ``usermemory_scripted = True``, go on working. For a whole test suite::

        @pytest.fixture(autouse=True)
        def no_real_models():
            with forbid_real_models():
                yield
    """
    _guard_chat_models()
    with forbid.real_model_calls():
        yield


@functools.cache
def _guard_chat_models() -> None:
    """Let every chat model ask first; done once, since blocks may overlap and end in any order."""
    from langchain_core.language_models import BaseChatModel

    for name in ("generate", "agenerate", "stream", "astream"):
        setattr(BaseChatModel, name, _guarded(getattr(BaseChatModel, name)))


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def asked_first(self: object, *args: Any, **kwargs: Any) -> Any:
        forbid.check(self)
        return method(self, *args, **kwargs)

    return asked_first
