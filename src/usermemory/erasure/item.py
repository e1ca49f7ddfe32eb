"""Which item of a profile an erasure means, however it is named."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from usermemory.changes.diff import naming
from usermemory.erasure.past import without_inside
from usermemory.erasure.target import OfValue, Stored, Target
from usermemory.errors import InvalidInput
from usermemory.schema.document import field_of
from usermemory.schema.form import identity, stored_value
from usermemory.schema.shape import is_list, is_object
from usermemory.text import leaves, words

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema

_NEAR = 8
_LOOKED_AT = 500
"""Items that are compared with one that is none, the newest."""


def is_no_item(target: Target, stored: Stored, schema: Schema) -> bool:
    """Whether a value is named that the field neither holds nor held, and not to keep it out."""
    if not isinstance(target, OfValue) or target.value is None:
        return False
    return not (target.also or target.anywhere or _was_there(target, stored, schema))


def meant(target: OfValue, stored: Stored, schema: Schema) -> OfValue:
    """The item that a value means which is none itself: written otherwise, or some of its parts.

    What resembles an item and is not it means nothing: "C" is not "C++", and "June" no goal of two
    that are due then. Those keep what they rest on.

    Raises:
        InvalidInput: No item is meant, or several are; lists them.
    """
    if target.value is None or target.also or target.anywhere or _was_there(target, stored, schema):
        return target
    held = stored.document.get(target.field)
    field = field_of(schema, target.field, held)
    current = stored_value(field, held)
    items = list(current) if is_object(current) or is_list(current) else [current]
    items += current.values() if is_object(current) else []
    found: list[Any] = []
    if is_object(target.value):
        found = [item for item in items if is_object(item) and _has(item, target.value)]
    elif isinstance(target.value, str):
        names = [name for item in items if (name := naming(field, item)) is not None]
        said = _folded(target.value)
        found = [one for one in (*items, *names) if isinstance(one, str) and _folded(one) == said]
        if not found:
            return target
        found = [one for one in found if _marks(one) == _marks(target.value)]
    elif not is_list(target.value):
        return target
    several = {identity(one): one for one in found}
    if len(several) != 1:
        check_item(target, stored, schema)
    return replace(target, value=found[0])


def _was_there(target: OfValue, stored: Stored, schema: Schema) -> bool:
    """Whether the value stood in the field once, by itself or inside of another."""
    field = field_of(schema, target.field, stored.document.get(target.field))
    wanted = identity(target.value)
    past = [change for revision in stored.revisions for change in revision.changes]
    past += stored.proposed
    return any(
        wanted in {identity(change.before), identity(change.after), identity(change.key)}
        or without_inside(field, change, frozenset({wanted})) != change
        for change in past
        if change.field == target.field
    )


def _has(item: Mapping[str, Any], parts: Mapping[str, Any]) -> bool:
    """Whether an item has all of these parts."""
    held = {key: identity(part) for key, part in item.items()}
    return bool(parts) and {key: identity(part) for key, part in parts.items()}.items() <= (
        held.items()
    )


def _folded(text: str) -> tuple[str, ...]:
    """The words of a text as `Needles` compares them; signs by themselves as they are."""
    return tuple(word.folded for word in words(text)) or (text.strip().replace("\ufe0f", ""),)


def _marks(text: str) -> str:
    """What tells "C++" from "C": its signs, without those that end a sentence or join words."""
    return "".join(
        one for one in text if one in "#%*@" or unicodedata.category(one) in {"Sm", "Sc", "Sk"}
    )


def check_item(target: Target, stored: Stored, schema: Schema) -> None:
    """See that an erasure that reaches nothing was asked for all the same.

    Raises:
        InvalidInput: The value is no item of the field, and stands nowhere by itself; lists the
            items, those first that resemble it.
    """
    if not isinstance(target, OfValue) or target.value is None:
        return
    if target.also or target.anywhere:
        return
    names = item_names(schema, target.field, stored.document)
    raise InvalidInput(
        f"{target.value!r} is no item of {target.field}, and waits nowhere to be read: there is "
        f"{most_like(target.value, names)}. To keep it from being learned all the same, "
        "pass anywhere"
    )


def item_names(schema: Schema, name: str, document: Mapping[str, Any]) -> list[str]:
    """How the items of a field may be named: by their texts, keys and naming properties."""
    field = field_of(schema, name, document.get(name))
    current = stored_value(field, document.get(name))
    parts = current if is_list(current) or is_object(current) else [current]
    items = [naming(field, part) or str(part) for part in parts if part is not None]
    return list(dict.fromkeys([*strings({name: current}), *items]))


def most_like(value: Any, names: Sequence[str]) -> str:
    """The names that resemble a value most, in a list for a sentence; of many only some."""
    near = get_close_matches(str(value), names[-_LOOKED_AT:], n=_NEAR, cutoff=0.0)
    more = f" and {len(names) - len(near)} more" if len(names) > len(near) else ""
    return (", ".join(map(repr, near)) or "nothing") + more


def telling(
    field: Field, subjects: Iterable[tuple[str, Any]], left: Mapping[str, Any]
) -> Iterable[tuple[str, Any]]:
    """What is erased, without what a thing of several parts shares with what stays.

    "June" of an erased goal is also in another one: it is no reason to take that one's words.
    """
    staying = {identity(leaf) for leaf in leaves([*left.values()])}
    for name, value in subjects:
        if not (is_object(value) or is_list(value)):
            yield name, value
            continue
        named = naming(field, value)
        for leaf in leaves(value):
            if identity(leaf) not in staying or (named is not None and leaf == named):
                yield name, leaf


def strings(document: Mapping[str, Any]) -> Iterable[str]:
    """The texts in a document."""
    return (leaf for leaf in leaves([*document.values()]) if isinstance(leaf, str))
