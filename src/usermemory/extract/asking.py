"""One question to a chat model, also in LangChain's wrappers, for an answer of a given form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables.config import merge_configs

from usermemory.errors import ProviderError, UserMemoryError
from usermemory.extract import UnusableAnswer, forbid
from usermemory.extract.answer import answer_in, asked_name
from usermemory.extract.json_text import storable_json
from usermemory.extract.manner import (
    apart,
    manner_of,
    models_inside,
    rebuilt,
    settings,
    without_parsers,
)
from usermemory.extract.provider_errors import form_refused, translated
from usermemory.records import Usage
from usermemory.schema.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.outputs import LLMResult
    from langchain_core.runnables import RunnableConfig

    from usermemory.errors import ExtractionError
    from usermemory.extract.manner import Learned, Manner

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


class _FormRefused(Exception):
    """The server, or the provider's package, does not take this form.

    Args:
        error: What it means if no other form is taken; None where the server was not asked.
    """

    def __init__(self, error: ExtractionError | None = None) -> None:
        super().__init__(str(error))
        self.error = error


class _Heard(BaseCallbackHandler):
    """Keeps what the model said, for packages that raise after it has answered."""

    message: AIMessage | None = None

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """Called when the provider's class has read the answer."""
        for generations in response.generations:
            for generation in generations:
                said = getattr(generation, "message", None)
                self.message = said if isinstance(said, AIMessage) else self.message


def ask(
    model: Any,
    texts: tuple[str, str],
    form: Mapping[str, Any],
    manner: Manner,
    config: RunnableConfig | None = None,
) -> AIMessage:
    """Ask once; again only where the server refuses the form, and then in the next form.

    Args:
        model: Any chat model, also in LangChain's wrappers; called by ``invoke``, never by a loop
            of our own. LangChain's cache of answers is passed by.
        texts: The stable text, and the one that differs.
        form: JSON Schema of the answer, with a title.
        manner: How this model is asked, by `manner_of`. It learns which form the server takes, so
            whoever asks several times keeps it.
        config: How the call shows in a trace.

    Returns:
        The raw answer, for `read`.

    Raises:
        ProviderError: The model could not be asked.
        UnusableAnswer: It refuses this request, or its answer was lost in its package.
        RealModelForbidden: A test forbids it.
    """
    for inside in models_inside(model):
        forbid.check(inside)
    learned, title = manner.learned, str(form.get("title", ""))
    refusals: list[_FormRefused] = []
    for method in learned.ways(manner.method):
        first = method == manner.method
        way = replace(manner, method=method, strict=manner.strict and first)
        try:
            message = _asked(model, texts, form, way, config, mixed=first)
        except _FormRefused as refusal:
            refusals.append(refusal)
            continue
        except ProviderError as error:
            error.model = asked_name(model)
            raise
        learned.worked(method, title)
        return message
    learned.doubtful = learned.method is None
    refused = next(each for each in refusals if each.error is not None)
    meant = cast("ExtractionError", refused.error)
    meant.model = asked_name(model)
    raise meant from refused.__cause__


def _asked(
    model: Any,
    texts: tuple[str, str],
    form: Mapping[str, Any],
    manner: Manner,
    config: RunnableConfig | None,
    *,
    mixed: bool,
) -> AIMessage:
    learned, heard = manner.learned, _Heard()
    try:
        asked = bound(model, form, manner, mixed=mixed)
    except UNBINDABLE as error:
        raise _FormRefused from error
    asked = rebuilt(asked, lambda inside: _uncached(inside, learned))
    messages = _messages(
        texts, form, manner, free=manner.method == "function_calling" and unforced(asked)
    )
    try:
        # merge_configs too reads the run around.
        answer = apart(
            lambda: asked.invoke(messages, merge_configs(config, {"callbacks": [heard]}))
        )
    except UserMemoryError:
        raise
    except Exception as error:  # each becomes an answer, or an error of ours
        if heard.message is not None:
            return heard.message
        known = (manner.method, str(form.get("title", ""))) in learned.taken
        if form_refused(error, known=known):
            raise _FormRefused(translated(error)) from error
        held = answer_in(error)
        if held is None:
            raise translated(error) from error
        return held
    return _as_message(answer, heard.message)


def _uncached(model: Any, learned: Learned) -> Any:
    """One copy for all calls, so that what a model counts in its fields goes on being counted."""
    copied = uncached(model)
    if copied is model:
        return model
    return learned.copies.setdefault(id(model), (model, copied))[1]


def _as_message(answer: Any, heard: AIMessage | None) -> AIMessage:
    """What a runnable returned, as a message; most return one."""
    if is_object(answer) and isinstance(answer.get("raw"), BaseMessage):
        answer = answer["raw"]
    if isinstance(answer, AIMessage):
        return answer
    if heard is not None:  # a parser behind the model made something else of it
        return heard
    if isinstance(answer, BaseMessage):
        return AIMessage(answer.content, response_metadata=answer.response_metadata)
    if isinstance(answer, str):
        return AIMessage(answer)
    if is_object(answer):
        return AIMessage(json.dumps(storable_json(answer)))
    raise UnusableAnswer(f"the model answered with {type(answer).__name__}", usage=Usage(calls=1))


def _messages(
    texts: tuple[str, str], form: Mapping[str, Any], manner: Manner, *, free: bool
) -> list[BaseMessage]:
    stable, differs = texts
    if manner.method in {"text", "json_mode"}:  # nothing else shows the form
        shown = json.dumps(form, ensure_ascii=False)
        told = "Answer with one JSON object of this JSON Schema, and nothing else:"
        stable = f"{stable}\n\n{told}\n{shown}"
    elif free:
        stable = f"{stable}\n\nAnswer by calling the tool {form.get('title')}."
    if not manner.marks_cache:
        return [SystemMessage(stable), HumanMessage(differs)]
    marked = {"type": "text", "text": stable, "cache_control": {"type": "ephemeral"}}
    return [SystemMessage([marked]), HumanMessage(differs)]
