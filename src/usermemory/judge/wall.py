"""What code can know to be wrong about a proposed change, in any language, and what it doubts.

Refused here: a quote that is not in one unread message by this user, words that are somebody else's
by their author, a whole text of the bot's that the user repeats, hidden characters and the
structure of prompts, fields that only a hand may change, words older than what is known. Whether
words *mean* a thing is never asked here. All of it is linear in the length of the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from usermemory.judge.changes import Judgement
from usermemory.judge.passages import cleaned, disguised, hidden_in, in_structure, is_blank, is_json
from usermemory.judge.quotes import Heard, OwnSpan, clause, find_quote, said
from usermemory.judge.second_look import doubted, unsaid
from usermemory.records import Change, Evidence, Message
from usermemory.render import INTRODUCTION
from usermemory.text import Text, folded_words

if TYPE_CHECKING:
    from usermemory.batch import Batch

# Words in a row that somebody else had said: nobody answers so, they are repeated.
_ECHO = 12

# Words of a message that is a short answer: it says little without the question before it.
_LONGEST_ANSWER = 6

_LONGEST_SIGN = 16  # characters
_LONGEST_QUESTION = 300  # characters


def judge(batch: Batch, changes: Iterable[Change], *, evidence: bool = True) -> list[Judgement]:
    """Judge proposed changes by what was said.

    Args:
        batch: What was said, and what is known.
        changes: What an extractor, a tool or a program proposes.
        evidence: Whether each needs a quote of the user's.

    Returns:
        One judgement for each change, in order: refused, or with its evidence and doubts. Whether
        it fits the field and the profile is seen when it is made (`usermemory.judge.changes`).
    """
    hearing = Hearing(batch)
    found = [_judged(hearing, change, evidence=evidence) for change in changes]
    return doubted(hearing, found)


class Hearing:
    """A batch as it is looked into: each text is read once, however many changes there are.

    Args:
        batch: What was said.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.context = said(batch.context)
        self.unread = said(batch.messages)
        self.thread = [*self.context, *self.unread]
        self.by_user = [one for one in self.unread if one.by_user]
        self.by_others = [one for one in self.thread if not one.by_user]
        self.found: dict[str, OwnSpan | None] = {}

    @cached_property
    def own(self) -> frozenset[str]:
        """All that the user says in their own words, the pairs of unspaced letters too."""
        mine = [one for one in self.thread if one.by_user]
        return frozenset[str]().union(*(one.own_words | one.pairs for one in mine))

    @cached_property
    def foreign(self) -> frozenset[str]:
        """All that others say, and what stands in the user's messages as somebody else's."""
        mine = [one.foreign_words for one in self.thread if one.by_user]
        theirs = [one.text.vocabulary | one.pairs for one in self.by_others]
        return frozenset[str]().union(*mine, *theirs)

    def find(self, quote: str) -> OwnSpan | None:
        """Where the user said it."""
        if quote not in self.found:
            self.found[quote] = find_quote(quote, self.by_user)
        return self.found[quote]

    def before(self, one: Heard) -> Sequence[Heard]:
        """What was said before this message, oldest first."""
        return self.thread[: next(n for n, other in enumerate(self.thread) if other is one)]

    def question(self, one: Heard) -> Heard | None:
        """What the assistant said right before a message of the user's."""
        before = self.before(one)
        return before[-1] if before and before[-1].message.author == "assistant" else None


def _judged(hearing: Hearing, change: Change, *, evidence: bool) -> Judgement:
    if not is_json([change.value, change.key]):
        plain = cleaned(replace(change, value=None, key=None))
        return Judgement(plain).refuse("wrong_type", "the value is no JSON value")
    judgement = _allowed(hearing.batch, Judgement(cleaned(change)), change)
    if judgement.refused is not None:
        return judgement
    found = hearing.find(judgement.change.quote)
    if found is None and not evidence:
        return _timely(hearing, judgement, None)
    if found is None:
        return _without_quote(hearing, judgement)
    judgement = _spoken(hearing, judgement, found)
    return _timely(hearing, judgement, found) if judgement.refused is None else judgement


def _spoken(hearing: Hearing, judgement: Judgement, found: OwnSpan) -> Judgement:
    """The judgement with its evidence; refused where the words are not simply the user's."""
    if why := _only_repeated(hearing, found):
        return judgement.refuse("not_the_users_words", why)
    if why := _hidden(judgement.change, found):
        return judgement.refuse("disguised", why)
    return _rests_on(hearing, judgement, found)


