"""What was done to a field, by value: read off its value before and after.

Every `Applied` comes from here, so that history, undo and JSON patch agree with what happened,
whatever a schema's own validators made of a proposed value.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from usermemory.records import Applied, Change
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from usermemory.schema import Field, Schema


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], schema: Schema
) -> tuple[Applied, ...]:
    """Everything that turns one document into the other, in the order in which to do it.

    Args:
        before: A document of the schema.
        after: Another one, as `Schema.validate` returns it.
        schema: Their schema; fields unknown to it are left alone.
    """
    return tuple(
        applied
        for name, field in schema.fields.items()
        for applied in compare(field, before.get(name, field.default), after[name])
    )


def proposed(applied: Applied) -> Change:
    """The change that would do the same again, without a quote."""
    taken = applied.action == "remove"
    return Change(
        applied.field,
        applied.action,
        applied.before if taken and applied.index is not None else applied.after,
        key=applied.key,
    )


def compare(field: Field, before: Any, after: Any) -> Iterator[Applied]:
    """What turns one value of a field into the other."""
    match field.kind:
        case "scalar":
            if canonical(before) != canonical(after):
                yield Applied(field.name, "clear" if after is None else "set", before, after)
        case "map":
            for key in dict.fromkeys([*before, *after]):
                old, new = before.get(key), after.get(key)
                if canonical(old) != canonical(new):
                    yield Applied(field.name, "remove" if new is None else "set", old, new, key)
        case "object":
            for key, inner in field.keys.items():
                yield from _inside(field, inner, before[key], after[key])
        case "list" | "objects":
            yield from _items(field, before, after)


def _inside(field: Field, inner: Field, before: Any, after: Any) -> Iterator[Applied]:
    if inner.kind == "list":
        for applied in _items(inner, before, after):
            yield replace(applied, field=field.name, key=inner.name)
    elif canonical(before) != canonical(after):
        yield Applied(field.name, "clear" if after is None else "update", before, after, inner.name)


def _items(field: Field, before: list[Any], after: list[Any]) -> Iterator[Applied]:
    """Items taken out and put in; ``index`` is where, once all before it is done."""
    names = [[_name(field, item) for item in side] for side in (before, after)]
    blocks = SequenceMatcher(a=names[0], b=names[1], autojunk=False).get_opcodes()
    for kind, old, old_end, new, new_end in blocks:
        if kind == "equal":
            for place in range(new, new_end):
                item, now = before[old + place - new], after[place]
                if canonical(item) != canonical(now):
                    yield Applied(field.name, "update", item, now, naming(field, now), place)
            continue
        for item in before[old:old_end]:
            yield Applied(field.name, "remove", item, None, naming(field, item), new)
        for place in range(new, new_end):
            item = after[place]
            yield Applied(field.name, "add", None, item, naming(field, item), place)


def _name(field: Field, item: Any) -> str:
    """Items of one name are the same item, perhaps changed; plain items are only themselves."""
    return canonical(item) if field.kind == "list" else identity(naming(field, item))


def naming(field: Field, item: Any) -> str | None:
    """How an item of a list of objects is addressed; plain items are addressed by themselves."""
    return None if field.kind == "list" else str(item.get(field.settings.key))
