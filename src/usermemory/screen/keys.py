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


# In the query of an address, or a form: who asks is told by the name before the value.
_QUERY = re.compile(
    r"(?<=[?&;])(?:x-amz-signature|api[_-]?key|apikey|key|token|access[_-]?token|auth[_-]?token|auth"
    r"|id[_-]?token|refresh[_-]?token|client[_-]?secret|secret|sig|signature|password|passwd|pwd|pass)"
    r"=(?P<secret>(?=[^&\s#]{0,80}[\d%_])[^&\s#\"'<>)\]]{8,500})",
    re.IGNORECASE,
)
_CURL = re.compile(r"(?:^|\s)(?:-u|--user)[ =]['\"]?[^\s:'\"]{1,80}:(?P<secret>[^\s'\"]{3,200})")


def find(text: str, plain: str) -> Iterator[Span]:
    """Keys in a text; ``plain`` is the text in lower case."""
    for kind, pattern in {form for begins, form in _formats() if begins in plain}:
        yield from ((kind, found.start(), found.end()) for found in pattern.finditer(text))
    if "=" in plain:
        yield from (("API key", *found.span("secret")) for found in _QUERY.finditer(text))
    if "curl" in plain:
        yield from (("password", *found.span("secret")) for found in _CURL.finditer(text))
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
