"""How each provider's models are asked, and how a call shows in a trace."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.runnables import RunnableConfig, RunnableParallel, RunnableSequence
    from langchain_core.runnables.base import RunnableBindingBase
    from langchain_core.runnables.fallbacks import RunnableWithFallbacks

    from usermemory.extract import Request


def models_inside(model: Any) -> tuple[Any, ...]:
    """The models that wrappers hold, in the order in which they are asked.

    Args:
        model: A model, in wrappers or not.
    """
    if has_fallbacks(model):
        return tuple(found for each in model.runnables for found in models_inside(each))
    return models_inside(model.bound) if is_binding(model) else (model,)


def rebuilt(model: Any, change: Callable[[Any], Any]) -> Any:
    """The same wrappers around changed models.

    Args:
        model: A model, in wrappers or not.
        change: Makes of each model inside what is to stand in its place.
    """
    if has_fallbacks(model):
        first, *others = (rebuilt(each, change) for each in model.runnables)
        return model.model_copy(update={"runnable": first, "fallbacks": others})
    if is_binding(model):
        inside = rebuilt(model.bound, change)
        ours: Mapping[str, Any] = inside.kwargs if is_binding(inside) else {}
        # The outer settings would win over the form, such as tools of the application's own.
        kept = {name: value for name, value in model.kwargs.items() if name not in ours}
        return model.model_copy(update={"bound": inside, "kwargs": kept})
    return change(model)


def settings(model: Any) -> list[Mapping[str, Any]]:
    """What is bound to each model inside.

    Args:
        model: A model, in wrappers or not.
    """
    if has_fallbacks(model):
        return [bound for each in model.runnables for bound in settings(each)]
    if is_binding(model):
        return [{**bound, **model.kwargs} for bound in settings(model.bound)]
    return [{}]


def without_parsers(asking: Any) -> Any:
    """The model inside of what `with_structured_output` built, with what was bound to it.

    Args:
        asking: What it built with ``include_raw=True``; returned as it is where the model cannot
            be taken out without losing a step before it.
    """
    from langchain_core.language_models import BaseChatModel

    inside = asking
    while True:
        if _is_sequence(inside):
            inside = inside.first
        elif _is_parallel(inside) and "raw" in inside.steps__:
            inside = inside.steps__["raw"]
        else:
            break
    alone = all(isinstance(model, BaseChatModel) for model in models_inside(inside))
    return inside if alone else asking


def is_binding(model: object) -> TypeGuard[RunnableBindingBase[Any, Any]]:
    """Whether this is a model with settings, a config, or retries."""
    from langchain_core.runnables.base import RunnableBindingBase

    return isinstance(model, RunnableBindingBase)


def has_fallbacks(model: object) -> TypeGuard[RunnableWithFallbacks[Any, Any]]:
    """Whether these are several models, each asked where those before it fail."""
    from langchain_core.runnables.fallbacks import RunnableWithFallbacks

    return isinstance(model, RunnableWithFallbacks)


def _is_sequence(runnable: object) -> TypeGuard[RunnableSequence[Any, Any]]:
    from langchain_core.runnables import RunnableSequence

    return isinstance(runnable, RunnableSequence)


def _is_parallel(runnable: object) -> TypeGuard[RunnableParallel[Any]]:
    from langchain_core.runnables import RunnableParallel

    return isinstance(runnable, RunnableParallel)


KEY = "USERMEMORY_TRACE_KEY"
"""The environment variable whose value keys the users' hashes."""

_T = TypeVar("_T")

RunName = Literal[
    "usermemory.consolidate", "usermemory.repair", "usermemory.verify", "usermemory.tidy"
]


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


Method = Literal["json_schema", "function_calling", "json_mode", "text"]
"""How the form of the answer is enforced; ``text``: not at all, the prompt shows it."""

