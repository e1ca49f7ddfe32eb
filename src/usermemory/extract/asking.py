"""One call of a chat model, for an answer of a given form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from usermemory.extract import forbid
from usermemory.extract.provider_errors import ProviderErrors
from usermemory.prompt.json_values import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import Runnable, RunnableConfig

    from usermemory.extract.manner import Manner


def ask(
    model: BaseChatModel,
    texts: tuple[str, str],
    form: Mapping[str, Any],
    manner: Manner,
    config: RunnableConfig | None = None,
) -> AIMessage:
    """Ask once.

    Args:
        model: Any chat model; called by ``invoke``, never by a loop of our own.
        texts: The stable text, and the one that differs.
        form: JSON Schema of the answer, with a title.
        manner: How this provider is asked.
        config: How the call shows in a trace.

    Returns:
        The raw answer.

    Raises:
        ProviderError: The model could not be asked.
        UnusableAnswer: It refuses this request.
        RealModelForbidden: A test forbids it.
    """
    forbid.check(model)
    bound, messages = _bound(model, form, manner), _messages(texts, manner)
    with ProviderErrors():
        answer = bound.invoke(messages, config)
    return cast("AIMessage", answer["raw"] if is_object(answer) else answer)


def _bound(model: BaseChatModel, form: Mapping[str, Any], manner: Manner) -> Runnable[Any, Any]:
    if manner.method == "text":
        return model
    strict = {"strict": True} if manner.strict and manner.method != "json_mode" else {}
    try:
        return model.with_structured_output(
            dict(form), method=manner.method, include_raw=True, **strict
        )
    except NotImplementedError:  # a model without tools: the examples show the form
        return model


def _messages(texts: tuple[str, str], manner: Manner) -> list[BaseMessage]:
    from langchain_core.messages import HumanMessage, SystemMessage

    stable, differs = texts
    if manner.method == "json_mode":
        # OpenAI refuses this mode to a prompt without the word; here every schema gets it.
        stable = f"{stable}\n\nAnswer with one JSON object."
    if not manner.marks_cache:
        return [SystemMessage(stable), HumanMessage(differs)]
    marked = {"type": "text", "text": stable, "cache_control": {"type": "ephemeral"}}
    return [SystemMessage([marked]), HumanMessage(differs)]
