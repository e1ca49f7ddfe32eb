"""A form bound to a chat model, also to one in LangChain's wrappers.

`with_structured_output` knows how each provider wants a form; only its parsers are left out, since
they raise where an answer is not as they expect it, and the answer is lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.extract.manner import manner_of
from usermemory.extract.wrappers import models_inside, rebuilt, settings, without_parsers
from usermemory.schema.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.extract.manner import Manner

UNBINDABLE = (NotImplementedError, ValueError, TypeError, AttributeError, KeyError, Warning)
"""What a provider's class raises if it has no such form; warnings where they are made errors."""


def bound(model: Any, form: Mapping[str, Any], manner: Manner, *, mixed: bool) -> Any:
    """The model with the form of its answer, as it is to be called.

    Args:
        model: A chat model, in wrappers or not.
        form: JSON Schema of the answer, with a title.
        manner: How to ask; fallbacks never in strict mode, for which the form may not be fit.
        mixed: Whether fallbacks are asked in the manner of their own providers.

    Raises:
        Exception: One of `UNBINDABLE`: a model has no such form.
    """
    first = models_inside(model)[0]

    def with_form(inside: Any) -> Any:
        own = manner_of(inside) if mixed and inside is not first else manner
        return _bound(inside, form, own if inside is first else replace(own, strict=False))

    return rebuilt(model, with_form)


def unforced(model: Any) -> bool:
    """Whether tools are bound here that the model is free not to call."""
    return any(
        kwargs.get("tools") and not (kwargs.get("tool_choice") or kwargs.get("tool_config"))
        for kwargs in settings(model)
    )


def uncached(model: Any) -> Any:
    """The model with LangChain's cache of answers switched off, which no erasure reaches.

    A model that is not cached now is returned as it is, so that the counters of a test double stay
    its own. A copy shares what the model holds (clients, a list of calls), but for its fields.

    Note:
        A class that forbids copies (``model_copy`` raises) is used as it is, cache and all.
    """
    from langchain_core.globals import get_llm_cache
    from langchain_core.language_models import BaseChatModel

    if not isinstance(model, BaseChatModel) or model.cache is False:
        return model
    if not model.cache and get_llm_cache() is None:
        return model
    try:
        return model.model_copy(update={"cache": False})
    except (TypeError, ValueError, NotImplementedError):
        return model


def _bound(model: Any, form: Mapping[str, Any], manner: Manner) -> Any:
    if manner.method == "text":
        return model
    if manner.method == "function_calling" and _thinks(model):
        return model.bind_tools([dict(form)])
    strict = {"strict": True} if manner.strict and manner.method != "json_mode" else {}
    try:
        asking = model.with_structured_output(
            dict(form), method=manner.method, include_raw=True, **strict
        )
    except Warning:  # made an error by the application: this model cannot be forced to call a tool
        if manner.method != "function_calling":
            raise
        return model.bind_tools([dict(form)])
    return without_parsers(asking)


def _thinks(model: Any) -> bool:
    """Whether this is Claude with thinking, which cannot be forced to call a tool.

    platform.claude.com/docs/en/build-with-claude/extended-thinking (2025-11).
    """
    thinking = getattr(model, "thinking", None)
    return is_object(thinking) and thinking.get("type") in {"enabled", "adaptive"}
