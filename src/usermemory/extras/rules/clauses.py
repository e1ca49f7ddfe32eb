"""English sentences as clauses of the first person, for the rules that stand in for a model."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from usermemory.records import Message

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
        resources.files("usermemory.extras.rules")
        .joinpath("english.toml")
        .read_text(encoding="utf-8")
    )
    return tomllib.loads(text)


_I = re.IGNORECASE
_LIST = re.compile(r",? and |, ?| & | as well as | or ")
_ITEM_END = re.compile(
    r" (?:a lot|a bit|a great deal|so|too|very|much|more|most|now|lately|again|these|at|in|on|"
    r"with|because|when|while|since|after|before|every|for|as|to|but|though|although|even|"
    r"especially|right|who|that|which|is|are|was|from|about|until|together|recently|last|this|today|tonight|"
    r"instead|anyway|than|myself|already|there|here|once|twice|all|by|though|whenever)\b.*",
    _I,
)
_ITEM_FRONT = re.compile(
    r"(?:playing|doing|going|practi[sc]ing|listening to) (?:the )?|to play (?:the )?|the ", _I
)
_NOT_NAMES = ("ing", "ed", "ful", "less", "ous", "ive", "able", "ible", "ish", "ese")
_NAME = re.compile(r"[^\W\d_][\w'\u2019.-]*(?: [A-ZÀ-Þ][\w'\u2019.-]*){0,2}\Z")


def name_of(text: str, *, sure: bool) -> str | None:
    """The name in a text that may be one, or None.

    Args:
        text: What stands after "I'm" or "my name is".
        sure: Whether the words around it leave no doubt, so that lower case is good enough.
    """
    if not _NAME.match(text) or (text[0].islower() and not sure):
        return None
    first = text.split(maxsplit=1)[0].lower().rstrip(".")
    if first in words("not_names") | words("peoples") or first.endswith(_NOT_NAMES):
        return None
    return text.title() if text.islower() else text.rstrip(".")


def number_of(text: str) -> int | None:
    """``32`` or ``thirty-two`` as a number."""
    if text.isdecimal():
        return int(text)
    values = [numbers().get(word) for word in re.split("[ -]", text.lower())]
    match values:
        case [int(value)]:
            return value
        case [int(tens), int(units)] if tens % 10 == 0 < tens and 0 < units < 10:
            return tens + units
        case _:
            return None


def items_of(text: str) -> list[str]:
    """The things that somebody likes: ``hiking, jazz and playing chess`` is three."""
    items = (_item(part) for part in _LIST.split(text))
    return [item for item in items if item]


def _item(text: str) -> str:
    item = _ITEM_END.sub("", _ITEM_FRONT.sub("", text.strip(), count=1)).strip(" .")
    if item.lower().startswith("to "):
        return activities().get(item[3:].lower(), "")
    parts = item.lower().split()
    if not parts or len(parts) > 4 or len(item) < 2 or parts[0] in words("not_liked"):
        return ""
    return item


def stems(text: str) -> frozenset[str]:
    """The words of a text, folded so that ``climbing`` meets ``climb``."""
    return frozenset(_stem(word) for word in re.findall(r"\w+", text.casefold()))


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending)
            return stem[:-1] if ending == "ing" and stem[-1] == stem[-2] else stem
    return word


_PLAIN = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\t": " "}
)
_FOREIGN = re.compile(r"```.*?(?:```|\Z)|^ *>[^\n]*|\"[^\"]*(?:\"|\Z)", re.DOTALL | re.MULTILINE)
_SINGLE_QUOTED = re.compile(r"(?<![\w])'(?=\w)(?:[^'\n]|'(?=\w)){1,300}'(?!\w)")
_MASK = "\0"
_LONGEST = 600
"""Characters; what is longer is no plain statement, and no rule has to be fast on it."""
_SENTENCE_END = re.compile(
    r"(?P<mark>(?<![.!?…])(?<!\bSt)(?<!\b[DM]r)(?<!\bMrs)(?<!\bMs)[.!?…]++(?=\s|$))|[\n;]|:(?=\s|$)"
)
_OWN_LEAD = re.compile(
    r"(?:.*\W)?(?:news|update|fun fact|about me|correction|ps|p\.s|btw)\W*\Z",
    re.IGNORECASE,
)
_NOT_MEANT = re.compile(
    r"\b(?:if|unless|suppose|supposing|imagine|imagining|pretend|let's say|as though|wish|maybe|"
    r"perhaps|possibly|might|someday|one day|said|says|saying|told|tells|asked|wrote|writes|"
    r"claims?|claimed|according|quote|quoting|lyrics?|song goes|character|role-?play|translate|"
    r"repeat|lol|lmao|rofl|ha(?:ha)+|he(?:he)+|jk|kidding|joking|joke|yeah right|ignore|"
    r"forget|as an ai|in (?:the|this|that|my|a) (?:story|game|novel|dream|book|film|movie|play)|"
    r"of my (?:story|novel|book))\b|\bnot\W*\Z|[😂🤣😜]",
    re.IGNORECASE,
)
_JOKING = re.compile(
    r"\W{0,5}(?:(?:ha){1,9}h?|lol|no|nah|sorry)?\W{0,5}(?:(?:i'?m|i am|i was) )?"
    r"(?:(?:just|only|totally) )?(?:kidding|joking|messing with you|"
    r"pulling your leg|jk\b|that was a joke)",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r",? (?:and|but|so|because|while|plus|then)(?: (?:also|now|then))?(?: in my \w+ time,?)?"
    r" (?=(?:i|my|we)\b)"
    r"|, (?=(?:i|my|we|but|so|because|although|though|which)\b)| [\u2013\u2014-]+ |\(|\)"
    r"|,? (?:and|but) (?:now |also |then )?"
    r"(?=(?:live|work|play|love|like|enjoy|hate|have|moved|started|stopped|gave up|study) )",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"\s*(?:(?:hi|hello|hey|hiya|there|well|oh|ah|aw|ok|okay|so|and|but|also|actually|yes|yeah|"
    r"yep|no|nope|nah|sorry|btw|by the way|anyways?|please|remember(?: that)?|"
    r"you know(?: what)?|in my (?:free|spare) time|to be honest|tbh|honestly|hmm+|um+|uh|thanks|"
    r"thank you|cheers|good (?:morning|evening|afternoon)|nice to meet you|these days|lately|"
    r"nowadays|because|plus|wait|i mean|fyi|for the record|in fact|it turns out|turns out|"
    r"as of (?:now|today)|now|again|(?:just )?so you know|too|first of all)"
    r"\b[\s,!.:\u2013\u2014-]*){1,8}",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"i(?:m|ve)?\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"(?:i(?:m|ve)?|my|we)\b", re.IGNORECASE)
_INTRODUCTION = re.compile(
    r"(?P<name>i'?m (?:[\w-]+|(?-i:[A-Z][\w-]+ [A-Z][\w-]+))), (?:and )?(?P<what>an? .+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement of a message.

    Attributes:
        text: With plain apostrophes, without "well, actually", and with the "I" that the writer
            left out ("I live in Paris and work as a cook"): what the rules read.
        quote: The writer's own span, verbatim.
        opener: What was taken off the front.
    """

    text: str
    quote: str
    opener: str = ""


