"""Keys and tokens that are known by how they begin, and passwords in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

Span = tuple[str, int, int]
"""A kind, a start, an end."""

# In an address only the password is secret: who logs in where is not.
_LOGIN = re.compile(r"://[^\s/:@]{0,100}:(?P<secret>[^\s/@]{1,200})@")


def find(text: str, plain: str) -> Iterator[Span]:
    """Keys in a text; ``plain`` is the text in lower case."""
    for kind, pattern in {form for begins, form in _formats() if begins in plain}:
        yield from ((kind, found.start(), found.end()) for found in pattern.finditer(text))
    if "://" in plain:
        yield from (("password", *found.span("secret")) for found in _LOGIN.finditer(text))


@cache
def _formats() -> tuple[tuple[str, tuple[str, re.Pattern[str]]], ...]:
    """By each beginning the kind of the key, and all of it."""
    import tomllib
    from importlib.resources import files

    raw = tomllib.loads((files("usermemory.screen") / "formats.toml").read_text("utf-8"))
    return tuple((begins, _format(one)) for one in raw["key"] for begins in one["begins"])


def _format(raw: dict[str, Any]) -> tuple[str, re.Pattern[str]]:
    begin = "" if raw.get("anywhere") else r"(?<![\w-])"
    return raw["kind"], re.compile(begin + raw["pattern"])
