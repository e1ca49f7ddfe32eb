"""A field's value together with the values that an import brings for it: PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from usermemory.messages import is_sequence
from usermemory.schema import Field
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical

HOLDS = "the field holds something else already"
FULL = "the list is full"
OLDER = "the source says something newer"

Refuse = Callable[[Field, Any, str | None], str | None]
"""Why a value must not come into a field, under a key if it has one; None if it may, and comes."""


class Dated(NamedTuple):
    """A value, and when the source had it, in seconds since the epoch; None for who knows when."""

    value: Any
    at: float | None


def anything(_field: Field, _value: Any, _key: str | None) -> str | None:
    """The rule by which every value may come."""
    return None


@dataclass(slots=True)
class Merged:
    """The new value, what is not in it, with the reason, and when what is new in it was noted."""

    value: Any
    left_out: list[tuple[Any, str]] = field(default_factory=list[tuple[Any, str]])
    dates: dict[str, float] = field(default_factory=dict[str, float])

    def date(self, key: str | None, value: Any, at: float | None) -> None:
        """Say when a new value was noted, and each item of it if it is a list."""
        if at is not None:
            items = [value, *value] if is_sequence(value) else [value]
            self.dates |= {mark(key, item): at for item in items}


def mark(key: str | None, value: Any) -> str:
    """How a value is told from others of its field."""
    return canonical([key, identity(value)])


def merge(
    each: Field,
    current: Any,
    wanted: Sequence[Dated],
    *,
    replace: bool = False,
    refuse: Refuse = anything,
) -> Merged:
    """Bring values into a field.

    Args:
        each: The field.
        current: What it holds.
        wanted: What the source says, each a value of the field, for lists and maps an item or an
            entry of it; the oldest first.
        replace: Begin with nothing instead of what it holds.
        refuse: See `fitting.fit`.
    """
    if replace:
        current = each.default
    merged = Merged(current)
    if not wanted:
        return merged
    match each.kind:
        case "scalar":
            _single(each, merged, wanted, refuse)
        case "list" | "objects":
            _items(each, merged, wanted, refuse)
        case "map":
            merged.value = {**current}
            _entries(each, merged, wanted, refuse)
        case "object":
            merged.value = {**current}
            _properties(each, merged, wanted, refuse)
    return merged


def _single(each: Field, merged: Merged, wanted: Sequence[Dated], refuse: Refuse) -> None:
    value, at = _newest(merged, (("", one) for one in wanted))[""]
    if identity(merged.value) == identity(value):
        return
    if merged.value not in (None, each.default):
        merged.left_out.append((value, HOLDS))
    elif reason := refuse(each, value, None):
        merged.left_out.append((value, reason))
    else:
        merged.value = value
        merged.date(None, value, at)


def _items(each: Field, merged: Merged, wanted: Sequence[Dated], refuse: Refuse) -> None:
    there = {_name(each, known): known for known in merged.value}
    taken = list(merged.value)
    for name, (item, at) in _newest(
        merged, ((_name(each, one.value), one) for one in wanted)
    ).items():
        if name in there:
            if canonical(there[name]) != canonical(item) and each.kind == "objects":
                merged.left_out.append((item, HOLDS))
        elif _is_full(each, len(taken)):
            merged.left_out.append((item, FULL))
        elif reason := refuse(each, item, _key(each, item)):
            merged.left_out.append((item, reason))
        else:
            taken.append(item)
            merged.date(_key(each, item), item, at)
    merged.value = taken


def _entries(each: Field, merged: Merged, wanted: Sequence[Dated], refuse: Refuse) -> None:
    held: dict[str, Any] = merged.value
    for key, (entry, at) in _newest(merged, _by_key(wanted)).items():
        if key in held:
            if canonical(held[key]) != canonical(entry[key]):
                merged.left_out.append((entry, HOLDS))
        elif _is_full(each, len(held)):
            merged.left_out.append((entry, FULL))
        elif reason := refuse(each, entry[key], key):
            merged.left_out.append((entry, reason))
        else:
            held[key] = entry[key]
            merged.date(key, entry[key], at)


def _is_full(each: Field, held: int) -> bool:
    most = each.settings.max_items
    return most is not None and held >= most


def _properties(each: Field, merged: Merged, wanted: Sequence[Dated], refuse: Refuse) -> None:
    held: dict[str, Any] = merged.value
    said = ((key, one) for key, one in _by_key(wanted) if one.value[key] not in _nothing(each, key))
    for key, (entry, at) in _newest(merged, said).items():
        if canonical(held.get(key)) == canonical(entry[key]):
            continue
        if held.get(key) not in _nothing(each, key):
            merged.left_out.append((entry, HOLDS))
        elif reason := refuse(each, entry[key], key):
            merged.left_out.append((entry, reason))
        else:
            held[key] = entry[key]
            merged.date(key, entry[key], at)


def _by_key(wanted: Iterable[Dated]) -> Iterator[tuple[str, Dated]]:
    """The entries of maps and objects, each by itself."""
    for whole, at in wanted:
        yield from ((key, Dated({key: value}, at)) for key, value in whole.items())


def _newest(merged: Merged, named: Iterable[tuple[str, Dated]]) -> dict[str, Dated]:
    """The last of several values of one name; what it takes the place of is told."""
    found: dict[str, Dated] = {}
    for name, one in named:
        older = found.get(name, one)
        if identity(older.value) != identity(one.value):
            merged.left_out.append((older.value, OLDER))
        found[name] = one
    return found


def _nothing(each: Field, key: str) -> tuple[Any, ...]:
    default = each.keys[key].default if key in each.keys else None
    return (None, [], default)


def _name(each: Field, item: Any) -> str:
    return identity(item if each.kind == "list" else str(_key(each, item)))


def _key(each: Field, item: Any) -> str | None:
    return None if each.kind == "list" else str(item.get(each.settings.key))
