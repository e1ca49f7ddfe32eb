"""Bring any JSON Schema to the few shapes that a model can be asked for.

References are put in place, unions reduced to one type and perhaps null. What cannot be reduced
is refused with the name of the field, when the memory is built and not when a user talks.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeGuard

from usermemory.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


KEYWORD = "x-remember"
"""Where a JSON Schema carries these settings, written by hand or by Pydantic from `Remember`."""

Json = dict[str, Any]

SCALARS = frozenset({"string", "integer", "number", "boolean"})

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
_ANNOTATIONS = ("title", "description", "default", "examples", KEYWORD)


def is_object(value: Any) -> TypeGuard[Json]:
    """A JSON object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """A JSON array."""
    return isinstance(value, list)


def inline(schema: Any, root: Mapping[str, Any], path: str, above: tuple[str, ...] = ()) -> Any:
    """Put what every ``$ref`` points to in its place."""
    if not is_object(schema):  # ``additionalProperties: true``
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        if reference in above:
            raise SchemaError(
                f"field {path!r} contains itself: recursive types cannot be asked for"
            )
        beside = {word: value for word, value in schema.items() if word != "$ref"}
        return inline({**target(reference, root, path), **beside}, root, path, (*above, reference))
    placed = dict(schema)
    for word in schema.keys() & {"items", "additionalProperties", "propertyNames"}:
        placed[word] = inline(schema[word], root, path, above)
    for word in schema.keys() & {"anyOf", "oneOf", "allOf"}:
        placed[word] = [inline(part, root, path, above) for part in schema[word]]
    for word in schema.keys() & {"properties", "patternProperties"}:
        placed[word] = {
            name: inline(part, root, path, above) for name, part in schema[word].items()
        }
    return placed


def rooted(schema: Json) -> Json:
    """The schema with its own properties on top, also where the root is a reference."""
    reference = schema.get("$ref")
    return schema if reference is None else {**schema, **target(reference, schema, "the schema")}


def placed(schema: Json) -> Json:
    """The schema with references in place, but for properties that contain themselves."""
    found: Json = {}
    for name, part in schema.get("properties", {}).items():
        try:
            found[name] = inline(part, schema, name)
        except SchemaError:  # nobody is asked for it, or `Field` says what is wrong with it
            found[name] = part
    return {**schema, "properties": found}


def target(reference: str, root: Mapping[str, Any], path: str) -> Json:
    """What a reference points to; `SchemaError` if that is nothing."""
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if is_object(found) else None
    if not reference.startswith("#") or not is_object(found):
        raise SchemaError(f"field {path!r}: nothing stands at {reference!r} in this schema")
    return found


def simplify(schema: Mapping[str, Any], path: str) -> tuple[Json, bool]:
    """Reduce an inlined schema to one type.

    Returns:
        The schema of that type with titles, defaults and settings kept, and whether it may be null.
    """
    choices = list(_choices(dict(schema)))
    plain = [choice for choice in choices if choice.get("type") != "null"]
    chosen = {**_one_of(plain, path), **_outer(schema, plain)}
    return chosen, len(plain) < len(choices)


def _choices(schema: Json) -> Iterator[Json]:
    """Every single-typed alternative of a union, however it is written."""
    for word in ("anyOf", "oneOf"):
        if word in schema:
            for part in schema[word]:
                yield from _choices(part)
            return
    if len(schema.get("allOf", ())) == 1:
        rest = {word: value for word, value in schema.items() if word != "allOf"}
        yield from _choices({**schema["allOf"][0], **rest})
    elif "const" in schema:
        rest = {word: value for word, value in schema.items() if word != "const"}
        yield from _choices({**rest, "enum": [schema["const"]]})
    elif "enum" in schema:
        for kind in dict.fromkeys(map(_json_type, schema["enum"])):
            values = [value for value in schema["enum"] if _json_type(value) == kind]
            yield {"type": kind} if kind == "null" else {**schema, "type": kind, "enum": values}
    elif is_list(schema.get("type")):
        for kind in schema["type"]:
            yield {**schema, "type": kind}
    else:
        yield schema


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    return next(
        (kind for kind in ("boolean", "integer", "number", "string") if fits(value, kind)), ""
    )


def _one_of(choices: list[Json], path: str) -> Json:
    if len(choices) == 1:
        return choices[0]
    arrays = [choice for choice in choices if choice.get("type") == "array"]
    if len(arrays) == 1:  # ``list[str] | str``: a lone item is meant as a list of one
        items = arrays[0].get("items", {}).get("type")
        if all(choice is arrays[0] or choice.get("type") == items for choice in choices):
            return arrays[0]
    kinds = {choice.get("type") for choice in choices}
    if kinds == {"integer", "number"}:
        return {"type": "number"}
    if len(kinds) == 1 and kinds <= SCALARS:  # the document is still validated in full
        return {"type": kinds.pop()}
    names = " or ".join(sorted(str(choice.get("type")) for choice in choices)) or "nothing"
    raise SchemaError(
        f"field {path!r} may be {names}: a model can be asked for one type only. "
        "Choose one, or keep it from the model by Annotated[…, Remember(ask=False)]"
    )


