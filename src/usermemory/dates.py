"""When each value of a profile was learned, said again and edited, and what is old by that. PURE.

The stamps of a field hold its own times (``learned``, ``confirmed``, ``edited``) and, as
``learned/…``, those of its items. An item is named by a hash, so that no stamp tells what it was;
a revision that takes an item away takes its times along.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from usermemory.messages import is_mapping, is_sequence
from usermemory.records import Dated
from usermemory.schema.form import identity

if TYPE_CHECKING:
    from usermemory.records import Applied
    from usermemory.schema import Schema

Stamps = Mapping[str, Mapping[str, float]]
Stamp = Literal["learned", "confirmed", "edited"]
STAMPS: tuple[Stamp, ...] = ("learned", "confirmed", "edited")

DAY = 86_400.0

_NEVER = [None] * len(STAMPS)

_BYTES = 6


def mark_items(times: dict[str, float], stamp: Stamp, items: Iterable[Any], at: float) -> None:
    """Put down in a field's times when something happened to items of it, to the second."""
    for item in items:
        times[f"{stamp}/{_mark(item)}"] = float(int(at))


def made_items(change: Applied) -> Iterator[Any]:
    """The items, or the keys, that a change put into its field; none of a single value."""
    if change.after is None:
        return
    if change.key is not None:
        yield change.key
    if change.index is not None:
        yield change.after
    elif change.key is None:
        yield from _items(change.after)


def without_gone(
    stamps: Stamps, changes: Iterable[Applied], document: Mapping[str, Any]
) -> dict[str, Mapping[str, float]]:
    """The stamps without the times of items that changes took away.

    Args:
        stamps: As they were.
        changes: What was done.
        document: The profile after it.
    """
    left = dict(stamps)
    for field in {one.field for one in changes if one.before is not None or one.erased}:
        if any("/" in name for name in left.get(field, ())):
            there = {_mark(item) for item in _items(document.get(field))}
            left[field] = {
                name: at
                for name, at in left[field].items()
                if "/" not in name or name.partition("/")[2] in there
            }
    return left


def dated(document: Mapping[str, Any], stamps: Stamps, schema: Schema, now: float) -> list[Dated]:
    """Every value of a profile with its times.

    Args:
        document: The profile.
        stamps: Its stamps, those of items included.
        schema: Says after how many days a field's values are old.
        now: What is old today, in UTC.
    """
    return [
        one
        for field in schema.fields
        for one in of_field(field, document.get(field), stamps.get(field, {}), schema, now)
    ]


def of_field(
    field: str, value: Any, times: Mapping[str, float], schema: Schema, now: float
) -> Iterator[Dated]:
    """The values of one field with their times; see `dated`."""
    known = schema.fields.get(field)
    after = known.settings.stale_after if known else None
    whole = [times.get(stamp) for stamp in STAMPS]
    if is_sequence(value) or is_mapping(value):
        for item in value:
            mark = _mark(item)
            own = [times.get(f"{stamp}/{mark}") for stamp in STAMPS]
            exact = own != _NEVER
            yield _dated(field, item, own if exact else whole, now, after, exact=exact)
    elif value is not None:
        yield _dated(field, None, whole, now, after)


def _dated(
    field: str,
    item: Any,
    times: Sequence[float | None],
    now: float,
    after: float | None,
    *,
    exact: bool = True,
) -> Dated:
    last = max((at for at in times if at is not None), default=None)
    # Whole days, so that what is old is so all day long, and a prompt stays the same.
    stale = after is not None and last is not None and now // DAY - last // DAY > after
    learned, confirmed, edited = times
    return Dated(field, item, learned, confirmed, edited, exact=exact, stale=stale)


def month(at: float) -> str:
    """A time as people say it, such as "March 2025"."""
    return datetime.fromtimestamp(at, UTC).strftime("%B %Y")


def _items(value: Any) -> Iterator[Any]:
    if is_sequence(value) or is_mapping(value):
        yield from value


def _mark(item: Any) -> str:
    said = identity(item).encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(blake2b(said, digest_size=_BYTES).digest()).decode()
