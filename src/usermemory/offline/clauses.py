"""From a message to the statements that its writer makes in their own name.

What is quoted, pasted, asked, supposed or joked is left out: an extractor without a model has
no way to tell what is meant by it. Every regex here is linear: no message can stall it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from usermemory.records import Message

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
