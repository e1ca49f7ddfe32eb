"""Which messages of a thread are new: what is passed against what the inbox has."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any, NamedTuple

from usermemory.text import clean, folded_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from usermemory.records import Message

__all__ = [
    "WINDOW",
    "Alignment",
    "Mark",
    "Passed",
    "align",
    "ids_to_ask",
    "is_edit_of",
    "stored_id",
    "window",
]

WINDOW = 64
"""How many of a thread's newest marks are compared with a call."""

CONTEXT = 8
"""So many messages in order prove a place."""

FRONT = 3
"""So many messages with ids of their own, in front of all that are known by theirs, are nothing
new: a summary, a greeting. More may be what was said before the memory was in use."""

_SHORT_WINDOW = 24  # of fewer messages than a context only the thread's end can be proven
_NEWEST_LOOKED_AT = 32  # ids count if one of so many newest messages has a known one
_KNOWN_IN_A_ROW = 16  # before so many known messages in a row, all is old
_BYTES_OF_ONE = 24  # of a known message are no chance: in bytes, since one Han letter says as much
_BYTES_IN_A_ROW = 10  # of several known ones in a row, a user's sentence among them, are none
_BYTES_OF_A_SENTENCE = 8
_COMMON_WORD = 4
_FEWEST_AT_BEGINNING = 3  # fewer do, where the call and the marks begin with them


_ID_BYTES = 512
"""A row of an index holds a message's id beside those of its user and its thread."""
_ID_DIGEST = 16


def stored_id(text: str) -> str:
    """A message's id as it is stored: `clean`, and of a long one its beginning and a digest.

    What it makes of an id it leaves as it is.
    """
    whole = clean(text).encode()
    if len(whole) <= _ID_BYTES:
        return whole.decode()
    start = whole[: _ID_BYTES - 2 * _ID_DIGEST - 1].decode(errors="ignore")
    return f"{start}~{blake2b(whole, digest_size=_ID_DIGEST).hexdigest()}"


class Mark(NamedTuple):
    """What is kept of a message that a thread was given: enough to know it again."""

    id: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """What a call brought.

    Attributes:
        new: Messages not known yet, oldest first.
        edited: Messages known by id whose text is another now, oldest first.
        reused: Those of them that stand beside other messages than before: an edit, or another
            message under an id that was used again. Their old text tells.
        before: The digest of the old text, by id.
    """

    new: tuple[Message, ...] = ()
    edited: tuple[Message, ...] = ()
    reused: frozenset[str] = frozenset()
    before: Mapping[str | None, str] = field(default_factory=dict[Any, str], compare=False)


def is_edit_of(old: str, new: str) -> bool:
    """Whether one text may be the other, edited: they share a word of some length, or most."""
    before, after = (set(folded_words(text)) for text in (old, new))
    shared = before & after
    return any(len(word) > _COMMON_WORD for word in shared) or 2 * len(shared) > len(before | after)


def window(newest_first: Iterable[Message]) -> int:
    """How many of the thread's newest marks a call is compared with.

    Args:
        newest_first: The call's messages; what says how many those are at most saves work.
    """
    return WINDOW if length_hint(newest_first, CONTEXT) >= CONTEXT else _SHORT_WINDOW


class Passed:
    """The messages of one call from its end, read and hashed only as far as somebody looks.

    Args:
        newest_first: The messages, newest first. Of several with one id the newest has it; another
            text under it is a message without an id.
        digest: Gives a message's digest.
    """

    def __init__(self, newest_first: Iterable[Message], digest: Callable[[Message], str]) -> None:
        self.window = window(newest_first)
        self._unread = iter(newest_first)
        self._read: list[Message] = []
        self._texts: dict[str, tuple[str, str]] = {}
        self._digest = digest
        self._digests: dict[int, tuple[Message, str]] = {}
        self._compared: tuple[int, _Comparison] | None = None

    def __iter__(self) -> Iterator[Message]:
        return self.since(0)

    def since(self, index: int) -> Iterator[Message]:
        """The messages from this one on, towards older ones."""
        while index < len(self._read) or self._read_one():
            yield self._read[index]
            index += 1

    def holds(self, digest: str) -> bool:
        """Whether one of the messages that were looked at has this digest."""
        return any(self.digest(message) == digest for message in self._read)

    def digest(self, message: Message) -> str:
        """The digest of one of the messages, computed once."""
        # By its identity: to hash a message takes longer than its digest.
        known = self._digests.get(id(message))
        if known is None:
            known = self._digests[id(message)] = message, self._digest(message)
        return known[1]

    def beside(self, marks: Sequence[Mark], known: Mapping[str, str | None]) -> _Comparison:
        """The messages beside the marks of their thread, compared anew when more is known."""
        if self._compared is None or self._compared[0] != len(known):
            self._compared = len(known), _Comparison(self, marks, known)
        return self._compared[1]

    def _read_one(self) -> bool:
        for message in self._unread:
            said = message.author, message.text
            if message.id is not None and self._texts.setdefault(message.id, said) is not said:
                if self._texts[message.id] == said:
                    continue
                message = replace(message, id=None)  # noqa: PLW2901
            self._read.append(message)
            return True
        return False


