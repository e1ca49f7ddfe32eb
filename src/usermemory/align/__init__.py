"""Which of the passed messages are new.

A caller may pass the whole thread each turn, only what is new, or a trimmed window; with ids that
last, with fresh ones each time, or with none. What a thread was given before is known by its
newest marks. There are two ways to recognise a message:

* *By id*, wherever it stands, if any recent message of the call has a known id.
* *By place*: the call is laid over the marks from the end. The newest marked message must be found
  with those before it before it; all that follows it is new.

People say "yes" many times, so no message is recognised by its text alone. Absence means nothing:
the marks may hold what the call leaves out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from usermemory.align.passed import WINDOW, Mark, Passed, window
from usermemory.align.place import FRONT, newest_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from usermemory.records import Message

__all__ = ["WINDOW", "Alignment", "Mark", "Passed", "align", "ids_to_ask", "window"]

_RECENT = 32  # ids count if one of so many newest messages has a known one
_RUN = 16  # before so many known messages in a row, all is old


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
    ids = _known_ids(marks, known)
    unknown = (m.id for m, _ in _walk(passed, marks, ids) if m.id and m.id not in ids)
    return list(itertools.islice((key for key in unknown if key not in known), _RECENT))


def align(passed: Passed, marks: Sequence[Mark], known: Mapping[str, str | None]) -> Alignment:
    """Tell new, edited and known messages apart, at a cost that grows with what is new.

    Args:
        passed: The call's messages.
        marks: The thread's newest marks, as many as `window` says, or all there are; newest last.
        known: What was looked up for `ids_to_ask`.

    Returns:
        The new and the edited messages.
    """
    ids = _known_ids(marks, known)
    walk = _without_front(list(_walk(passed, marks, ids)), passed)
    if not any(old for _, old in walk):
        newest = itertools.islice(passed, newest_known(passed, marks, ids))
        return Alignment(new=tuple(newest)[::-1])
    # Ids can be trusted: among the newest messages an unknown one is new, and says nothing about
    # the place of those that have none.
    placed = Passed((m for m, _ in walk if m.id is None or m.id in ids), passed.digest)
    placed.window = passed.window
    without_id = newest_known(placed, marks, ids) or 0
    new: list[Message] = []
    for message, old in walk:
        if message.id is None and not old:
            without_id -= 1
        if not old and (message.id is not None or without_id >= 0):
            new.append(message)
    edited = [m for m, _ in walk if m.id in ids and ids[m.id] != passed.digest(m)]
    reused = _reused([m for m, _ in walk], edited, passed, marks, ids)
    return Alignment(tuple(new[::-1]), tuple(edited[::-1]), reused, ids)


def _without_front(walk: list[tuple[Message, bool]], passed: Passed) -> list[tuple[Message, bool]]:
    """Without the few messages in front of all known ones: a summary or a greeting is not new."""
    known = [at for at, (_, old) in enumerate(walk) if old]
    behind = len(walk) - (known[-1] + 1 if known else 0)
    whole = next(passed.since(len(walk)), None) is None
    return walk[: known[-1] + 1] if known and whole and 0 < behind <= FRONT else walk


def _reused(
    walk: Sequence[Message],
    edited: Sequence[Message],
    passed: Passed,
    marks: Sequence[Mark],
    ids: Mapping[str | None, str],
) -> frozenset[str]:
    """Ids of edited messages of which no neighbour stands where it stood."""
    places = {mark.id: at for at, mark in enumerate(marks) if mark.id is not None}
    changed = {message.id for message in edited}
    found: set[str] = set()
    for at, message in enumerate(walk):
        place = places.get(message.id or "")
        if message.id is None or message.id not in changed or place is None:
            continue
        newer, older = walk[at - 1] if at else None, walk[at + 1] if at + 1 < len(walk) else None
        beside = [
            (newer, marks[place + 1] if place + 1 < len(marks) else None),
            (older, marks[place - 1] if place else None),
        ]
        if any(m and mark and passed.digest(m) == mark.digest for m, mark in beside):
            continue
        # The first message, alone as it was or with a new answer behind it, is edited.
        alone = newer is None and len(marks) == 1
        answered = newer is not None and newer.id not in ids
        if older is not None or place or not (alone or answered):
            found.add(message.id)
    return frozenset(found)


def _known_ids(marks: Sequence[Mark], known: Mapping[str, str | None]) -> Mapping[str | None, str]:
    looked_up: dict[str | None, str] = {
        key: found for key, found in known.items() if found is not None
    }
    return looked_up | {mark.id: mark.digest for mark in marks if mark.id is not None}


def _walk(
    passed: Passed, marks: Sequence[Mark], ids: Mapping[str | None, str]
) -> Iterator[tuple[Message, bool]]:
    """The newest messages and whether they are known, as far back as there may be a new one.

    Those after the newest known id count as unknown here.
    """
    places = {mark.id: at for at, mark in enumerate(marks) if mark.id is not None}
    place: int | None = None  # where the last message that was recognised stands in the marks
    run = 0
    for count, message in enumerate(passed):
        if run == _RUN or (count == _RECENT and place is None):
            return
        known = message.id in ids
        if known:
            place = places.get(message.id or "", 0)
        elif place is not None:
            # A history under fresh ids, its last turn already stored: the rest is found by place.
            earlier = itertools.islice(passed.since(count + 1), _RUN)
            floor = next((places[m.id] for m in earlier if m.id in places), -1)
            between = reversed(range(floor + 1, place))
            digest = passed.digest(message)
            found = next((at for at in between if marks[at].digest == digest), None)
            place = place if found is None else found
            known = found is not None or message.id is None
        run = run + 1 if known else 0
        yield message, known
