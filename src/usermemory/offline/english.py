"""What the extractor knows of English, read from ``english.toml`` when it is first needed."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINE_BREAK = re.compile(r"(?:\A|\n)\s*")
_PART = re.compile(r"<([A-Z]+)>")


@functools.cache
def words(name: str) -> frozenset[str]:
    """One of the word lists, in lower case."""
    return frozenset(_data()["words"][name].split())


@functools.cache
def activities() -> Mapping[str, str]:
    """Verbs of leisure, and the interests they make."""
    return dict(_data()["activities"])


@functools.cache
def numbers() -> Mapping[str, int]:
    """The words for small numbers and for tens."""
    return dict(_data()["numbers"])


@functools.cache
def rules() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """By kind of statement the patterns of it, in the order they are tried."""
    return {
        kind: tuple(re.compile(_filled(pattern), re.IGNORECASE) for pattern in patterns)
        for kind, patterns in _data()["rules"].items()
    }


def statements(clause: str) -> Iterator[tuple[str, str]]:
    """What a clause states: the kinds of statement it is, each with the part that matters."""
    for kind, patterns in rules().items():
        if found := next(filter(None, (pattern.match(clause) for pattern in patterns)), None):
            yield kind, (found.groupdict().get("value") or "").strip()


def _filled(pattern: str) -> str:
    flat = _LINE_BREAK.sub("", pattern)
    parts = _data()["parts"]
    return _PART.sub(lambda found: _filled(parts[found[1]]), flat)


@functools.cache
def _data() -> Mapping[str, Any]:
    text = (
        resources.files("usermemory.offline").joinpath("english.toml").read_text(encoding="utf-8")
    )
    return tomllib.loads(text)
