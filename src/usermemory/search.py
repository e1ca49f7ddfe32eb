"""Find what matters to a text, by words and by time, among all that is kept of one user: PURE.

A row is what was learned once (a value with the words it rests on), or one kept message. What
stands around a message in its conversation counts half. Nothing is indexed: a scan over some
megabytes takes less time than keeping an index true after erasures would cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from usermemory.errors import InvalidInput
from usermemory.messages import is_mapping, is_sequence
from usermemory.ranking import weights
from usermemory.records import Applied, Hit, Revision
from usermemory.schema.document import ASIDE
from usermemory.schema.renames import renamed_history
from usermemory.schema.shape import canonical
from usermemory.settings import When, checked_text, checked_time
from usermemory.text import is_nothing, leaves

if TYPE_CHECKING:
    from usermemory.schema import Schema
    from usermemory.store.flows import Profile

_NEIGHBOURS = (0.5, 0.25)
"""What the words of messages one and two steps away count."""

_MOST = 1_000
"""Hits of one search."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All that can be found of a user, column by column: of tens of thousands none is an object.

    Attributes:
        texts: What is looked through.
        times: When each was said or learned.
        groups: The conversation in which each stands beside its neighbours; empty for none.
        sources: The hit as it is returned, or the stored message that it is made of.
    """

    texts: Sequence[str]
    times: Sequence[float | None]
    groups: Sequence[str]
    sources: Sequence[Hit | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Query:
    """What a search asks for.

    Attributes:
        text: Any text; empty for whatever is of the time.
        since: Only what was said or learned from then on; what has no time is then left out.
        until: Only what was said or learned before.
        limit: How many hits at most.
    """

    text: str
    since: float | None = None
    until: float | None = None
    limit: int = 10


def found(rows: Rows, query: Query) -> list[Hit]:
    """The rows that say most about a query, the best first; of equal ones the newest.

    Args:
        rows: All there is; messages in the order of each conversation.
        query: What is asked for.
    """
    scores = weights(rows.texts, query.text, rows.times)
    if query.text.strip():
        scored: Iterable[tuple[int, float]] = _with_neighbours(scores, rows.groups).items()
    else:
        scored = enumerate(scores)
    times = rows.times
    chosen = [
        (-score, -(times[place] or 0.0), place)
        for place, score in scored
        if _is_of_time(times[place], query)
    ]
    return [
        replace(_hit_of(rows.sources[place]), score=round(-score, 3))
        for score, _, place in nsmallest(query.limit, chosen)
    ]


def _with_neighbours(scores: Sequence[float], groups: Sequence[str]) -> dict[int, float]:
    """What each row says and what stands around it adds; only of rows that have something."""
    told = [(row, score) for row, score in enumerate(scores) if score]
    summed = defaultdict(float, told)
    for steps, share in enumerate(_NEIGHBOURS, 1):
        for row, score in told:
            for beside in (row - steps, row + steps):
                if 0 <= beside < len(scores) and groups[row] and groups[row] == groups[beside]:
                    summed[beside] += share * score
    return summed


def _is_of_time(at: float | None, query: Query) -> bool:
    if at is None:
        return query.since is None and query.until is None
    return (query.since is None or at >= query.since) and (query.until is None or at < query.until)


def learned(document: Mapping[str, Any], history: Iterable[Revision]) -> list[Hit]:
    """What is known and what was known: each value once, with all the words it rests on.

    Args:
        document: The profile as it is stored.
        history: Its revisions, the newest first.
    """
    known: dict[tuple[str, str], Hit] = {}
    held = {
        (field, key, canonical(item))
        for field, stored in document.items()
        for key, item in [*_items(stored), (None, stored)]
    }
    for revision in history:
        if revision.undoes or revision.by == "migration":
            continue
        for change in revision.changes:
            value = change.before if change.after is None else change.after
            if change.erased or is_nothing(value):
                continue
            place = change.field, canonical([change.key, value])
            hit = known.get(place) or _hit(held, revision, change, value)
            said = (*hit.evidence, *(one for one in change.evidence if one not in hit.evidence))
            known[place] = replace(hit, evidence=said)
    # An item of a list of objects is known under its name.
    named = {(field, canonical(hit.value)) for (field, _), hit in known.items()}
    for field, value in document.items():
        for key, item in _items(value) if field != ASIDE else ():
            place = field, canonical([key, item])
            named_so = is_mapping(item) and (field, canonical(item)) in named
            if place in known or named_so or is_nothing(item):
                continue
            known[place] = Hit("item", field=field, key=key, value=item, text=_said(item))
    return list(map(_as_said, known.values()))


def _hit(
    held: AbstractSet[tuple[str, str | None, str]], revision: Revision, change: Applied, value: Any
) -> Hit:
    """What a change told of, as a hit; ``held`` is what the profile holds, by field and key."""
    said = canonical(value)
    holds = change.after is not None and any(
        (change.field, key, said) in held for key in (None, change.key)
    )
    return Hit(
        "item" if holds else "earlier",
        field=change.field,
        key=change.key,
        value=value,
        text=_said(value),
        at=revision.at if change.at is None else change.at,
        thread_id=revision.thread_id,
        author=revision.by,
        holds=holds,
    )


def _as_said(hit: Hit) -> Hit:
    """A value with the time and the thread of the newest words that it rests on."""
    if not hit.evidence:
        return hit
    said = hit.evidence[0]
    at = hit.at if said.at is None else said.at
    return replace(hit, at=at, thread_id=said.thread_id or hit.thread_id, author="user")


def _items(value: Any) -> Iterator[tuple[str | None, Any]]:
    """The items of a list, the entries of a map, or the value itself."""
    if is_mapping(value):
        yield from value.items()
    elif is_sequence(value):
        yield from ((None, item) for item in value)
    elif value is not None:
        yield None, value


def _said(value: Any) -> str:
    if is_mapping(value):
        return "; ".join(
            f"{key}: {_said(item)}" for key, item in value.items() if not is_nothing(item)
        )
    return ", ".join(map(str, leaves(value))) if is_sequence(value) else str(value)


def _text_of(hit: Hit) -> str:
    quotes = [f"{one.question} {one.quote}" for one in hit.evidence]
    return " ".join([hit.field.replace("_", " "), hit.key or "", hit.text, *quotes])


def rows_of(
    schema: Schema,
    profile: Profile,
    history: Sequence[Revision],
    messages: Sequence[Mapping[str, Any]],
    fields: Sequence[str] | None = None,
    thread_id: str | None = None,
) -> Rows:
    """All rows of a user under today's names, or those of some fields or of one thread."""
    stored = schema.read(profile.document or {}).stored
    hits = [
        hit
        for hit in learned(stored, renamed_history(schema, history))
        if (fields is None or hit.field in fields) and thread_id in {None, hit.thread_id}
    ]
    # Of a message that was edited the last text counts.
    last = {(row["thread_id"], row["message_id"]): row["digest"] for row in messages}
    messages = [
        row
        for row in messages
        if row["message_id"] is None or last[row["thread_id"], row["message_id"]] == row["digest"]
    ]
    if fields is not None:
        messages = ()
    elif thread_id is not None:
        messages = [row for row in messages if row["thread_id"] == thread_id]
    return Rows(
        [*map(_text_of, hits), *map(_told, messages)],
        [*(hit.at for hit in hits), *(row["said_at"] for row in messages)],
        [*("" for _ in hits), *(row["thread_id"] for row in messages)],
        [*hits, *messages],
    )


def _told(row: Mapping[str, Any]) -> str:
    text: str = row["text"]
    return f"{row['name']} {text}" if row["name"] else text


def _hit_of(source: Hit | Mapping[str, Any]) -> Hit:
    if isinstance(source, Hit):
        return source
    said = {key: source[key] for key in ("thread_id", "author", "message_id", "seq", "name")}
    return Hit("message", source["text"], source["said_at"], **said)


def checked_query(text: object, since: When, until: When, limit: object) -> Query:
    """A query, or an error that says what to change.

    Raises:
        InvalidInput: The text is empty and no time is given, the time ends before it begins, or
            the limit is out of range.
    """
    begin, end = checked_time("since", since), checked_time("until", until, end=True)
    text = checked_text("the query", text)
    if not text.strip() and begin is None and end is None:
        raise InvalidInput("the query is empty: say what to look for, or give since= or until=")
    if begin is not None and end is not None and begin >= end:
        raise InvalidInput("the time ends before it begins: since= is not before until=")
    if type(limit) is not int or not 1 <= limit <= _MOST:
        raise InvalidInput(f"limit is {limit!r}; it is a number from 1 to {_MOST}")
    return Query(text, begin, end, limit)
