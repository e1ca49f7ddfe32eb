"""Words in the user's message that are not the user's own.

Quoted lines, fences, tags, the profile itself, forwarded mail, what stands between dividers, chat
logs, and quotations that speak of an "I" or a "you": somebody else said these, and the user passes
them on. A title in quotation marks is the user's.
"""

from __future__ import annotations

import re

from usermemory.checks.languages import known
from usermemory.checks.words import folded

_BLOCKS = re.compile(
    r"^[ \t]*>.*$"  # a quoted line
    r"|^[ \t]*(?:user|assistant|system|human|ai|bot|tool|claude|chatgpt)[ \t]*:.*$"  # a chat
    r"|^[ \t]*\[?\d{1,2}:\d{2}[^\n]{0,40}?:.*$"  # a chat with times
    r"|(?s:```.*?(?:```|\Z)|\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|<!--.*?(?:-->|\Z))"
    r"|(?s:<(?P<tag>[a-z_]\w*)\b[^<>\n]*>.*?</(?P=tag)\s*>)"  # a document in tags
    r"|(?s:^[ \t]*(?:from|von|de)[ \t]*:[^\n]*\n[ \t]*"  # a mail, until a line of dashes
    r"(?:to|subject|date|sent|cc|an|betreff|datum|objet|para|asunto)[ \t]*:.*?(?:^-{3,}|\Z))"
    # The profile as the bot is given it: below its first line, or as a list with its name.
    r"|^what is known about this user from other conversations.*(?:\n(?:[ ]{2})?[-(<].*)*"
    r"|(?:^- \w+: .*\n)*^- \w+(?: \(the newest \d+ of \d+\))?:\n(?:[ ]{2}- .*(?:\n|\Z))+"
    r"(?:- \w+: .*(?:\n|\Z))*"
    r"|(?s:^(?P<rule>[=*~#_-])(?P=rule){2,}[^\n]*$.*?^(?P=rule){3,}[^\n]*$)",  # between dividers
    re.IGNORECASE | re.MULTILINE,
)
_QUOTATION = re.compile(
    r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»"
    r"|(?<!\w)['‘](?=\w)(?:[^'‘’\n]|(?<=\w)['’](?=\w))*['’](?!\w)"  # an apostrophe ends nothing
)
_SHORTEST_QUOTATION = 4


def without_pasted(text: str) -> str:
    """The text with everything pasted blanked out, every other character where it was."""
    return _QUOTATION.sub(_unless_title, _BLOCKS.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    # Line ends, so that what stands around is no longer one sentence.
    return "\n" * len(found.group())


def _unless_title(found: re.Match[str]) -> str:
    said = set(folded(found.group()))
    speaks = any(
        said & (language.first | language.possessive | language.second) for language in known()
    )
    return _blank(found) if speaks and len(said) >= _SHORTEST_QUOTATION else found.group()
