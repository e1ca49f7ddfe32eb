"""Docstrings for the site: their literal blocks become fenced ones, which are highlighted."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

_LITERAL = re.compile(r"^([^\n]*)::\n\n((?:[ ]{4}[^\n]*\n?|\n)+)", re.MULTILINE)


class LiteralBlocks(Extension):
    """``text::`` and what is indented below it."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite one docstring; called by griffe for every module, class and function."""
        if obj.docstring:
            obj.docstring.value = _LITERAL.sub(_fenced, obj.docstring.value)


def _fenced(found: re.Match[str]) -> str:
    intro, code = found[1], dedent(found[2]).strip("\n")
    language = "text" if "──" in code else "python"
    lead = f"{intro}:\n\n" if intro.strip() else ""
    return f"{lead}```{language}\n{code}\n```\n\n"
