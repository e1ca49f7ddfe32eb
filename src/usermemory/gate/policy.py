"""What every gate can do, and how gates are composed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from reprlib import repr as shortened
from typing import Literal, ParamSpec

from usermemory.errors import ConfigurationError
from usermemory.records import Message

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
        except Exception as error:
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
