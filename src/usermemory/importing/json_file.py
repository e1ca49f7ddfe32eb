"""A file of JSON or JSON Lines that another program left: read whole, or refused in a sentence."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from usermemory.errors import InvalidInput
from usermemory.importing.fitting import LeftOut
from usermemory.messages import is_list, is_mapping

LARGEST = 512 * 2**20
"""Bytes that are read, some ten times as many in memory."""

_DEEPEST = 100
_SHOWN = 200
_SURROGATE = re.compile(r"\\u[dD][89abAB]")

NO_JSON = "the line is no JSON"
TOO_DEEP = f"it is nested more than {_DEEPEST} deep"


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds.

    Attributes:
        name: What to call it in errors.
        value: Its JSON; of JSON Lines the list of their values.
        unreadable: Lines that are no JSON.
    """

    name: str
    value: Any
    unreadable: tuple[LeftOut, ...] = ()


def read_json(source: str | os.PathLike[str] | BinaryIO) -> Document:
    """Read JSON or JSON Lines, in UTF-8, or in UTF-16 with its mark. NaN is read as null.

    Args:
        source: A path, or something open to read bytes from.

    Raises:
        InvalidInput: It cannot be read, is empty, too large, no text, no JSON, or too deep.
    """
    name, data = _bytes(source)
    if len(data) > LARGEST:
        raise InvalidInput(f"{name} has more than {LARGEST >> 20} MiB: split it, by users say")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{name} is no text: byte {error.start} is no {error.encoding.upper()}; JSON in UTF-8 "
            "is read"
        ) from None
    if not text.strip():
        raise InvalidInput(f"{name} is empty")
    return _document(name, text)


def _bytes(source: str | os.PathLike[str] | BinaryIO) -> tuple[str, bytes]:
    if not isinstance(source, str | os.PathLike):
        return "standard input", source.read(LARGEST + 1)
    name = os.fspath(source)
    try:
        with Path(name).expanduser().open("rb") as file:
            return name, file.read(LARGEST + 1)
    except FileNotFoundError:
        raise InvalidInput(f"there is no file {name}") from None
    except IsADirectoryError:
        raise InvalidInput(f"{name} is a folder; name the file in it") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInput(f"{name!r} cannot be read: {reason}") from None


def _document(name: str, text: str) -> Document:
    try:
        value = _loaded(text)
    except RecursionError:
        raise InvalidInput(f"{name} cannot be read: {TOO_DEEP}") from None
    except ValueError as error:
        return _lines(name, text, error)
    return Document(name, value)


def _lines(name: str, text: str, whole: ValueError) -> Document:
    """JSON Lines, if the first line is JSON by itself; a bad line keeps no good one out."""
    # Not splitlines(): a text may hold the characters at which that splits, too.
    lines = [(at, line) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    values: list[Any] = []
    unreadable: list[LeftOut] = []
    for at, line in lines:
        try:
            values.append(_loaded(line))
        except (ValueError, RecursionError) as error:
            if not values:
                raise InvalidInput(f"{name} is not JSON: {whole}") from None
            reason = NO_JSON if isinstance(error, ValueError) else TOO_DEEP
            unreadable.append(LeftOut("", f"line {at}: {line.strip()[:_SHOWN]}", reason))
    return Document(name, values, tuple(unreadable))


def _loaded(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deep.
    """
    value = json.loads(text, parse_constant=_nothing)
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if is_mapping(outer) else outer if is_list(outer) else ())
            if is_mapping(inner) or is_list(inner)
        ]
        if not level:
            return _paired(value) if _SURROGATE.search(text) else value
    raise RecursionError


def _nothing(_constant: str) -> None:
    """NaN and Infinity, which are no JSON: programs write them where they have no number."""


def _paired(value: Any) -> Any:
    """The value with a mark in place of half characters, which no database takes."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if is_list(value):
        return [_paired(inner) for inner in value]
    if is_mapping(value):
        return {_paired(name): _paired(inner) for name, inner in value.items()}
    return value