def sincere(messages: Sequence[Message], skip: int = 0) -> Iterator[tuple[Message, str]]:
    """The user's messages, without those that are taken back as a joke by the user's next words.

    Args:
        messages: Of all authors, oldest first.
        skip: How many at the front are context only.

    Returns:
        Each with the text of the assistant's message before it, or the empty string.
    """
    before = ""
    for place, message in enumerate(messages):
        if message.author == "assistant":
            before = message.text
        if message.author != "user" or place < skip:
            continue
        following = next((m.text for m in messages[place + 1 :] if m.author == "user"), "")
        if not _JOKING.match(following.translate(_PLAIN)):
            yield message, before


def clauses(text: str) -> Iterator[Clause]:
    """The statements of one message, in order."""
    plain = text.translate(_PLAIN)
    for foreign in (_FOREIGN, _SINGLE_QUOTED):
        plain = foreign.sub(lambda found: _MASK * len(found[0]), plain)
    for start, end in _sentences(plain):
        sentence = plain[start:end]
        if end - start > _LONGEST:
            continue
        if sentence.strip() and _MASK not in sentence and not _NOT_MEANT.search(sentence):
            yield from _split(sentence, text[start:end])


def _sentences(plain: str) -> Iterator[tuple[int, int]]:
    """Where each statement stands; questions, and all that follows a colon, are left out."""
    start = 0
    for found in _SENTENCE_END.finditer(plain):
        if found[0] == ":" and not _OWN_LEAD.match(
            plain[max(start, found.start() - 40) : found.start()]
        ):
            return  # "Here is what he wrote: …", "Translate this: …": the rest is not the user's
        if "?" not in (found["mark"] or "") and found[0] != ":":
            yield start, found.start()
        start = found.end()
    yield start, len(plain)


def _split(plain: str, original: str) -> Iterator[Clause]:
    about_me = False
    start = 0
    for end, following in [
        *((f.start(), f.end()) for f in _SPLIT.finditer(plain)),
        (len(plain),) * 2,
    ]:
        opener = _OPENER.match(plain, start, end)
        clause = _clause(plain, original, opener.end() if opener else start, end)
        elided = start > 0 and about_me and not _FIRST_PERSON.match(clause.text)
        if elided:
            clause = replace(clause, text=f"I {clause.text}")
        about_me = elided or bool(_SUBJECT.match(clause.text))
        yield from _introduced(clause)
        start = following


def _clause(plain: str, original: str, start: int, end: int) -> Clause:
    while start < end and plain[start].isspace():
        start += 1
    text = plain[start:end].rstrip(" ,")
    return Clause(text, original[start : start + len(text)])


def _introduced(clause: Clause) -> Iterator[Clause]:
    """``I'm Sam, a baker`` is two statements."""
    found = _INTRODUCTION.match(clause.text)
    if not found:
        yield clause
        return
    yield Clause(found["name"], clause.quote[: found.end("name")])
    yield Clause(f"I'm {found['what']}", clause.quote[found.start("what") :])
