"""Which provider is asked in which way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from usermemory.extract.wrappers import models_inside

if TYPE_CHECKING:
    from collections.abc import Mapping

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
