"""Which extractor finds the changes: what ``UserMemory(model=…, strategy=…)`` means."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from usermemory.errors import ConfigurationError
from usermemory.extract import Extractor
from usermemory.judge.verify import Verifier

if TYPE_CHECKING:
    from usermemory.judge.second_look import SecondLook

logger = logging.getLogger("usermemory")

Strategy = Literal["patch", "overwrite"]

NO_MODEL = (
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
            logger.warning(NO_MODEL)
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
