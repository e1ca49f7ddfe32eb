"""Which item of a profile an erasure means, however it is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from usermemory.changes.diff import naming
from usermemory.erasure.target import OfValue, Stored, Target
from usermemory.errors import InvalidInput
from usermemory.schema.document import field_of, stored_value
from usermemory.schema.form import identity
from usermemory.schema.shape import is_list, is_object
from usermemory.text import leaves, words

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema

_NEAR = 8
_LOOKED_AT = 500
"""Items that are compared with one that is none, the newest."""


def meant(target: OfValue, stored: Stored, schema: Schema) -> OfValue:
    """The target, its value as the profile has it: however it is written, or by some of its parts.

    Raises:
        InvalidInput: It is an object or a list, and no item is it; lists the items.
    """
    held = stored.document.get(target.field)
    field = field_of(schema, target.field, held)
    current = stored_value(field, held)
    items = list(current) if is_object(current) or is_list(current) else [current]
    if is_object(current):
        items += current.values()
    names = [name for item in items if (name := naming(field, item)) is not None]
    every = [*items, *names]
    if any(identity(one) == identity(target.value) for one in every):
        return target
    if is_object(target.value):
        wanted = {key: identity(part) for key, part in target.value.items()}
        for item in items:
            if (
                is_object(item)
                and wanted
                and wanted.items() <= {key: identity(part) for key, part in item.items()}.items()
            ):
                return replace(target, value=item)
    if is_object(target.value) or is_list(target.value):
        past = [change for revision in stored.revisions for change in revision.changes]
        known = {identity(side) for change in past for side in (change.before, change.after)}
        if identity(target.value) not in known:
            check_item(target, stored, schema)
        return target
    if isinstance(target.value, str):
        said = _folded(target.value)
        alike = (one for one in every if isinstance(one, str) and _folded(one) == said)
        return replace(target, value=next(alike, target.value))
    return target


def _folded(text: str) -> tuple[str, ...]:
    """The words of a text as `Needles` compares them; signs by themselves as they are."""
    return tuple(word.folded for word in words(text)) or (text.strip().replace("\ufe0f", ""),)


def check_item(target: Target, stored: Stored, schema: Schema) -> None:
    """See that an erasure that reaches nothing was asked for all the same.

    Raises:
        InvalidInput: The value is no item of the field, and stands nowhere by itself; lists the
            items, those first that resemble it.
    """
    if not isinstance(target, OfValue) or target.value is None or target.anywhere:
        return
    field = field_of(schema, target.field, stored.document.get(target.field))
    current = stored_value(field, stored.document.get(target.field))
    items = [str(key) for key in current] if is_object(current) else []
    if is_list(current):
        items = [naming(field, item) or str(item) for item in current]
    elif not is_object(current) and current is not None:
        items = [str(current)]
    items = list(dict.fromkeys([*strings({field.name: current}), *items]))
    near = get_close_matches(str(target.value), items[-_LOOKED_AT:], n=_NEAR, cutoff=0.0)
    listed = ", ".join(repr(item) for item in near) or "nothing"
    more = f" and {len(items) - len(near)} more" if len(items) > len(near) else ""
    raise InvalidInput(
        f"{target.value!r} is no item of {field.name}, and was never said by itself: there is "
        f"{listed}{more}. To keep it from being learned all the same: anywhere=True (--anywhere)"
    )


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
