"""Changes that were not made: why, in a sentence each, and what of them may be stored: PURE.

A refused change is a model's text, so its words may be anybody's: another person's in the thread, a
tool's, a page's. It is stored for whoever runs the bot, and a user's memory holds no text of
others. So only those words are kept that the user has said, or that nobody else has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from usermemory.messages import is_mapping, is_sequence
from usermemory.messages.secrets import removed_mark, screened
from usermemory.records import Action, Change, Message, Reason, Refused
from usermemory.schema.shape import is_list, is_object
from usermemory.text import Text, folded_words, leaves

Buried = Callable[[str, Any, float | None], bool]
"""Field, value and when the words were received -> whether the value was erased after that."""

IN_WORDS: Mapping[Reason, str] = {
    "no_quote": "no words of the user were given for it",
    "quote_not_found": "the user did not say the words that were given for it",
    "not_the_users_words": "somebody else said it, or the user only repeats what the bot said",
    "disguised": "it holds hidden characters, or the structure of a prompt",
    "no_value": "there is no value in it",
    "duplicate": "it is known already",
    "contradicted": "it takes back another change of the same answer",
    "item_not_there": "there is nothing like it to change or to remove",
    "unknown_field": "the profile has no such field",
    "unfit_action": "the field cannot be changed in this way",
    "wrong_type": "the value does not have the form that the field takes",
    "too_long": "the text is longer than the field allows",
    "list_full": "the list has as many items as it may have",
    "profile_full": "the profile is as long as it may be",
    "invalid_document": "the schema does not take the profile with this change",
    "protected": "only an edit by hand may change this field",
    "edited_by_hand": "the field was edited by hand after these words were said",
    "outdated": "what is known was said later",
    "too_many": "the answer proposed more changes than are read",
    "erased": "the user had it erased, and has not said it since",
    "paused": "nothing may be learned about this user now",
    "not_said": "the user's words do not say it",
    "other_person": "the user speaks of somebody else",
    "opposite": "the user says the opposite",
    "asked_or_supposed": "it is a question, a joke, a story or a supposition",
    "order": "it is an order to the bot, and no fact about the user",
    "unverified": "the second look gave no verdict, twice",
    "doubtful": "there was a doubt, and no second look to settle it",
    "not_about_the_user": "the user speaks of somebody else",
    "not_grounded": "the user's words do not say it",
    "negated": "the user says the opposite, jokes or supposes",
    "item_not_named": "the user does not name what would be removed",
    "not_asked": "the user does not ask to forget anything",
    "instruction": "it is an order to the bot, and no fact about the user",
}
"""What each reason means, for people: command line, chat and pages take it from here."""

MOST_STORED = 50
"""Refused changes of one consolidation or proposal that are stored, and told in the log."""

_LONGEST_VALUE = 1_000
_LONGEST_TEXT = 500
_LONGEST_FIELD = 64
"""Characters. What is longer is left out whole: an erasure would not find a word that was cut."""

_RUN = 3
"""Words in a row by which a text is known as somebody's; a shorter one by all of its words."""

_NOT_THEIRS = frozenset({"no_quote", "quote_not_found", "not_the_users_words"})
_NOT_TO_KEEP = frozenset({"erased", "paused"})


def in_words(refused: Refused) -> str:
    """Why a change was not made, as a part of a sentence."""
    return IN_WORDS.get(refused.reason) or str(refused.reason).replace("_", " ")


def shown_field(refused: Refused) -> str:
    """The field's name as it may be logged and shown; empty for a made-up one that is no name."""
    field = refused.change.field
    made_up = refused.reason == "unknown_field" and not field.isidentifier()
    fit = field.isprintable() and len(field) <= _LONGEST_FIELD and not made_up
    return field if fit else ""


def action_of(refused: Refused) -> str:
    """What would have been done; empty for what a model made up."""
    return refused.change.action if refused.change.action in get_args(Action) else ""


def bare(refused: Refused) -> Refused:
    """Without value, key, quote and detail: which field, and why not."""
    change = replace(refused.change, value=None, key=None, quote="")
    return replace(refused, change=change, detail="")


def readable(refused: Refused) -> Refused:
    """As it may be shown: earlier versions stored words too that the user had not said."""
    return bare(refused) if refused.reason in _NOT_THEIRS | _NOT_TO_KEEP else refused


def storable(
    refused: Sequence[Refused], messages: Iterable[Message], buried: Buried | None = None
) -> tuple[Refused, ...]:
    """Refused changes as they may be stored: at most `MOST_STORED`, without the text of others.

    Secrets are masked, and what the user had erased is left out.

    Args:
        refused: What was proposed and not made.
        messages: What it was proposed from, with what was said right before: whose words are whose.
        buried: Whether a field's value, by words received at a time, is one that the user had
            erased since; None where nothing was.
    """
    voices = _Voices(messages)
    kept = [_storable_one(one, voices, buried) for one in refused[:MOST_STORED]]
    if len(refused) > MOST_STORED:
        more = f"{len(refused) - MOST_STORED} more were refused"
        kept[-1] = replace(kept[-1], detail="; ".join(filter(None, [kept[-1].detail, more])))
    return tuple(kept)


