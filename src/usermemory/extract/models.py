"""A chat model by its name, refused early when it could not be asked later.

Some provider packages notice a missing key when they are built, others at the first call, when a
conversation is waiting to be read. Here it is always before the first message is taken.
"""

from __future__ import annotations

import os
import reprlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from usermemory.errors import ConfigurationError, ModelUnavailable
from usermemory.extract.manner import models_inside
from usermemory.retry import TooLong, in_time
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import BaseChatModel


@dataclass(frozen=True, slots=True)
class _Needs:
    package: str
    extra: str
    keys: tuple[str, ...]
    prefixes: tuple[str, ...] = ()


_NEEDS: Mapping[str, _Needs] = {
    "openai": _Needs(
        "langchain_openai", "openai", ("OPENAI_API_KEY",), ("gpt-", "o1", "o3", "o4", "chatgpt")
    ),
    "anthropic": _Needs("langchain_anthropic", "anthropic", ("ANTHROPIC_API_KEY",), ("claude",)),
    "google_genai": _Needs(
        "langchain_google_genai", "google", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), ("gemini",)
    ),
    "mistralai": _Needs(
        "langchain_mistralai", "mistral", ("MISTRAL_API_KEY",), ("mistral", "mixtral")
    ),
    "ollama": _Needs("langchain_ollama", "ollama", ()),
}


_LARGE = frozenset(
    {
        "langchain_openai",
        "langchain_anthropic",
        "langchain_google_genai",
        "langchain_google_vertexai",
        "langchain_mistralai",
    }
)


def check_model(model: str | BaseChatModel) -> None:
    """Make sure that a model can be asked, without importing its package if that can be helped.

    Args:
        model: What ``init_chat_model`` takes (``"anthropic:claude-haiku-4-5"``), or a chat model,
            also in LangChain's wrappers (``with_retry``, ``with_fallbacks``, ``bind``,
            ``with_config``).

    Raises:
        ModelUnavailable: Its package or its key is missing, or nobody knows the name; the text
            says what to install or set.
        ConfigurationError: It is neither a name nor a chat model.
    """
    if not isinstance(model, str):
        for inside in models_inside(model):
            if not callable(getattr(inside, "with_structured_output", None)):
                raise ConfigurationError(
                    f"model={reprlib.repr(inside)} is no chat model: pass a name such as "
                    "'anthropic:claude-haiku-4-5', a LangChain chat model (also in with_retry, "
                    "with_fallbacks or bind), or an Extractor"
                )
        return
    if model.strip().startswith("local:"):
        raise ModelUnavailable(
            f"model {model!r}: weights run in a server, such as llama-server -m FILE.gguf --port "
            "8080 (then --model NAME --base-url http://127.0.0.1:8080/v1), or in Ollama"
        )
    needs = _NEEDS.get(_named(model)[0])
    if needs is None:  # a provider that only LangChain knows
        _built(model)
    else:
        _check(model, needs)


def chat_model(model: str | BaseChatModel, base_url: str | None = None) -> BaseChatModel:
    """The chat model of this name, checked; a chat model is returned as it is.

    Args:
        model: As for `check_model`; with ``base_url``, the name that its server knows.
        base_url: A server that speaks OpenAI's protocol (llama.cpp, vLLM, LM Studio, a gateway),
            such as ``"http://localhost:8080/v1"``. Its key, if it wants one, is OPENAI_API_KEY.

    Raises:
        ModelUnavailable: As for `check_model`.
        ConfigurationError: As for `check_model`; or there is a server, and no name.
    """
    if base_url:
        return _served(model, base_url)
    check_model(model)
    return _built(model) if isinstance(model, str) else model


def is_small(model: object) -> bool:
    """Whether a model may be a small one: any but the current ones of the providers themselves.

    A server of one's own or Ollama may hold any model; what its proposals need more is
    measured in the bench, and said in docs/models.md.
    """
    from usermemory.extract.manner import elsewhere, package_of

    return model is not None and any(
        package_of(inside) not in _LARGE or elsewhere(inside)
        for inside in models_inside(model)
        if not getattr(inside, "usermemory_scripted", False)
    )


def _served(model: str | BaseChatModel, base_url: str) -> BaseChatModel:
    if not isinstance(model, str) or not model.strip():
        raise ConfigurationError(
            f"a base URL needs the name of a model that {base_url} knows, and got {model!r}"
        )
    if find_spec("langchain_openai") is None:
        raise ModelUnavailable('a base URL needs a package: pip install "usermemory[openai]"')
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # Servers of one's own seldom want a key, but the package insists on one.
    key = SecretStr(os.environ.get("OPENAI_API_KEY") or "none")
    return ChatOpenAI(model=model.removeprefix("openai:"), base_url=base_url, api_key=key)


