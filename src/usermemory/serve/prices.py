"""What models cost, as the owner says: no provider's prices are known here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from usermemory.errors import ConfigurationError
from usermemory.records import Usage

_MILLION = 1_000_000
_RELEASE = re.compile(r"[-@](?:\d{3,4}|\d{8}|\d{4}-\d{2}-\d{2}|latest)")
"""What providers add to the name that was asked for."""


class Prices:
    """The price of each model.

    Args:
        given: For a million tokens in, and out, by the model's name as *Operations* lists it. It
            holds for dated releases too (``gpt-5-mini`` for ``gpt-5-mini-2025-08-07``).

    Raises:
        ConfigurationError: A price is no pair of numbers, or below zero.
    """

    def __init__(self, given: Mapping[str, tuple[float, float]]) -> None:
        for name, pair in given.items():
            if not _is_pair(pair):
                raise ConfigurationError(
                    f"prices: {pair!r} is no price of {name!r}; write what a million tokens in and "
                    "out cost, as (0.25, 2.0)"
                )
        self._given = dict(given)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._given)

    def of(self, model: str, usage: Usage) -> float | None:
        """What this cost, cached tokens at the full price; None for a model without a price."""
        plain = [name for name in self._given if _RELEASE.fullmatch(model.removeprefix(name))]
        named = model if model in self._given else next(iter(plain), None)
        if named is None:
            return None
        asked, answered = self._given[named]
        return (usage.input_tokens * asked + usage.output_tokens * answered) / _MILLION


def read_prices(texts: list[str]) -> dict[str, tuple[float, float]]:
    """Prices as a command takes them: ``MODEL=IN/OUT``.

    Raises:
        ConfigurationError: One is written otherwise.
    """
    return dict(map(_read, texts))


def _read(text: str) -> tuple[str, tuple[float, float]]:
    name, _, pair = text.rpartition("=")
    asked, _, answered = pair.partition("/")
    try:
        found = float(asked), float(answered)
    except ValueError:
        found = None
    if not name or found is None:
        raise ConfigurationError(
            f"{text!r} is no price; write what a million tokens in and out cost, as "
            "gpt-5-mini=0.25/2"
        )
    return name, found


def _is_pair(pair: Any) -> bool:
    try:
        asked, answered = pair
    except (TypeError, ValueError):
        return False
    return all(isinstance(one, int | float) and 0 <= one < math.inf for one in (asked, answered))


def money(amount: float | None) -> str:
    """An amount in the currency of the prices; empty for none."""
    if amount is None:
        return ""
    return f"{amount:,.2f}" if amount >= 1 or amount == 0 else f"{amount:.4f}"