class _Voices:
    """Which words the user has said, and which only others."""

    def __init__(self, messages: Iterable[Message]) -> None:
        said = [(one.author == "user", Text(one.text), one.received) for one in messages]
        self._own = [(text, received) for mine, text, received in said if mine]
        self._others = [text for mine, text, _ in said if not mine]
        self._word_runs: dict[int, tuple[frozenset[str], frozenset[str]]] = {}

    def said(self, quote: str) -> bool:
        """Whether the user said this, in one message."""
        words = folded_words(quote)
        return any(text.holds(words) for text, _ in self._own)

    def received(self, quote: str) -> float | None:
        """When the memory took in these words of the user, else the oldest of theirs."""
        words = folded_words(quote)
        times = [time for text, time in self._own if time is not None and text.holds(words)]
        if times:
            return max(times)
        return min((time for _, time in self._own if time is not None), default=None)

    def has_words_of(self, text: Any) -> bool:
        """Whether every word of it is one that the user has said somewhere."""
        return set(folded_words(str(text))) <= self._of(1)[0]

    def is_of_others(self, text: Any) -> bool:
        """Whether others have said it, or a few words of it in a row, and the user has not."""
        words = folded_words(str(text))
        length = min(_RUN, len(words))
        own, others = self._of(length)
        return any(run in others and run not in own for run in _word_runs(words, length))

    def _of(self, length: int) -> tuple[frozenset[str], frozenset[str]]:
        if length not in self._word_runs:
            own = _every_run((text for text, _ in self._own), length)
            self._word_runs[length] = own, _every_run(self._others, length)
        return self._word_runs[length]


def _every_run(texts: Iterable[Text], length: int) -> frozenset[str]:
    return frozenset(
        run for text in texts for run in _word_runs([word.folded for word in text.words], length)
    )


def _word_runs(words: Sequence[str], length: int) -> Iterator[str]:
    """Each stretch of so many words."""
    if length:
        yield from (" ".join(words[n : n + length]) for n in range(len(words) - length + 1))


def _storable_one(refused: Refused, voices: _Voices, buried: Buried | None) -> Refused:
    reason = refused.reason
    change = _short(refused.change)
    empty = Change(_storable_field(refused, voices), cast("Action", action_of(refused)))
    if reason in _NOT_TO_KEEP or _is_erased(change, voices, buried):
        return Refused(empty, reason)
    said = voices.said(change.quote)
    if reason in _NOT_THEIRS or not _is_theirs(change, reason, voices, said=said):
        told = _detail_without(refused.change, refused.detail, voices) if empty.action else ""
        return Refused(empty, reason, told)
    strange = not empty.action or voices.is_of_others(refused.detail)
    detail = "" if strange else _detail(refused.detail)
    kept = replace(
        empty,
        value=masked(change.value),
        key=masked(change.key),
        quote=masked(change.quote) if said and len(change.quote) <= _LONGEST_TEXT else "",
    )
    return Refused(kept, reason, detail)


def _storable_field(refused: Refused, voices: _Voices) -> str:
    field = shown_field(refused)
    known = refused.reason != "unknown_field" and field.isidentifier()
    return field if known or not voices.is_of_others(field) else ""


def _is_theirs(change: Change, reason: Reason, voices: _Voices, *, said: bool) -> bool:
    """Whether value and key may be kept: the user's own words, or nobody's, such as a number.

    What is known already stands in the profile anyway. Without the user's quote it takes more: all
    of its words have to be the user's.
    """
    parts = list(_words_in(change))
    if not said:
        return all(map(voices.has_words_of, parts))
    return reason == "duplicate" or not any(map(voices.is_of_others, parts))


def _is_erased(change: Change, voices: _Voices, buried: Buried | None) -> bool:
    """Whether the value, or a part of it, is one that the user had erased after these words."""
    if buried is None:
        return False
    received = voices.received(change.quote)
    wanted = (change.value, [change.key, change.value], *_words_in(change))
    return any(buried(change.field, part, received) for part in wanted)


def _detail_without(change: Change, detail: str, voices: _Voices) -> str:
    """The detail, where it tells nothing of what had to go."""
    told = Text(detail)
    strange = {
        word
        for part in _words_in(change)
        for word in folded_words(str(part))
        if not voices.has_words_of(word)
    }
    if told.holds(folded_words(change.quote)) or not strange.isdisjoint(told.vocabulary):
        return ""
    return "" if voices.is_of_others(detail) else _detail(detail)


def _words_in(change: Change) -> Iterator[Any]:
    """The texts and numbers of a value, and those names in it that are no plain ones."""
    yield from leaves(change.value)
    yield from _odd_names(change.value)
    if change.key is not None:
        yield change.key


def _odd_names(value: Any) -> Iterator[str]:
    if is_object(value):
        for name, part in value.items():
            if not str(name).isidentifier():
                yield str(name)
            yield from _odd_names(part)
    elif is_list(value):
        for part in value:
            yield from _odd_names(part)


def _short(change: Change) -> Change:
    """The change without a value that is too long to be kept, or no JSON."""
    try:
        short = len(json.dumps([change.value, change.key], ensure_ascii=False)) <= _LONGEST_VALUE
    except (TypeError, ValueError):
        short = False
    return change if short else replace(change, value=None, key=None)


def _detail(detail: str) -> str:
    return masked(detail) if len(detail) <= _LONGEST_TEXT else ""


def masked(value: Any, known: Mapping[str, str] | None = None) -> Any:
    """A JSON value with the secrets in its texts, names and numbers masked.

    Args:
        value: Any.
        known: Secrets that are known from elsewhere, such as a password by the words before it,
            each with its kind.
    """
    if is_mapping(value):
        return {masked(str(name), known): masked(part, known) for name, part in value.items()}
    if is_sequence(value):
        return [masked(part, known) for part in value]
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    text = str(value).encode("utf-8", "replace").decode()  # in characters that a database takes
    for secret, kind in (known or {}).items():
        # Not inside of another word or number: a code of four digits stands in many.
        by_itself = rf"(?<![0-9A-Za-z]){re.escape(secret)}(?![0-9A-Za-z])"
        text = re.sub(by_itself, removed_mark(kind), text)
    clear = screened(text, "mask") or ""
    return value if clear == str(value) else clear
