"""A stored document under today's schema: what fits, and what does not, item by item.

The stored document stays as it is. `read` finds what of it today's schema takes; the rest are
misfits.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from usermemory.errors import SchemaError
from usermemory.records import Applied, Misfit, MisfitReason
from usermemory.schema.fields import Field
from usermemory.schema.form import identities, is_displaced, sources, stored_value
from usermemory.schema.reading import Unreadable
from usermemory.schema.renames import is_empty, renamed
from usermemory.schema.shape import Json, is_list, is_object, same, strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from usermemory.schema.schema import Schema

ASIDE = "x-aside"
"""Where a stored document keeps values whose place was taken by one of another shape."""

# Items that are tried one by one, where a list is refused as a whole.
_FEW = 64

Origins = dict[tuple[str, str | None], list[list[int]]]
"""Where the items of a list (field, property of an object) are stored, if not in their order."""


@dataclass(frozen=True)
class Reading:
    """A stored document as today's schema reads it.

    Attributes:
        stored: As it is stored, under today's names.
        document: What fits, with every field.
        value: The same as an instance of the source's own type.
        misfits: What does not fit.
        origins: Which stored items the items of lists come from.
    """

    stored: Mapping[str, Any]
    document: Json
    value: Any
    misfits: tuple[Misfit, ...] = ()
    origins: Origins = field(default_factory=dict[Any, Any])


def read(schema: Schema, stored: Mapping[str, Any]) -> Reading:
    """Read a stored document.

    Args:
        schema: Today's.
        stored: As another schema may have left it.

    Raises:
        SchemaError: It refuses its own defaults.
    """
    named = renamed(schema, stored)
    fitting = {
        name: named[name]
        for name, known in schema.fields.items()
        if name in named and not _is_nothing_else(known, named[name])
    }
    origins, fitting = _normal(schema.fields, fitting)
    misfits: list[Misfit] = []
    while True:
        try:
            value, document = schema.judged(fitting)
        except Unreadable as error:
            if not fitting:
                raise SchemaError(f"the schema refuses a profile of nobody: {error}") from error
            left, gone = _cut(schema, named, fitting, origins, error)
            if left == fitting:  # nothing of it can be told to be to blame
                left, told = {}, str(error)
                gone = [Misfit(*one, "does_not_fit", detail=told) for one in fitting.items()]
            fitting = left
            misfits += gone
        else:
            break
    _rearranged(schema.fields, fitting, document, origins)
    misfits += _strangers(schema, named, document, origins, misfits)
    return Reading(named, document, value, tuple(misfits), origins)


def _strangers(
    schema: Schema,
    named: Mapping[str, Any],
    document: Mapping[str, Any],
    origins: Origins,
    misfits: Sequence[Misfit],
) -> Iterable[Misfit]:
    """What stands under names that the schema does not know, and what was set aside."""
    listed = {(one.field, one.key, one.index) for one in misfits}
    for name, value in named.items():
        if name == ASIDE and is_object(value):
            for field_name, values in value.items():
                for each in values if is_list(values) else [values]:
                    yield Misfit(field_name, each, "set_aside")
        elif name not in schema.fields and value not in (None, [], {}):
            reason: MisfitReason = "renamed" if name in schema.old_names else "unknown_field"
            yield Misfit(name, value, reason)
        elif name in schema.fields and (name, None, None) not in listed:
            for misfit in _strange_inside(schema, name, value, document[name], origins):
                if not _is_within(misfit, listed):
                    yield misfit


def _strange_inside(
    schema: Schema, name: str, stored: Any, fitting: Any, origins: Origins
) -> Iterable[Misfit]:
    """Properties that the schema does not know, at any depth of a field."""
    if is_list(fitting):
        stored = stored if is_list(stored) else [stored]
        fitting = _as_stored(fitting, stored, origins.get((name, None)))
    elif is_object(fitting) and is_object(stored):
        fitting = {
            key: _as_stored(part, stored[key], origins[name, key])
            if (name, key) in origins and is_list(part) and is_list(stored[key])
            else part
            for key, part in fitting.items()
        }
    for path, value in strangers(schema.inside[name], stored, [fitting]):
        key = next((step for step in path[:2] if isinstance(step, str)), None)
        index = next((step for step in path[:2] if isinstance(step, int)), None)
        deeper = path if len(path) > 1 else ()
        yield Misfit(name, value, "unknown_field", key=key, index=index, path=deeper)


def _as_stored(fitting: list[Any], stored: list[Any], origins: list[list[int]] | None) -> Any:
    """The items of the profile, each at its places in the stored list; None for a misfit."""
    if origins is None:
        return fitting
    found: list[Any] = [None] * len(stored)
    for item, places in zip(fitting, origins, strict=True):
        for at in places:
            found[at] = item
    return found


def _is_within(one: Misfit, listed: AbstractSet[tuple[str, str | None, int | None]]) -> bool:
    """Whether it stands in an item or property that is listed as a whole."""
    wholes = ((one.key, one.index), (None, one.index), (one.key, None))
    return any((one.field, key, index) in listed for key, index in wholes)


def _lists(
    fields: Mapping[str, Field], document: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, str | None], Field, Any]]:
    """Where lists are in a document and in its objects, their fields, and what stands there."""
    for name, known in fields.items():
        value = document.get(name)
        if known.kind in {"list", "objects"} and name in document:
            yield (name, None), known, value
        elif known.kind == "object" and is_object(value):
            for key, part in known.keys.items():
                if part.kind in {"list", "objects"} and key in value:
                    yield (name, key), part, value[key]


def _normal(fields: Mapping[str, Field], document: Json) -> tuple[Origins, Json]:
    """Lists without what is there twice, and where each of their items stands as stored."""
    origins: Origins = {}
    found = dict(document)
    for (name, key), _, value in _lists(fields, document):
        items = _once(value, origins, (name, key))
        found[name] = items if key is None else {**found[name], key: items}
    return origins, found


def _rearranged(
    fields: Mapping[str, Field], given: Json, made: Mapping[str, Any], origins: Origins
) -> None:
    """Put down where items stand that validators sorted, merged or made."""
    before = {place: stored_value(known, items) for place, known, items in _lists(fields, given)}
    for place, known, items in _lists(fields, made):
        there = before.get(place, [])
        if items != there:
            stand = origins.get(place, [[at] for at in range(len(there))])
            found = sources(known, there, items)
            origins[place] = [[at for one in each for at in stand[one]] for each in found]


def _is_nothing_else(known: Field, value: Any) -> bool:
    """Whether a value says nothing, in the way of a field of another shape: ``[]`` for a map."""
    if known.kind in {"list", "objects"}:
        return value in ({}, "")
    return value in ([], "") if known.kind in {"map", "object"} else value in ([], {})


def _once(value: Any, origins: Origins, place: tuple[str, str | None]) -> Any:
    if not is_list(value):
        origins[place] = [] if is_empty(value) else [[0]]
        return value
    if len({*(names := identities(value))}) == len(names) and None not in value:
        return list(value)
    places: dict[str, list[int]] = {}
    items: list[Any] = []
    for at, (name, item) in enumerate(zip(names, value, strict=True)):
        if item is None:
            continue
        found = places.setdefault(name, [])
        if not found:
            items.append(item)
        found.append(at)
    origins[place] = list(places.values())
    return items


def _cut(
    schema: Schema, named: Json, fitting: Json, origins: Origins, error: Unreadable
) -> tuple[Json, list[Misfit]]:
    """The document without what is to blame: as little of each field as can be."""
    gone: list[Misfit] = []
    found = dict(fitting)
    blamed: dict[str, list[tuple[tuple[Any, ...], str]]] = defaultdict(list)
    for place, text in error.problems:
        if place and str(place[0]) in found:
            blamed[str(place[0])].append((place, text))
    if not blamed:
        return _in_order(schema, fitting)
    for name, problems in blamed.items():
        known = schema.fields[name]
        others = {one: value for one, value in found.items() if one not in blamed}

        def fits(value: Any, name: str = name, others: Json = others) -> bool:
            return _fits(schema, {**others, name: value})

        kept, lost = _cut_field(known, named[name], found[name], problems, origins, fits)
        gone += lost
        if kept is _NOTHING:
            del found[name]
        else:
            found[name] = kept
    return found, gone


_NOTHING: Any = object()


def _cut_field(
    known: Field,
    stored: Any,
    value: Any,
    problems: Sequence[tuple[tuple[Any, ...], str]],
    origins: Origins,
    fits: Callable[[Any], bool],
) -> tuple[Any, list[Misfit]]:
    """A field without its items, keys or properties that do not fit; `_NOTHING` for all of it."""
    name, text = known.name, problems[0][1]
    whole = [] if is_empty(value) else [Misfit(name, value, "does_not_fit", detail=text)]
    if known.kind in {"list", "objects"}:
        if not is_list(value):
            return _NOTHING, whole
        items, lost = _cut_items(name, None, stored, problems, origins, fits)
        return (items if items or fits([]) else _NOTHING), lost
    if known.kind not in {"map", "object"} or not is_object(value):
        return _NOTHING, whole
    bad: dict[str, list[tuple[tuple[Any, ...], str]]] = defaultdict(list)
    for place, told in problems:
        key = next((step for step in place[1:] if isinstance(step, str) and step in value), None)
        if key is None:
            return _NOTHING, whole
        bad[key].append((place, told))
    kept, lost = dict(value), list[Misfit]()
    for key, blame in bad.items():
        inner = known.keys.get(key) if known.kind == "object" else None
        if inner is not None and inner.kind in {"list", "objects"} and is_list(value[key]):
            rest = {one: part for one, part in kept.items() if one != key}

            def inside(items: Any, key: str = key, rest: Json = rest) -> bool:
                return fits({**rest, key: items})

            kept[key], gone = _cut_items(name, key, stored[key], blame, origins, inside)
            lost += gone
            if not kept[key] and not inside([]):
                del kept[key]
        else:
            del kept[key]
            lost.append(Misfit(name, value[key], "does_not_fit", key=key, detail=blame[0][1]))
    return kept, lost


def _cut_items(
    name: str,
    key: str | None,
    stored: list[Any],
    problems: Sequence[tuple[tuple[Any, ...], str]],
    origins: Origins,
    fits: Callable[[Any], bool],
) -> tuple[list[Any], list[Misfit]]:
    """A list without the items that are to blame, or with another spelling of them.

    All behind the last that fit, if none is.
    """
    where = origins.get((name, key), [[at] for at in range(len(stored))])
    items = [stored[places[0]] for places in where]
    bad: dict[int, str] = {}
    for place, text in problems:
        at = next((step for step in place[1:] if type(step) is int and step < len(items)), None)
        if at is not None:
            bad.setdefault(at, text)
    if not bad:
        bad = dict.fromkeys(_refused_together(items, fits), problems[0][1])
    lost = [
        Misfit(name, items[at], "does_not_fit", key=key, index=place, detail=text)
        for at, text in bad.items()
        for place in where[at]
        if same(stored[place], items[at])
    ]
    gone = {one.index for one in lost}
    left = [[place for place in places if place not in gone] for places in where]
    origins[name, key] = [places for places in left if places]
    return [stored[places[0]] for places in origins[name, key]], lost


def _refused_together(items: list[Any], fits: Callable[[Any], bool]) -> list[int]:
    """Which items go where a list is refused as a whole: in order, whatever fits stays."""
    low, high = 0, len(items) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(items[:middle]) else (low, middle - 1)
    kept = list(range(low))
    if len(items) - low <= _FEW:
        for at in range(low, len(items)):
            if fits([items[one] for one in (*kept, at)]):
                kept.append(at)
    return [at for at in range(len(items)) if at not in set(kept)]


def _in_order(schema: Schema, fitting: Json) -> tuple[Json, list[Misfit]]:
    """Where only the whole is refused: field after field, as long as it is valid."""
    kept: Json = {}
    lost: list[Misfit] = []
    for name, value in fitting.items():
        try:
            schema.judged({**kept, name: value})
        except Unreadable as error:
            lost.append(Misfit(name, value, "does_not_fit", detail=str(error)))
        else:
            kept[name] = value
    return kept, lost


def _fits(schema: Schema, document: Json) -> bool:
    try:
        schema.judged(document)
    except Unreadable:
        return False
    return True


def counts_as(schema: Schema, document: Mapping[str, Any], before: str) -> str:
    """The fingerprint of the schema that a written profile counts as one of.

    An edit or an erasure with another schema, on the command line say, does not take over what it
    does not know: that is for whoever migrates.

    Args:
        schema: That of the writer.
        document: What is written.
        before: The fingerprint so far; empty for a new profile.
    """
    own = schema.fingerprint
    if before in ("", own):
        return own
    return before if dropped(read(schema, document).misfits) else own


def dropped(misfits: Iterable[Misfit]) -> list[str]:
    """The fields that hold values and that the schema has not: it is another one, or drops them.

    A field that takes other values by now is no sign of that: what does not fit stays beside what
    is learned.
    """
    unknown = (one.field for one in misfits if one.reason == "unknown_field" and one.key is None)
    return list(dict.fromkeys(unknown))


def field_of(schema: Schema, name: str, stored: Any) -> Field:
    """The field in which a stored value can be looked for: today's, if it has that shape."""
    known = schema.fields.get(name)
    return stand_in(name, stored) if known is None or is_displaced(known, stored) else known


def stand_in(name: str, stored: Any, change: Applied | None = None) -> Field:
    """A field of the shape that a stored value has, where the schema knows no such field."""
    if is_list(stored) or (change is not None and change.index is not None):
        return Field(name, "list", {}, default=[])
    if is_object(stored) or (change is not None and change.key is not None):
        return Field(name, "map", {}, default={})
    return Field(name, "scalar", {})
