"""A chat model by its name, refused early when it could not be asked later.

Some provider packages notice a missing key when they are built, others at the first call, when a
conversation is waiting to be read. Here it is always before the first message is taken.
"""

from __future__ import annotations

import os
import reprlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from usermemory.errors import ConfigurationError, ModelUnavailable
from usermemory.extract.wrappers import models_inside

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
        raise ModelUnavailable(
            f"model {spec!r} cannot be built: write it as provider:name, such as "
            f"anthropic:claude-haiku-4-5 ({error})"
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