def ids_to_ask(passed: Passed, marks: Sequence[Mark], known: Mapping[str, str | None]) -> list[str]:
    """Ids that the marks say nothing about: look them up, and ask here again until none is left.

    Args:
        passed: The call's messages.
        marks: The thread's newest marks, as many as `window` says, or all there are; newest last.
        known: What was looked up so far: digest by id, None for an id that was never seen.

    Returns:
        At most 32 ids, usually one or two; none when `align` can be called.
    """
    if not marks:
        return []
    compared = passed.beside(marks, known)
    unknown = (m.id for m, _ in compared.walk() if m.id and m.id not in compared.ids)
    return list(islice((key for key in unknown if key not in known), _NEWEST_LOOKED_AT))


def align(passed: Passed, marks: Sequence[Mark], known: Mapping[str, str | None]) -> Alignment:
    """Tell new, edited and known messages apart, at a cost that grows with what is new.

    Args:
        passed: The call's messages.
        marks: The thread's newest marks, as many as `window` says, or all there are; newest last.
        known: What was looked up for `ids_to_ask`.

    Returns:
        The new and the edited messages.
    """
    compared = passed.beside(marks, known)
    walk = _without_front(list(compared.walk()), passed, compared.ids)
    if not any(old for _, old in walk):
        newest = islice(passed, compared.newest_known())
        return Alignment(new=tuple(newest)[::-1])
    # Ids can be trusted: among the newest messages an unknown one is new, and says nothing about
    # the place of those that have none.
    ids = compared.ids
    without_id = 0
    if any(m.id is None for m, _ in walk):
        placed = Passed((m for m, _ in walk if m.id is None or m.id in ids), passed.digest)
        placed.window = passed.window
        without_id = _Comparison(placed, marks, known).newest_known() or 0
    new: list[Message] = []
    for message, old in walk:
        if message.id is None and not old:
            without_id -= 1
        if not old and (message.id is not None or without_id >= 0):
            new.append(message)
    edited = [m for m, _ in walk if m.id in ids and ids[m.id] != passed.digest(m)]
    reused = compared.reused([m for m, _ in walk], {m.id for m in edited})
    return Alignment(tuple(new[::-1]), tuple(edited[::-1]), reused, ids)


def _without_front(
    walk: list[tuple[Message, bool]], passed: Passed, ids: Mapping[str | None, str]
) -> list[tuple[Message, bool]]:
    """Without what stands in front of all known messages: summaries and greetings are not new.

    Under fresh ids, as a graph without a checkpointer gives them, that may be any number.
    """
    known = [at for at, (_, old) in enumerate(walk) if old]
    behind = len(walk) - (known[-1] + 1 if known else 0)
    if not known or not behind or next(passed.since(len(walk)), None) is not None:
        return walk
    by_place = walk[known[-1]][0].id not in ids
    return walk[: known[-1] + 1] if by_place or behind <= FRONT else walk