def _hidden(change: Change, found: OwnSpan) -> str:
    """Why the words are more than they show; empty if they are not.

    What stands there to be seen is learned, whatever is hidden beside it.
    """
    text = found.said.text.plain
    hides = hidden_in(text[slice(*clause(found))])
    if hides and unsaid(change, found.said.text.vocabulary):
        return "the words hold hidden characters"
    if in_structure(text, found.start, found.end):
        return "the words stand in the structure of a prompt or a log"
    return ""


def _allowed(batch: Batch, judgement: Judgement, proposed: Change) -> Judgement:
    """Refused where no words of anybody could make the change."""
    change = judgement.change
    field = batch.schema.fields.get(change.field)
    if field is None:
        return judgement.refuse("unknown_field", f"known are {', '.join(batch.schema.fields)}")
    if why := disguised(proposed):
        return judgement.refuse("disguised", why)
    if change.action not in ("remove", "clear") and is_blank(change.value):
        return judgement.refuse("no_value", "nothing stands in the value")
    part = field.keys.get(change.key) if change.key and field.kind == "object" else None
    if field.settings.protect or (part is not None and part.settings.protect):
        return judgement.refuse("protected", "only an edit by hand changes it")
    return judgement


def _without_quote(hearing: Hearing, judgement: Judgement) -> Judgement:
    quote = judgement.change.quote
    if not quote.strip() or (not folded_words(quote) and quote.isascii()):
        return judgement.refuse("no_quote", "the quote is missing")
    others = [*hearing.by_others, *(one for one in hearing.context if one.by_user)]
    if find_quote(quote, others) is not None:
        return judgement.refuse("not_the_users_words", "the quote is no unread word of the user's")
    return judgement.refuse(
        "quote_not_found", "these words stand in no single unread message by the user"
    )


def _only_repeated(hearing: Hearing, found: OwnSpan) -> str:
    """Why the words are the bot's, though the user wrote them; empty if they are not."""
    plain = found.said.text.plain
    begun = plain.find(INTRODUCTION)
    if 0 <= begun <= found.start:
        return "the user repeats the profile that the bot was given"
    start, end = clause(found)
    words = folded_words(plain[start:end])
    if len(words) < _ECHO:
        return ""
    earlier = [one for one in hearing.before(found.said) if not one.by_user]
    if any(one.text.holds(words) for one in earlier):
        return "the user only repeats these words"
    return ""


def _rests_on(hearing: Hearing, judgement: Judgement, found: OwnSpan) -> Judgement:
    """The judgement with the user's own words, widened to their clause."""
    start, end = clause(found)
    part = found.said.part_at(found.start)
    asked = hearing.question(found.said) if is_short_answer(found.said.text) else None
    question = "" if asked is None else last_question(asked.text.plain)
    span = found.said.text.plain[start:end]
    thread = hearing.batch.thread_id
    evidence = Evidence(span, thread, part.id, part.seq, part.at, question=question)
    return replace(judgement, evidence=(evidence,), answers=asked is not None)


def is_short_answer(text: Text) -> bool:
    """Whether a message is so short that it may mean nothing by itself."""
    if not text.words:
        return 0 < len(text.plain.strip()) <= _LONGEST_SIGN  # 👍
    return len(text.words) <= _LONGEST_ANSWER


def last_question(text: str) -> str:
    """The end of what the assistant said: what a short answer answers, at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    asked = lines[-1] if lines else ""
    if len(asked) <= _LONGEST_QUESTION:
        return asked
    return "…" + asked[-_LONGEST_QUESTION + 1 :]


# Seconds that the clocks of two hosts may be apart.
_ASKEW = 60.0


def _timely(hearing: Hearing, judgement: Judgement, found: OwnSpan | None) -> Judgement:
    """Refused where what is known was said or edited later than these words."""
    batch, change = hearing.batch, judgement.change
    message = None if found is None else found.said.part_at(found.start)
    # What is still to come was written by a host whose clock ran ahead: it proves nothing.
    learned, edited = (
        at if at is not None and at <= batch.now + _ASKEW else None
        for at in (batch.learned.get(change.field), batch.edited.get(change.field))
    )
    scalar = batch.schema.fields[change.field].kind == "scalar"
    said_at = None if message is None else message.at
    if scalar and said_at is not None and learned is not None and said_at < learned:
        return judgement.refuse("outdated", "what is known was said later")
    if edited is None:
        return judgement
    heard = [message] if message else [m for m in batch.messages if m.author == "user"]
    if max(map(_received, heard), default=0.0) <= edited:
        return judgement.refuse("edited_by_hand", "the quote is older than the edit")
    return judgement


def _received(message: Message) -> float:
    """When the memory took it in, which no caller can date forward; else when it was said."""
    return message.received if message.received is not None else message.at or 0.0
