"""Secrets that are known by the word before them.

"My password is hunter2" has one, "my password is wrong" has none: what follows the word has to
look like a secret, or stand where the sentence ends and be nothing that people say of a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

Span = tuple[str, int, int]

_KINDS = {
    "password": "password",
    "password_sign": "password",
    "password_joined": "password",
    "maybe_password": "password",
    "one_time": "one-time code",
    "key": "API key",
    "pin": "PIN",
    "pin_code": "PIN",
    "card_code": "security code",
    "account": "bank account number",
    "person": "social security number",
    "phrase": "recovery phrase",
}
_MARKS = r"[\"'`*“”„«]{0,3}"
_VALUE = r"(?P<quote>[\"'`“„«])?(?P<secret>(?(quote)[^\"'`”“»\n]{1,200}|[^\s\"`“”]{1,200}))"
_PLAIN_VALUE = r"(?P<quote>[\"'`“„«「])?(?P<secret>[!-~]{4,200})"
_FALLS = ".,;:!?)]}>\"'`“”»*"
_ENDS = re.compile(
    r"\s*(?:$|[.,;:!?)\]}>\"'`”“»*\n—–]|\s-\s|(?:and|but|und|aber|y|et|mais|pero)\b)"
)
_TELLING = re.compile(r"\d|[@#$%^&*+=|~_\\]|[^\W\d_][!?]\w|[a-zà-ÿ][A-Z]")
_HOLDER = re.compile(r"^[<\[{$%*•.]|^removed\]|^x+$|^\.+$", re.IGNORECASE)
_NUMBERS = {
    "one_time": r"(?:[A-Z]-)?\d{3}[ -]?\d{1,5}(?!\w|[-./]\d)",
    "pin": r"\d{4}(?:\d{2})?(?!\w|[-./]\d)",
    "pin_code": r"\d{4}(?!\w)",  # of six digits it is an Indian address
    "card_code": r"\d{3,4}(?!\w)",
    "account": r"\d(?:[ \-]?\d){5,17}(?!\w)",
    "person": r"\d{3}[- ]?\d{2}[- ]?\d{4}(?!\w)",
}


class _Words(NamedTuple):
    """What is looked for: the beginnings of all labels, a pattern for each kind, what is none."""

    beginnings: frozenset[str]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    mine: re.Pattern[str]
    use: re.Pattern[str]
    ordinary: frozenset[str]


def find(text: str, plain: str) -> Iterator[Span]:
    """Labelled secrets in a text; ``plain`` is the text in lower case."""
    words = _words()
    if not any(beginning in plain for beginning in words.beginnings):
        return
    for name, pattern in words.patterns:
        judge = _JUDGES.get(name)
        for found in pattern.finditer(text):
            span = found.span("secret") if judge is None else judge(found, words)
            if span is not None:
                yield _KINDS[name], *span
    for found in (*words.mine.finditer(text), *words.use.finditer(text)):
        if _TELLING.search(found["secret"]):
            yield "password", *found.span("secret")


def _password(found: re.Match[str], words: _Words) -> tuple[int, int] | None:
    start = found.start("secret")
    said = found["secret"].rstrip(_FALLS)
    if len(said) < 4 or _HOLDER.search(said) or said.lower() in words.ordinary:
        return None
    bare = start + len(said)
    if found["quote"] or _TELLING.search(said):
        # A full stop belongs to the sentence, an exclamation mark to many passwords.
        return start, start + len(found["secret"].rstrip(".,;:)]}>\"'`“”»"))
    if found["to"] or not said.isalpha() or not _ENDS.match(found.string, bare):
        return None
    return start, bare


def _key(found: re.Match[str], _: _Words) -> tuple[int, int] | None:
    said = found["secret"].rstrip(_FALLS)
    if len(said) < 12 or _HOLDER.search(said) or not re.search(r"\d", said):
        return None
    return found.start("secret"), found.start("secret") + len(said)


def _phrase(found: re.Match[str], words: _Words) -> tuple[int, int] | None:
    """A phrase is several words: all up to the end of the line."""
    line = re.compile(r"[^\n\"“”»]*").match(found.string, found.start("secret"))
    said = line.group().rstrip() if line else ""
    if len(said.split()) < 3 and not _TELLING.search(said):
        return None
    if found["verb"] and said.split()[0].lower() in words.ordinary:
        return None
    return found.start("secret"), found.start("secret") + len(said)


def _telling_password(found: re.Match[str], words: _Words) -> tuple[int, int] | None:
    """What follows a word that often means something else has to look like a secret."""
    return _password(found, words) if _TELLING.search(found["secret"]) else None


_JUDGES: dict[str, Callable[[re.Match[str], _Words], tuple[int, int] | None]] = {
    "password": _password,
    "password_sign": _password,
    "password_joined": _password,
    "maybe_password": _telling_password,
    "key": _key,
    "phrase": _phrase,
}


@cache
def _words() -> _Words:
    import tomllib
    from importlib.resources import files

    raw = tomllib.loads((files("usermemory.screen") / "labels.toml").read_text("utf-8"))
    about, verbs, to = (_any(raw[name]) for name in ("about", "verbs", "to"))
    between = rf"(?:\s+(?:{about})\s+(?:\S+\s+){{0,3}}?\S+?)?"
    signs = rf"{_MARKS}\s*(?::=|=>|->|[:=→：])\s*{_MARKS}"
    joins = rf"(?:{signs}|\s+(?P<verb>{verbs})\s*:?\s+|\s+(?P<to>{to})\s+)"
    first = {one.split("_")[0] for name in _KINDS for one in raw[name].split()}
    return _Words(
        frozenset(one for one in first if not any(other in one for other in first - {one})),
        tuple((name, _pattern(name, _any(raw[name]), between, joins)) for name in _KINDS),
        re.compile(
            rf"(?<!\S){_MARKS}(?P<secret>\S{{4,100}}?){_MARKS}\s+(?:is|ist|es|est)\s+(?:{_any(raw['mine'])})"
            rf"\s+(?:\w+\s+){{0,2}}?(?:{_any(raw['password'])})(?!\w)",
            re.IGNORECASE,
        ),
        re.compile(
            rf"(?<!\w)(?:{_any(raw['use'])})\s+{_MARKS}(?P<secret>\S{{4,100}}?){_MARKS}\s+"
            rf"(?:{_any(raw['as'])})\s+(?:\w+\s+){{0,4}}?"
            rf"(?:{_any(raw['password'])}|{_any(raw['password_sign'])})(?!\w)",
            re.IGNORECASE,
        ),
        frozenset(raw["ordinary"].split()),
    )


def _pattern(name: str, labels: str, between: str, joins: str) -> re.Pattern[str]:
    begin = rf"(?<![^\W\d_])(?:{labels})(?![^\W_])"
    if name in _NUMBERS:
        joins = rf"(?:\W{{1,3}}|{joins})"
        return re.compile(rf"{begin}{joins}(?P<secret>{_NUMBERS[name]})", re.IGNORECASE)
    if name == "password_joined":  # scripts without spaces: the label is a part of the sentence
        joins = rf"(?:\s*(?:{_any('是 为 為 は 는 은')})?\s*[:=：]?\s*)"
        return re.compile(f"(?:{labels}){joins}(?P<to>)(?P<verb>)?{_PLAIN_VALUE}", re.IGNORECASE)
    if name == "key":
        joins = rf"(?:{joins}|\s+)"
    return re.compile(f"{begin}{between}{joins}{_VALUE}", re.IGNORECASE)


def _any(words: str) -> str:
    """The words as alternatives, longest first; ``_`` is any space, dash or nothing."""
    ordered = sorted(words.split(), key=len, reverse=True)
    return "|".join(re.escape(word).replace("_", r"[\s_\-]{0,2}") for word in ordered)