def _outer(schema: Mapping[str, Any], choices: list[Json]) -> Json:
    """Titles, defaults and settings, wherever in the union they stand; the outermost wins."""
    found: Json = {}
    for source in (*reversed(choices), schema):
        found |= {word: source[word] for word in _ANNOTATIONS if word in source}
    return found


def fits(value: Any, kind: str) -> bool:
    """Is this Python value of that JSON type? NaN and the infinite are no JSON numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def parsed(value: Any, kind: str) -> Any:
    """JSON in a string where no string is wanted: ``'["a"]'`` as a list, ``"31"`` as a number."""
    if not isinstance(value, str) or kind == "string":
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if fits(found, kind) else value


def canonical(value: Any) -> str:
    """One text for equal JSON values."""
    return _encode(value)


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=True).encode


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 is neither true nor 1.0."""
    if one != other:
        return False
    return (is_list(one) and are_texts(one)) or canonical(one) == canonical(other)


def are_texts(items: Iterable[Any]) -> bool:
    """Whether these are nothing but texts."""
    return {*map(type, items)} <= {str}


def goes_on(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Whether a list of texts is as it was, but for what was added at its end."""
    return after[: len(before)] == before and are_texts(before)


Path = tuple[str | int, ...]


class Inside:
    """What a schema says of the inside of a value; of a union, what any of its parts says.

    It is read as far as values go, so that a type may contain itself.

    Args:
        parts: JSON Schemas of the value.
        root: The whole schema, for references.
    """

    def __init__(self, parts: Iterable[Any], root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts = [one for part in parts for one in self._single(part)]

    def _single(self, part: Any) -> Iterator[Json]:
        """The parts of a union, however it is written."""
        if not is_object(part):
            return
        yield part
        if isinstance(reference := part.get("$ref"), str):
            with suppress(SchemaError):  # of a field that nobody is asked for
                yield from self._single(target(reference, self._root, "the schema"))
        for word in ("anyOf", "oneOf", "allOf"):
            for each in part.get(word, ()):
                yield from self._single(each)

    @cached_property
    def properties(self) -> Mapping[str, Inside]:
        """Of objects, by name."""
        names = dict.fromkeys(name for part in self._parts for name in part.get("properties", ()))
        return {
            name: Inside((part.get("properties", {}).get(name) for part in self._parts), self._root)
            for name in names
        }

    @cached_property
    def others(self) -> Inside:
        """Whatever else stands in objects, such as the values of a map."""
        patterns = (part.get("patternProperties", {}).values() for part in self._parts)
        rest = [part.get("additionalProperties") for part in self._parts]
        return Inside([*rest, *(one for each in patterns for one in each)], self._root)

    @cached_property
    def items(self) -> Inside:
        """The items of lists."""
        first = (one for part in self._parts for one in part.get("prefixItems", ()))
        return Inside([*(part.get("items") for part in self._parts), *first], self._root)


def strangers(known: Inside, stored: Any, fitting: Sequence[Any]) -> Iterator[tuple[Path, Any]]:
    """What stands under names that a schema does not know, and where below the value.

    Args:
        known: What the schema says of the value.
        stored: The value as it is stored.
        fitting: What the schema makes of it; several where that cannot be told apart.
    """
    if any(stored == one for one in fitting):
        return
    if is_object(stored):
        there = [one for one in fitting if is_object(one)]
        if there or not fitting:  # else a validator has made something else of it
            yield from _of_object(known, stored, there)
    elif is_list(stored):
        yield from _of_list(known, stored, [one for one in fitting if is_list(one)])


def _of_object(known: Inside, stored: Json, fitting: Sequence[Json]) -> Iterator[tuple[Path, Any]]:
    for key, value in stored.items():
        inside = known.properties.get(key)
        below = [one[key] for one in fitting if key in one]
        if inside is not None or below:
            for path, found in strangers(inside or known.others, value, below):
                yield (key, *path), found
        elif value not in (None, [], {}):
            yield (key,), value


def _of_list(
    known: Inside, stored: list[Any], fitting: Sequence[list[Any]]
) -> Iterator[tuple[Path, Any]]:
    together = len(fitting) == 1 and len(fitting[0]) == len(stored)
    every = [item for one in fitting for item in one]
    for at, value in enumerate(stored):
        below = [fitting[0][at]] if together else every
        for path, found in strangers(known.items, value, below):
            yield (at, *path), found
