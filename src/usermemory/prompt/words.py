"""The words of the prompts: versioned files, so that a revision can name the one it came from."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def words(version: str) -> str:
    """The text of ``prompts/{version}.md``, without its last line break.

    A file is never changed once it was released: a better wording is a new number.
    """
    file = resources.files("usermemory") / "prompts" / f"{version}.md"
    return file.read_text(encoding="utf-8").rstrip("\n")


def fill(template: str, **parts: str) -> str:
    """Put each part in place of its ``{{name}}``, and leave all other braces as they are.

    One pass over the template: what a part holds is never looked at again.
    """
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}}")
        known = bool(closed) and name in parts
        filled.append(parts[name] + rest if known else "{{" + piece)
    return "".join(filled)
