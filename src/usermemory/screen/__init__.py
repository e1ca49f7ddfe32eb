"""Secrets and numbers that nobody wants remembered, found before anything is stored.

`screened` is called once for each new message, in the chat's way: a text without a digit and
without a word that announces a secret costs a few microseconds. What is found is what can be told
from ordinary text with hardly a mistake: keys by how they begin, card and account numbers by their
check digits, passwords and codes by the word before them. A bare password in the middle of a
sentence looks like any other word and stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Literal, NamedTuple

__all__ = ["Secret", "SecretPolicy", "find", "screened"]

SecretPolicy = Literal["mask", "refuse", "keep"]
"""``mask`` the secret, ``refuse`` the whole message, or ``keep`` it as it is."""


class Secret(NamedTuple):
    """Something found: its kind in words, and where it stands in the text."""

    kind: str
    start: int
    end: int


def screened(text: str, policy: SecretPolicy) -> str | None:
    """The text as it may be stored.

    Args:
        text: What was said.
        policy: What to do about secrets in it.

    Returns:
        The text, each secret replaced by what it was, such as ``[card number removed]``;
        None where the message is not to be stored.
    """
    if policy == "keep" or not (found := find(text)):
        return text
    if policy == "refuse":
        return None
    kept: list[str] = []
    end = 0
    for secret in found:
        kept += text[end : secret.start], f"[{secret.kind} removed]"
        end = secret.end
    return "".join([*kept, text[end:]])


def find(text: str) -> list[Secret]:
    """The secrets in a text, in order; none lies within another."""
    from usermemory.screen import keys, labels, numbers

    plain = text.lower()
    every = chain(keys.find(text, plain), numbers.find(text, plain), labels.find(text, plain))
    return list(_apart(sorted((Secret(*one) for one in every), key=lambda one: (one[1], -one[2]))))


def _apart(found: list[Secret]) -> Iterator[Secret]:
    end = 0
    for secret in found:
        if secret.end > end:
            yield secret._replace(start=max(secret.start, end))
            end = secret.end
