"""A gate that opens for what sounds like something worth remembering."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any, Literal

from usermemory.errors import ConfigurationError
from usermemory.gate import encoder
from usermemory.gate.policy import By, Gate, as_written, texts_by
from usermemory.records import Message

_Kind = Literal["worth", "small_talk"]

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


class Resembles(Gate):
    """Opens when a sentence is nearer to an example worth remembering than to any small talk.

    Nearness is the cosine of two sentences' embeddings, and only the nearest example counts: there
    is no threshold, since what is right may score 0.1 and what is wrong 0.8. Sentences are looked
    at one by one, because a fact behind a question would vanish in the whole message. The model is
    loaded when the first thread is due, never in the chat's way.

    Args:
        worth: Examples of what is worth remembering; default the ready ones, in eight languages.
        small_talk: Examples of what is not; default the ready ones. Give about as many of one kind
            as of the other.
        by: Whose messages count.

    Raises:
        ConfigurationError: The extra ``usermemory[resembles]`` is not installed, or the examples
            are none, blank or a single string.
    """

    def __init__(
        self,
        worth: Sequence[str] | None = None,
        small_talk: Sequence[str] | None = None,
        *,
        by: By = "user",
    ) -> None:
        encoder.require()
        self._worth = _examples("worth", worth)
        self._small_talk = _examples("small_talk", small_talk)
        self._given = {"worth": worth, "small_talk": small_talk}
        self._by: By = by

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether one of the sentences resembles something worth remembering."""
        return any(self._resembles(text) for text in texts_by(batch, self._by))

    def _resembles(self, text: str) -> bool:
        sentences = [part for part in _SENTENCE_END.split(text) if part.strip()]
        if not sentences:
            return False
        nearest = (encoder.encode(sentences) @ self._vectors.T).argmax(axis=1)
        return bool((nearest < len(self._worth)).any())

    @cached_property
    def _vectors(self) -> Any:
        """The examples, worth remembering first."""
        return encoder.encode([*self._worth, *self._small_talk])

    def __repr__(self) -> str:
        return as_written("Resembles", by=self._by, **self._given)


def _examples(kind: _Kind, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return _ready(kind)
    if isinstance(given, str) or not given or not all(example.strip() for example in given):
        raise ConfigurationError(
            f"Resembles({kind}={given!r}): give a list of examples, none of them blank"
        )
    return tuple(given)


@cache
def _ready(kind: _Kind) -> tuple[str, ...]:
    import tomllib
    from importlib.resources import files

    languages = tomllib.loads(files("usermemory.gate").joinpath("examples.toml").read_text("utf-8"))
    return tuple(example for language in languages.values() for example in language[kind])
