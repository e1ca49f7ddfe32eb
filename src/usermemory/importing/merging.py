"""A field's value together with the values that an import brings for it: PURE."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usermemory.schema import Field
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical

HOLDS = "the field holds something else already"
FULL = "the list is full"

Refuse = Callable[[Field, Any, str | None], str | None]
"""Why a value must not come into a field, under a key if it has one; None if it may."""


def anything(_field: Field, _value: Any, _key: str | None) -> str | None:
    """The rule by which every value may come."""
    return None


@dataclass(slots=True)
class Merged:
    """The new value, and what is not in it, with the reason."""

    value: Any
    left_out: list[tuple[Any, str]] = field(default_factory=list[tuple[Any, str]])


def merge(
    each: Field,
    current: Any,
    wanted: Sequence[Any],
    *,
    replace: bool = False,
    refuse: Refuse = anything,
) -> Merged:
    """Bring values into a field.

    Args:
        each: The field.
        current: What it holds.
        wanted: What the source says, each a value of the field, the oldest first.
        replace: Begin with nothing instead of what it holds.
        refuse: See `fitting.fit`.
    """
    if replace:
        current = each.default
    merged = Merged(current)
    for value in wanted:
        match each.kind:
            case "scalar":
                _single(each, merged, wanted[-1], refuse)
                break
            case "list" | "objects":
                _items(each, merged, [item for items in wanted for item in items], refuse)
                break
            case "map":
                _entries(each, merged, value, refuse)
            case "object":
                _properties(each, merged, value, refuse)
    return merged


def _single(each: Field, merged: Merged, value: Any, refuse: Refuse) -> None:
    if identity(merged.value) == identity(value):
        return
    if merged.value not in (None, each.default):
        merged.left_out.append((value, HOLDS))
    elif reason := refuse(each, value, None):
        merged.left_out.append((value, reason))
    else:
        merged.value = value


def _items(each: Field, merged: Merged, items: Sequence[Any], refuse: Refuse) -> None:
    there = {_name(each, known): known for known in merged.value}
    taken = list(merged.value)
    for item in items:
        same = there.get(_name(each, item))
        if same is not None:
            if canonical(same) != canonical(item) and each.kind == "objects":
                merged.left_out.append((item, HOLDS))
        elif reason := refuse(each, item, _key(each, item)):
            merged.left_out.append((item, reason))
        elif _is_full(each, len(taken)):
            merged.left_out.append((item, FULL))
        else:
            taken.append(item)
            there[_name(each, item)] = item
    merged.value = taken


def _entries(each: Field, merged: Merged, entries: Mapping[str, Any], refuse: Refuse) -> None:
    for key, value in entries.items():
        if key in merged.value:
            if canonical(merged.value[key]) != canonical(value):
                merged.left_out.append(({key: value}, HOLDS))
        elif reason := refuse(each, value, key):
            merged.left_out.append(({key: value}, reason))
        elif _is_full(each, len(merged.value)):
            merged.left_out.append(({key: value}, FULL))
        else:
            merged.value = {**merged.value, key: value}


def _is_full(each: Field, held: int) -> bool:
    most = each.settings.max_items
    return most is not None and held >= most


def _properties(each: Field, merged: Merged, given: Mapping[str, Any], refuse: Refuse) -> None:
    for key, value in given.items():
        default = each.keys[key].default if key in each.keys else None
        current = merged.value.get(key)
        if canonical(current) == canonical(value) or value in (None, [], default):
            continue
        if current not in (None, [], default):
            merged.left_out.append(({key: value}, HOLDS))
        elif reason := refuse(each, value, key):
            merged.left_out.append(({key: value}, reason))
        else:
            merged.value = {**merged.value, key: value}


def _name(each: Field, item: Any) -> str:
    return identity(item if each.kind == "list" else str(_key(each, item)))


def _key(each: Field, item: Any) -> str | None:
    return None if each.kind == "list" else str(item.get(each.settings.key))
