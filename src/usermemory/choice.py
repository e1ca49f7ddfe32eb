"""Which language model is in use, and how people are told.

::

    from usermemory.choice import choose

    chosen = choose()                      # what the environment names, else none
    print(chosen.notice or f"You are talking to {chosen.name}.")
    memory = UserMemory(model=chosen.model)
    bot = create_chatbot(memory, chosen.bot())

For commands, examples and notebooks, which have to run wherever they are tried. An application
names its model.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from usermemory.errors import ConfigurationError, ModelUnavailable
from usermemory.extract import Extractor
from usermemory.extract.models import chat_model, check_model
from usermemory.judge.changes import Verifier

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from usermemory.judge.second_look import SecondLook


logger = logging.getLogger("usermemory")

Strategy = Literal["patch", "overwrite"]

RULES_LEARN = (
    "no language model is in use: only plain first-person statements in English are learned. "
    "Name one with model=… or USERMEMORY_MODEL (such as anthropic:claude-haiku-4-5 or "
    "openai:gpt-5-mini; pip install 'usermemory[anthropic]' or 'usermemory[openai]')"
)
"""Said wherever the offline extractor stands in for a model that nobody has chosen."""


def extractor_for(model: Any, strategy: Strategy) -> Callable[[], Extractor]:
    """Check the choice now, build it on first use.

    Args:
        model: What ``init_chat_model`` takes, a chat model, an `Extractor`, ``"offline"``, or None
            for ``USERMEMORY_MODEL`` (at ``USERMEMORY_BASE_URL``, if that is set) and else the
            offline extractor, which is said in the log.
        strategy: ``patch`` or ``overwrite``.

    Returns:
        A function that gives the extractor, the same one each time.

    Raises:
        ModelUnavailable: The package or the key of this model is missing.
        ConfigurationError: This is no model, or no strategy.
    """
    if strategy not in {"patch", "overwrite"}:
        raise ConfigurationError(f"strategy {strategy!r}: use 'patch' or 'overwrite'")
    if model is None:
        model = os.environ.get("USERMEMORY_MODEL") or None
        if model is None:
            logger.warning(RULES_LEARN)
        elif base_url := os.environ.get("USERMEMORY_BASE_URL"):
            from usermemory.extract.models import chat_model

            model = model if model == "offline" else chat_model(model, base_url)
    if model is None or model == "offline":
        return _offline
    if isinstance(model, Extractor):
        return lambda: model
    from usermemory.extract.models import check_model

    check_model(model)
    return cache(lambda: _asking(model, strategy))


def _asking(model: Any, strategy: Strategy) -> Extractor:
    if strategy == "overwrite":
        from usermemory.extract.language_model import OverwriteExtractor

        return OverwriteExtractor(model)
    from usermemory.extract.language_model import LanguageModelExtractor

    return LanguageModelExtractor(model)


@cache
def _offline() -> Extractor:
    from usermemory.extras.rules.extractor import OfflineExtractor

    return OfflineExtractor()


def verifier_for(
    verify: Any, strategy: Strategy, evidence: str, extractor: Callable[[], Extractor]
) -> Verifier:
    """Who takes the second look, from what ``UserMemory(verify=…)`` was given.

    Args:
        verify: ``"auto"``, ``"always"``, ``"off"``, or a model (its name or a chat model) that
            takes the second look wherever ``"auto"`` would.
        strategy: With ``overwrite`` nothing is quoted, and so nothing is looked at.
        evidence: The same with ``off``.
        extractor: Gives the extractor; where that asks a chat model, the same model looks.

    Raises:
        ModelUnavailable: The package or the key of that model is missing.
        ConfigurationError: It is neither a setting nor a model.
    """
    if strategy == "overwrite" or evidence == "off":
        return Verifier("off")
    if verify in ("auto", "always", "off"):
        return Verifier(verify, cache(lambda: _look(extractor())), lambda: _is_small(extractor()))
    from usermemory.extract.models import check_model

    if not isinstance(verify, str) and not callable(getattr(verify, "invoke", None)):
        raise ConfigurationError(f"verify={verify!r}: use 'auto', 'always', 'off' or a model")
    check_model(verify)
    look = cache(lambda: _asking_again(verify))
    return Verifier("auto", look, lambda: _is_small(extractor()))


def _look(extractor: Extractor) -> SecondLook | None:
    model = getattr(extractor, "model", None)
    if model is None or not callable(getattr(model, "invoke", None)):
        return None
    return _asking_again(model, getattr(extractor, "manner", None))


def _asking_again(model: Any, manner: Any = None) -> SecondLook:
    from usermemory.judge.second_look import SecondLook

    return SecondLook(model, manner)


def _is_small(extractor: Extractor) -> bool:
    from usermemory.extract.models import is_small

    return is_small(getattr(extractor, "model", None))


OFFLINE = "offline"

_BY_KEY = {
    "ANTHROPIC_API_KEY": "anthropic:claude-haiku-4-5",
    "OPENAI_API_KEY": "openai:gpt-5-mini",
    "GOOGLE_API_KEY": "google_genai:gemini-2.5-flash",
    "MISTRAL_API_KEY": "mistralai:mistral-small-latest",
}
"""The small model of each provider: what remembering needs, at its price."""

NO_MODEL = (
    "No language model is in use: the replies come from rules, and only plain statements in "
    "English are learned. To use one, set a key (ANTHROPIC_API_KEY, OPENAI_API_KEY, …) and install "
    "its package (pip install 'usermemory[anthropic]'), start Ollama, or name one with "
    "USERMEMORY_MODEL; USERMEMORY_BASE_URL is for a server of yours (llama-server, vLLM)."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that was checked and not yet asked.

    Attributes:
        model: What `UserMemory` takes: a name, a chat model, or ``"offline"``.
        name: How people call it.
        notice: What the user should know about the choice; empty if they made it themselves.
    """

    model: str | BaseChatModel
    name: str
    notice: str = ""

    def bot(self) -> BaseChatModel:
        """The chat model that talks."""
        if self.model == OFFLINE:
            from usermemory.extras.rules.chat_model import OfflineChatModel

            return OfflineChatModel()
        return chat_model(self.model)


