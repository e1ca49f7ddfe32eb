"""What a user states of themselves in plain English: its clauses, and the rules that read them."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from usermemory.records import Message

GREETING = re.compile(r"\W*(?:hi|hello|hey|good (?:morning|evening|afternoon))\b", re.IGNORECASE)
_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_FOREIGN = re.compile(r"```.*?(?:```|\Z)|^ *>[^\n]*|\"[^\"]*(?:\"|\Z)", re.DOTALL | re.MULTILINE)
_MASK = "\0"
_LONGEST_SENTENCE = 600
"""Characters; what is longer is no plain statement, and no rule has to be fast on it."""

_END_OF_SENTENCE = re.compile(r"(?<![.!?…])[.!?…]++(?=\s|$)|[\n;]|:(?=\s|$)")
_NOT_MEANT = re.compile(
    r"\b(?:if|unless|imagine|pretend|as though|wish|maybe|perhaps|might|said|says|told|asked|wrote|"
    r"song|character|translate|lol|haha+|kidding|joking|ignore|forget|as an ai|"
    r"in (?:the|this|my|a) (?:story|game|novel|dream|book|film))\b|\bnot\W*\Z",
    re.IGNORECASE,
)
_JOKING = re.compile(
    r"\W*(?:(?:ha)+|lol|no)?\W*(?:i'?m )?(?:just )?(?:kidding|joking)", re.IGNORECASE
)
_SPLIT = re.compile(
    r",? (?:and|but|so|because|while)(?: in my \w+ time,?| please remember(?: that)?)? "
    r"(?=(?:i|my|we)\b)"
    r"|, (?=(?:i|my|we|but|so|because|although|though|which)\b)| [\u2013\u2014-]+ |[()]",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"\s*(?:(?:hi|hello|hey|there|well|oh|ok|okay|so|and|but|also|actually|yes|no|sorry|btw|"
    r"please|remember(?: that)?|you know(?: what)?|in my (?:free|spare) time|because|thanks|now)"
    r"\b[\s,!.]*){1,8}",
    re.IGNORECASE,
)

_NO_NAME_ENDS = ("ing", "ed", "ful", "less", "ous", "ive", "able", "ish", "ese", "ian", "ican")
_NAME_FORM = re.compile(r"[^\W\d_][\w'.-]*(?: [A-ZÀ-Þ][\w'.-]*){0,2}\Z")
_ITEMS = re.compile(r",? and |, ?| or ")
_ITEM_END = re.compile(
    r" (?:a lot|so|too|very|much|more|now|again|these|at|in|on|with|because|when|since|after|for|"
    r"every|but|last|this|today|instead|myself)\b.*"
)

_DATA: dict[str, dict[str, Any]] = tomllib.loads(
    (files("usermemory.extras.rules") / "english.toml").read_text("utf-8")
)
_WORDS: dict[str, list[str]] = {name: text.split() for name, text in _DATA["words"].items()}
_NO_NAMES, _NO_ITEMS = frozenset(_WORDS["no_names"]), frozenset(_WORDS["no_items"])
_NUMBERS = {word: at for at, word in enumerate(_WORDS["numbers"])} | {
    word: 10 * at for at, word in enumerate(_WORDS["tens"], 3)
}


def _filled(pattern: str) -> str:
    flat = re.sub(r"(?:\A|\n)\s*", "", pattern)
    return re.sub(r"<([A-Z]+)>", lambda found: _filled(_DATA["parts"][found[1]]), flat)


_RULES = {
    kind: [re.compile(_filled(pattern), re.IGNORECASE) for pattern in patterns]
    for kind, patterns in _DATA["rules"].items()
}


class Clause(NamedTuple):
    """One statement: as the rules read it, and the user's own span, verbatim."""

    text: str
    quote: str


def sincere(messages: Sequence[Message], skip: int = 0) -> Iterator[Message]:
    """The user's messages, without those that are taken back as a joke by the user's next words.

    Args:
        messages: Of all authors, oldest first.
        skip: How many at the front are context only.
    """
    own = [message for message in messages[skip:] if message.author == "user"]
    for message, following in zip_longest(own, own[1:]):
        if not (following and _JOKING.match(following.text.translate(_PLAIN))):
            yield message


def clauses(text: str) -> Iterator[Clause]:
    """The statements of one message, in order."""
    plain = _FOREIGN.sub(lambda found: _MASK * len(found[0]), text.translate(_PLAIN))
    for start, end in _sentences(plain):
        sentence = plain[start:end]
        if len(sentence) > _LONGEST_SENTENCE or _MASK in sentence or _NOT_MEANT.search(sentence):
            continue
        begin = 0
        cuts = [found.span() for found in _SPLIT.finditer(sentence)]
        for cut, following in [*cuts, (len(sentence), 0)]:
            opener = _OPENER.match(sentence, begin, cut)
            front = opener.end() if opener else begin
            if own := sentence[front:cut].strip(" ,\t"):
                at = start + sentence.index(own, front)
                yield Clause(own, text[at : at + len(own)])
            begin = following


def _sentences(plain: str) -> Iterator[tuple[int, int]]:
    """Where each sentence stands; questions, and all that follows a colon, are left out."""
    start = 0
    for found in _END_OF_SENTENCE.finditer(plain):
        if found[0] == ":":
            return  # "Here is what he wrote: …", "Translate this: …": the rest is not the user's
        if "?" not in found[0]:
            yield start, found.start()
        start = found.end()
    yield start, len(plain)


def rules_that_match(clause: str) -> Iterator[tuple[str, str]]:
    """What a clause states: the kinds of statement it is, each with the part that matters."""
    for kind, patterns in _RULES.items():
        if found := next(filter(None, (pattern.match(clause) for pattern in patterns)), None):
            yield kind, (found.groupdict().get("value") or "").strip()


def person_name(text: str, *, sure: bool) -> str | None:
    """The name in a text that may be one, or None.

    Args:
        text: What stands after "I'm" or "my name is".
        sure: Whether the words around it leave no doubt, so that lower case is good enough.
    """
    if not _NAME_FORM.match(text) or (text[0].islower() and not sure):
        return None
    first = text.split(maxsplit=1)[0].lower().rstrip(".")
    if first in _NO_NAMES or first.endswith(_NO_NAME_ENDS):
        return None
    return text.title() if text.islower() else text.rstrip(".")


def number_of(text: str) -> int | None:
    """``32`` or ``thirty-two`` as a number."""
    if text.isdecimal():
        return int(text)
    values = [_NUMBERS.get(word) for word in re.split("[ -]", text.lower())]
    match values:
        case [int(value)]:
            return value
        case [int(tens), int(units)] if tens % 10 == 0 < tens and 0 < units < 10:
            return tens + units
        case _:
            return None


def liked_items(text: str) -> list[str]:
    """The things that somebody likes: ``hiking, jazz and chess`` is three."""
    items = [_ITEM_END.sub("", part.strip()).strip(" .") for part in _ITEMS.split(text)]
    return [item for item in items if 0 < len(item.split()) < 5 and _is_liked(item)]


def _is_liked(item: str) -> bool:
    return len(item) > 1 and item.split(maxsplit=1)[0].lower() not in _NO_ITEMS


def stems(text: str) -> frozenset[str]:
    """The words of a text, folded so that ``climbing`` meets ``climb``."""
    return frozenset(_stem(word) for word in re.findall(r"\w+", text.casefold()))


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending)
            return stem[:-1] if ending == "ing" and stem[-1] == stem[-2] else stem
    return word
