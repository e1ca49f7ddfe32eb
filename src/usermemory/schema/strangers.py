"""Properties that a schema does not know, at any depth of a stored value."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from usermemory.errors import SchemaError
from usermemory.schema.shape import is_list, is_object, target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from usermemory.schema.shape import Json

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