def choose(model: str | None = None, base_url: str | None = None, *, look: bool = False) -> Choice:
    """The model that was asked for, else that of the environment, else none.

    Args:
        model: ``provider:name``, or ``"offline"``; None for ``USERMEMORY_MODEL``, else the small
            model of the provider whose key is set.
        base_url: A server that speaks OpenAI's protocol; ``model`` is then the name it knows.
            None for ``USERMEMORY_BASE_URL``.
        look: Without a key, ask whether Ollama runs here.

    Raises:
        ModelUnavailable: The model that was asked for lacks its package or key.
        ConfigurationError: A server without the name of a model.
    """
    model = model or os.environ.get("USERMEMORY_MODEL")
    base_url = base_url or os.environ.get("USERMEMORY_BASE_URL")
    if base_url:
        return _served(model, base_url)
    if model == OFFLINE:
        return Choice(OFFLINE, OFFLINE, NO_MODEL)
    if model:
        check_model(model)
        return Choice(model, model)
    return _by_key(look=look)


def choose_reader(model: str | None, base_url: str | None) -> Choice:
    """As `choose`, for commands that read people's messages: no model is no silent default.

    What the offline rules don't understand would be marked as read, and never be learned.

    Raises:
        ConfigurationError: No model was named, and no key tells which.
    """
    chosen = choose(model, base_url)
    if chosen.model == OFFLINE and model != OFFLINE:
        raise ConfigurationError(
            "no language model is named: pass --model provider:name or set a key; or say --model "
            "offline, which learns plain statements in English and forgets about the rest"
        )
    return chosen


def _by_key(*, look: bool) -> Choice:
    missing = ""
    for key, model in _BY_KEY.items():
        if not os.environ.get(key):
            continue
        try:
            check_model(model)
        except ModelUnavailable as error:
            missing += f" {key} is set, but {error}."
        else:
            return Choice(
                model, model, f"{model}, since {key} is set; USERMEMORY_MODEL names another."
            )
    found = _by_ollama() if look else ""
    if isinstance(found, Choice):
        return found
    return Choice(OFFLINE, OFFLINE, NO_MODEL + missing + found)


def _by_ollama() -> Choice | str:
    """A model of an Ollama that runs here, else what to do to use it; empty if none runs."""
    from usermemory.extract import models as running

    names = running.models()
    if names is None:
        return ""
    runs = f"Ollama runs at {running.address()}"
    if not names:
        return f" {runs}, but has no model to talk with: ollama pull qwen3:4b."
    model = f"ollama:{names[0]}"
    try:
        check_model(model)
    except ModelUnavailable as error:
        return f" {runs} with {names[0]}, but {error}."
    return Choice(model, model, f"{model}, since {runs}; USERMEMORY_MODEL names another.")


def _served(model: str | None, base_url: str) -> Choice:
    if not model or model == OFFLINE:
        raise ConfigurationError(
            "a server of your own (--base-url, USERMEMORY_BASE_URL) needs the name of a model that "
            "it serves: --model or USERMEMORY_MODEL"
        )
    name = model.removeprefix("openai:")
    return Choice(chat_model(name, base_url), f"{name} at {base_url}")
