"""Docstrings for the site: their indented blocks become fenced ones, which are highlighted."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

# A line at the margin, an empty one, then the block: within a section such as Args nothing is.
_INDENTED = re.compile(r"^(\S[^\n]*)\n\n((?:[ ]{4}[^\n]*\n?|\n)+)", re.MULTILINE)


class IndentedBlocks(Extension):
    """A line, with ``::`` behind it or not, and what is indented below it."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite one docstring; called by griffe for every module, class and function."""
        if obj.docstring:
            obj.docstring.value = _INDENTED.sub(_fenced, obj.docstring.value)


def _fenced(found: re.Match[str]) -> str:
    code = dedent(found[2]).strip("\n")
    language = "text" if "──" in code else "python"
    intro = "" if found[1] == "::" else found[1].replace("::", ":")
    return f"{intro}\n\n```{language}\n{code}\n```\n\n"
