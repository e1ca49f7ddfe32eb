"""Which provider is asked in which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import BaseChatModel

Method = Literal["json_schema", "function_calling", "json_mode", "text"]
"""How the form of the answer is enforced; ``text``: not at all, the examples show it."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a provider is asked for a structured answer.

    Attributes:
        method: What `with_structured_output` is told.
        strict: Ask for the provider's strict mode, in which the schema is a grammar.
        caps: Whether its mode takes ``maxLength`` and ``maxItems``.
        marks_cache: Whether the stable part of a prompt must be marked to be cached.
    """

    method: Method = "function_calling"
    strict: bool = False
    caps: bool = True
    marks_cache: bool = False


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


def manner_of(model: BaseChatModel) -> Manner:
    """The way to ask this model, by the first class of its ancestry that a provider wrote."""
    modules = [kind.__module__ for kind in type(model).__mro__]
    if any(module.startswith("usermemory.local") for module in modules):
        return _GRAMMAR
    package = package_of(model)
    if elsewhere(model):
        return _GRAMMAR
    return _MANNERS.get(package, Manner())


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
