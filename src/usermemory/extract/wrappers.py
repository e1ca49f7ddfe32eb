"""LangChain's wrappers of chat models: `with_retry`, `with_fallbacks`, `bind`, `with_config`.

A wrapper passes `with_structured_output` on to the model inside and drops its own settings. So the
models inside are changed, and the same wrappers built anew around them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.runnables import RunnableParallel, RunnableSequence
    from langchain_core.runnables.base import RunnableBindingBase
    from langchain_core.runnables.fallbacks import RunnableWithFallbacks


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