# What is tried next where a server refuses a form. Text cannot be refused for its form.
_NEXT: Mapping[Method, tuple[Method, ...]] = {
    "json_schema": ("json_schema", "function_calling", "text"),
    "function_calling": ("function_calling", "text"),
    "json_mode": ("json_mode", "text"),
    "text": ("text",),
}


@dataclass(slots=True)
class Learned:
    """Which forms a model's server has taken, for as long as the process lives.

    Attributes:
        method: The way that worked last; None as long as none has.
        taken: The ways and the titles of the forms that worked.
        doubtful: Whether a request was refused in every form, so that it was hardly the form's
            doing. The next request is asked in text: if that is refused too, it cost one call.
        copies: Copies of models that are not cached, by the id of the model beside them.
    """

    method: Method | None = None
    taken: set[tuple[Method, str]] = field(default_factory=set[tuple[Method, str]])
    doubtful: bool = False
    copies: dict[int, tuple[Any, Any]] = field(default_factory=dict[int, tuple[Any, Any]])

    def ways(self, first: Method) -> tuple[Method, ...]:
        """The ways to ask, in order."""
        ways = _NEXT[first]
        if self.method in ways:
            return ways[ways.index(self.method) :]
        return ("text",) if self.doubtful else ways

    def worked(self, method: Method, title: str) -> None:
        """Remember that the server took a request."""
        if self.doubtful:  # it was only asked in text
            self.doubtful = False
            return
        self.taken.add((method, title))
        self.method = method


@dataclass(frozen=True, slots=True)
class Manner:
    """How a provider is asked for a structured answer.

    Attributes:
        method: What `with_structured_output` is told.
        strict: Ask for the provider's strict mode, in which the schema is a grammar.
        caps: Whether its mode takes ``maxLength`` and ``maxItems``.
        marks_cache: Whether the stable part of a prompt must be marked to be cached.
        learned: What the calls with this manner have taught; whoever asks a model several times
            keeps its manner, or learns it anew each time.
    """

    method: Method = "function_calling"
    strict: bool = False
    caps: bool = True
    marks_cache: bool = False
    learned: Learned = field(default_factory=Learned, compare=False, repr=False)


# The package of the class decides; whichever is not listed gets a tool call, which most models can.
_MANNERS: Mapping[str, Manner] = {
    "langchain_openai": Manner("json_schema", strict=True, caps=False),
    "langchain_anthropic": Manner(marks_cache=True),
    "langchain_google_genai": Manner("json_schema", caps=False),
    "langchain_google_vertexai": Manner("json_schema", caps=False),
    "langchain_ollama": Manner("json_schema"),
    "langchain_mistralai": Manner("json_schema", caps=False),
}
_GRAMMAR = Manner("json_schema")  # a llama.cpp grammar without caps loops to the limit


def manner_of(model: Any) -> Manner:
    """The way to ask this model, by the first class of its ancestry that a provider wrote.

    Args:
        model: A chat model. Of several in a wrapper the first decides how to ask, and the form
            and the prompt have only what all of them take.
    """
    first, *others = (_own_manner(inside) for inside in models_inside(model))
    return replace(
        first,
        caps=all(manner.caps for manner in (first, *others)),
        marks_cache=all(manner.marks_cache for manner in (first, *others)),
        learned=Learned(),
    )


def _own_manner(model: Any) -> Manner:
    return _GRAMMAR if elsewhere(model) else _MANNERS.get(package_of(model), Manner())


def package_of(model: object) -> str:
    """The provider's package that a model's class comes from; empty if it is none of these."""
    packages = (kind.__module__.partition(".")[0] for kind in type(model).__mro__)
    return next(
        (name for name in packages if name.startswith("langchain_") and name != "langchain_core"),
        "",
    )


def elsewhere(model: object) -> bool:
    """Whether an OpenAI class talks to somebody else's server."""
    if package_of(model) != "langchain_openai":
        return False
    url = str(getattr(model, "openai_api_base", None) or "")
    return bool(url) and ".openai." not in url  # api.openai.com, and Azure's openai.azure.com