def _built(spec: str) -> BaseChatModel:
    provider, name = _named(spec)
    try:
        from langchain.chat_models import init_chat_model

        return init_chat_model(name, model_provider=provider or None)
    except ImportError as error:
        raise ModelUnavailable(
            f"model {spec!r} needs langchain and the package of its provider: {error}"
        ) from error
    except ValueError as error:
        reason = str(error).partition("\n\n")[0]  # without a list of all providers
        raise ModelUnavailable(
            f"model {spec!r} cannot be built: write it as provider:name, such as "
            f"anthropic:claude-haiku-4-5 ({reason})"
        ) from error


def _named(spec: str) -> tuple[str, str]:
    spec = spec.strip()
    provider, colon, name = spec.partition(":")
    if not (name if colon else provider):  # LangChain takes it for "to be configured later"
        raise ModelUnavailable(f"model {spec!r} has no name: write it as provider:name")
    if colon:
        return provider.replace("-", "_"), name
    for known, needs in _NEEDS.items():
        if needs.prefixes and spec.lower().startswith(needs.prefixes):
            return known, spec
    return "", spec


def _check(spec: str, needs: _Needs) -> None:
    missing = [name for name in ("langchain", needs.package) if find_spec(name) is None]
    if missing:
        raise ModelUnavailable(
            f'model {spec!r} needs a package: pip install "usermemory[{needs.extra}]"'
        )
    if needs.keys and not any(os.environ.get(key) for key in needs.keys):
        raise ModelUnavailable(
            f"model {spec!r} needs a key: set {' or '.join(needs.keys)} in the environment"
        )


HOST = "OLLAMA_HOST"

_PORT = 11434
_PATIENCE = 1.0
"""Seconds in all: one that is there answers at once, and nobody waits for one that isn't."""

_PORTS = {8080: "llama-server", 8000: "vLLM", 1234: "LM Studio"}
"""Where servers that speak OpenAI's protocol listen, if nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that speaks OpenAI's protocol.

    Attributes:
        kind: What usually listens there.
        base_url: As ``--base-url`` takes it.
        model: The first model that it has.
    """

    kind: str
    base_url: str
    model: str


def address() -> str:
    """Where Ollama would be: ``OLLAMA_HOST``, read as Ollama's own programs do, else its default.

    Only schemes and ports that are missing are filled in; ``0.0.0.0``, which is an address to
    serve at and not one to ask, becomes the loopback one.
    """
    said = os.environ.get(HOST, "").strip().strip("\"'")
    bare = "://" not in said
    parts = urlsplit(f"http://{said}" if bare else said)
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - not bound to
    usual = 443 if parts.scheme == "https" else 80
    port = parts.port or (_PORT if bare else usual)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def models(patience: float = _PATIENCE) -> list[str] | None:
    """The chat models of a running Ollama, the one that was changed last first.

    Args:
        patience: Seconds in all, whatever it does or fails to do.

    Returns:
        Names; None if none runs there.
    """
    try:
        url = f"{address()}/api/tags"
    except ValueError:  # what the variable says is no address
        return None
    answer = _asked(url, patience)
    listed = answer.get("models") if is_object(answer) else None
    return [_name(item) for item in listed if _talks(item)] if is_list(listed) else None


def servers(patience: float = _PATIENCE) -> list[Server]:
    """What speaks OpenAI's protocol at the usual ports of this machine.

    Args:
        patience: Seconds for each port, whatever is there.
    """
    found: list[Server] = []
    for port, kind in _PORTS.items():
        base_url = f"http://127.0.0.1:{port}/v1"
        answer = _asked(f"{base_url}/models", patience)
        listed = answer.get("data") if is_object(answer) else None
        named = (one.get("id") for one in listed or () if is_object(one))
        found += [Server(kind, base_url, str(name)) for name in [*named][:1] if name]
    return found


def _asked(url: str, patience: float) -> Any:
    """The JSON that a server answers with; None if there is none, or it takes too long."""
    import httpx

    def ask() -> Any:
        # Not by way of a proxy of the environment: it is this machine, or a neighbour.
        with httpx.Client(trust_env=False, timeout=patience) as client:
            response = client.get(url)
        return response.json() if response.status_code == 200 else None

    try:
        return in_time(ask, patience)
    except (TooLong, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return None


def _name(item: Any) -> str:
    return str(item.get("model") or item.get("name"))


def _talks(item: Any) -> bool:
    """Whether it is a model to talk with, on this machine: neither embeddings nor a cloud's."""
    if not is_object(item) or not (item.get("model") or item.get("name")):
        return False
    details = item.get("details")
    family = str(details.get("family")) if is_object(details) else ""
    kind = f"{_name(item)} {family}".lower()
    return not item.get("remote_host") and "embed" not in kind and "bert" not in kind