class _Comparison:
    """The messages of a call beside the marks of a thread.

    Attributes:
        ids: The digest of every message that is known by its id.
    """

    def __init__(
        self, passed: Passed, marks: Sequence[Mark], known: Mapping[str, str | None]
    ) -> None:
        self._passed = passed
        self._marks = marks
        self._places = {mark.id: at for at, mark in enumerate(marks) if mark.id is not None}
        self.ids: dict[str | None, str] = {
            key: found for key, found in known.items() if found is not None
        }
        self.ids |= {mark.id: mark.digest for mark in marks if mark.id is not None}
        self._walked: list[tuple[Message, bool]] = []
        self._walking = self._walk()

    def walk(self) -> Iterator[tuple[Message, bool]]:
        """The newest messages and whether they are known, as far back as there may be a new one.

        Those after the newest known id count as unknown here.
        """
        yield from self._walked
        for step in self._walking:
            self._walked.append(step)
            yield step

    def _walk(self) -> Iterator[tuple[Message, bool]]:
        place: int | None = None  # where the last message that was recognised stands in the marks
        run = 0
        for count, message in enumerate(self._passed):
            if run == _KNOWN_IN_A_ROW or (count == _NEWEST_LOOKED_AT and place is None):
                return
            known = message.id in self.ids
            if known:
                place = self._places.get(message.id or "", 0)
            elif place is not None:
                # A history under fresh ids, its last turn already stored: the rest by its place.
                earlier = islice(self._passed.since(count + 1), _KNOWN_IN_A_ROW)
                floor = next((self._places[m.id] for m in earlier if m.id in self._places), -1)
                between = reversed(range(floor + 1, place))
                digest = self._passed.digest(message)
                found = next((at for at in between if self._marks[at].digest == digest), None)
                place = place if found is None else found
                known = found is not None or message.id is None
            run = run + 1 if known else 0
            yield message, known

    def reused(self, walk: Sequence[Message], edited: set[str | None]) -> frozenset[str]:
        """Ids of edited messages of which no neighbour stands where it stood."""
        found: set[str] = set()
        for at, message in enumerate(walk):
            place = self._places.get(message.id or "")
            if message.id is None or message.id not in edited or place is None:
                continue
            newer = walk[at - 1] if at else None
            older = walk[at + 1] if at + 1 < len(walk) else None
            if self._stands_at(newer, place + 1) or self._stands_at(older, place - 1):
                continue
            # The first message, alone as it was or with a new answer behind it, is edited.
            alone = newer is None and len(self._marks) == 1
            answered = newer is not None and newer.id not in self.ids
            if older is not None or place or not (alone or answered):
                found.add(message.id)
        return frozenset(found)

    def _stands_at(self, message: Message | None, place: int) -> bool:
        there = 0 <= place < len(self._marks) and self._marks[place]
        return bool(message and there and self._passed.digest(message) == there.digest)

    def newest_known(self) -> int | None:
        """Index, from the end, of the newest message that the marks know; None if of none.

        The newest mark is looked for first. It may be absent (an answer that was thrown away):
        then an older one will do, but only with strong proof.
        """
        older: int | None = None
        for index, message in enumerate(self._passed):
            if message.id in self.ids:
                return index if older is None else older
            if older is not None and index > older + len(self._marks):
                break
            digest = self._passed.digest(message)
            for place in reversed(range(len(self._marks))):
                if self._marks[place].digest == digest and self._lies_over(index, place):
                    if place == len(self._marks) - 1:
                        return index
                    older = index if older is None else older
        return older

    def _lies_over(self, index: int, place: int) -> bool:
        """Whether the call, from this message back, lies over the marks, from this place back."""
        first = place
        context = list(islice(self._passed.since(index), CONTEXT))
        for matched, message in enumerate(context):
            if message.id in self.ids:
                # A known id leaves no doubt: it stands in the marks before, or before all of them.
                places = [at for at, mark in enumerate(self._marks) if mark.id == message.id]
                return not places or places[0] <= place
            digest = self._passed.digest(message)
            while place >= 0 and self._marks[place].digest != digest:
                place -= 1
            if place < 0:
                return self._in_front(index, matched, first)
            place -= 1
        beyond = islice(self._passed.since(index), first + 1, None)
        if len(self._marks) < self._passed.window and any(beyond):
            # These are all marks there are: the same words over and over, and then more.
            return self._in_front(index, first + 1, first)
        newest = first == len(self._marks) - 1
        begins = len(context) < CONTEXT and place < 0
        if len(context) >= _FEWEST_AT_BEGINNING:
            return newest or begins or len(context) == CONTEXT
        # A word or two right after themselves: a redelivery, unless they have ids of their own and
        # do not stand at the beginning of a longer call.
        own_ids = all(message.id is not None for message in context)
        return newest and (not own_ids or (begins and index > 0))

    def _in_front(self, index: int, count: int, first: int) -> bool:
        """Whether what is unknown only stands in front of so many known messages.

        So do summaries, greetings and examples, however many there are, if the known ones are the
        thread's last: too much to be said again by chance, with the user's own words among it. An
        answer may be given again, to another question; and the same words as the newest known ones
        may have been said again behind them.
        """
        if first != len(self._marks) - 1:
            return False
        known = list(islice(self._passed.since(index), count))
        rest = list(islice(self._passed.since(index + count), WINDOW))
        if any(self._passed.digest(message) == self._marks[first].digest for message in rest):
            return False
        sizes = [len(message.text.encode("utf-8", "replace")) for message in known]
        sentences = [
            one for one, size in zip(known, sizes, strict=True) if size >= _BYTES_OF_A_SENTENCE
        ]
        own = any(one.author == "user" for one in sentences)
        answered = bool(rest) and rest[0].author == "user"
        fewest = _BYTES_OF_ONE if count == 1 else _BYTES_IN_A_ROW
        enough = count == len(self._marks) or sum(sizes) >= fewest
        return enough and bool(sentences) and (own or not answered)
