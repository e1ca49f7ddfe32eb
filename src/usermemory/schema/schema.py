"""A schema of profiles, whatever it was written in."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import math
import re
import sys
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typing_extensions
from pydantic import AliasChoices, BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import to_jsonable_python

from usermemory.errors import InvalidDocument, InvalidInput, SchemaError, did_you_mean
from usermemory.schema.answer_form import change_schema
from usermemory.schema.document import ASIDE, Reading, read
from usermemory.schema.fields import Field, field_from
from usermemory.schema.form import kept_all, ordered, without_defaults
from usermemory.schema.reading import (
    PlainReader,
    Reader,
    TypedReader,
    Unreadable,
    WithOldNames,
    called,
    modern,
)
from usermemory.schema.shape import (
    Inside,
    Json,
    Path,
    are_texts,
    canonical,
    is_list,
    is_object,
    placed,
    rooted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Schema:
    """The fields of a profile, and how documents of it are judged, loaded and dumped.

    Documents are JSON objects that hold every field: single values may be null, lists, maps and
    objects may be empty. A field that the source requires may be missing for as long as nobody
    has said it.

    Attributes:
        name: The source's name.
        fields: By name, in the source's order.
        json_schema: The source as JSON Schema.
        inside: What the source says of the inside of each field's value.
        old_names: What fields were called before (`Remember.was`), and what they are called now.
        renames: Whether a field or a property was called otherwise before.
        fingerprint: Changes when the names or types of fields do; the same in every process.
    """

    def __init__(self, json_schema: Mapping[str, Any], reader: Reader, source: Any = None) -> None:
        self.json_schema = json_schema
        self._source = source
        self.name = str(json_schema.get("title", "Profile"))
        self._reader = reader
        self._placed = placed(dict(json_schema))
        self._holds_sets = "uniqueItems" in canonical(self._placed)
        needed = json_schema.get("required", ())
        self.fields: Mapping[str, Field] = MappingProxyType(
            {
                name: field_from(name, part, json_schema, required=name in needed)
                for name, part in json_schema.get("properties", {}).items()
            }
        )
        if ASIDE in self.fields:
            raise SchemaError(f"field {ASIDE!r}: values are set aside there, give it another name")
        self.inside: Mapping[str, Inside] = {
            name: Inside([part], json_schema)
            for name, part in json_schema.get("properties", {}).items()
        }
        self.old_names = _old_names(self.fields)
        self.renames = any(map(_renames, self.fields.values()))
        outline = {name: _outline(field) for name, field in self.fields.items()}
        digest = hashlib.sha256(canonical(outline).encode()).hexdigest()
        self.fingerprint = f"{_OUTLINE_VERSION}:{digest[:16]}"
        self._change_schemas = {
            caps: change_schema(self.fields, caps=caps) for caps in (True, False)
        }
        try:
            self.empty()
        except InvalidDocument as error:
            raise SchemaError(f"{self.name} refuses an empty profile: {error}") from error

    def __repr__(self) -> str:
        return f"Schema({self.name}: {', '.join(self.fields)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its source; where another process could not import that, as JSON Schema."""
        return _again, (self._source if _importable(self._source) else dict(self.json_schema),)

    def __deepcopy__(self, _: Any) -> Schema:
        """It never changes: a copy is the same."""
        return self

    def empty(self) -> Json:
        """The document of a user of whom nothing is known; defaults are filled in."""
        return self.validate({})

    def validate(self, document: Mapping[str, Any]) -> Json:
        """Coerce a document.

        Args:
            document: Field names to JSON values; missing fields get their defaults.

        Returns:
            A document with every field.

        Raises:
            InvalidDocument: Names the field that does not fit.
        """
        return self.judged(document)[1]

    def load(self, document: Mapping[str, Any]) -> Any:
        """The document as an instance of the source's own type.

        While something that the source requires is missing, the instance is of a subclass in
        which that is null or empty. TypedDicts and JSON Schemas load as dicts. What an older
        schema left behind and this one refuses is left out.
        """
        return self.read(document).value

    def dump(self, value: Any) -> Json:
        """The JSON document of an instance or dict, validated."""
        # A dict may hold lists, whose order says something, where an instance holds sets.
        given = value if is_object(value) else None
        written = to_jsonable_python(value) if given is not None else self._reader.write(value)
        return self.validate(ordered(self._placed, given, written))

    def read(self, stored: Mapping[str, Any]) -> Reading:
        """What of a stored document fits this schema, item by item, and what does not."""
        return read(self, stored)

    def without_defaults(self, document: Mapping[str, Any], heard_of: Iterable[str]) -> Json:
        """The document as it is shown to people and models; fields of another schema as they are.

        Args:
            document: As this schema keeps it.
            heard_of: Fields of which something was learned or edited: of another one, an object
                that may be null is null where it holds nothing but its own defaults.
        """
        unsaid = self.fields.keys() & document.keys() - {*heard_of}
        shown = {name: without_defaults(self.fields[name], document[name]) for name in unsaid}
        return {**document, **shown}

    def check_name(self, field: str, document: Mapping[str, Any]) -> None:
        """See that a field, or the one a JSON pointer leads into, is in schema or document.

        Raises:
            InvalidInput: It is neither; says which there are, and which may be meant.
        """
        field = field[1:].partition("/")[0] if field.startswith("/") else field
        if field in {*self.fields, *document}:
            return
        meant = did_you_mean(field, [*self.fields, *document])
        known = ", ".join(self.fields)
        raise InvalidInput(f"the profile has no field {field!r}{meant}; it has {known}")

    def change_schema(self, *, caps: bool = True) -> Json:
        """The JSON Schema of the change list that a model fills in; the same bytes every time.

        Args:
            caps: False leaves out the lengths and bounds that some strict modes refuse.
        """
        return copy.deepcopy(self._change_schemas[caps])

    def judged(self, document: Mapping[str, Any]) -> tuple[Any, Json]:
        """The source's own instance of a document, and what documents keep of it.

        Raises:
            InvalidDocument: As `validate`.
        """
        unknown = [name for name in document if name not in self.fields]
        if unknown and not self.json_schema.get("additionalProperties"):
            meant = did_you_mean(unknown[0], self.fields)
            raise Unreadable([((unknown[0],), f"{self.name} has no such field{meant}")])
        given = dict(document) | {
            name: value
            for name, value in kept_all(self.fields, document).items()
            if name in document
        }
        instance = self._reader.read(self.fields, given)
        dumped = self._reader.write(instance)
        if self._holds_sets:
            dumped = ordered(self._placed, given, dumped)
        # What came back as it went in has its form already, and was taken rightly.
        same = {name for name in self.fields if _same(name, dumped, given)}
        anew = {name: field for name, field in self.fields.items() if name not in same}
        kept = dumped | kept_all(anew, dumped)
        changed = {name: value for name, value in kept.items() if name not in same}
        if wrong := list(_taken_wrongly(given, changed)):
            raise Unreadable(wrong)
        return instance, kept


_BARE_NUMBER = re.compile(r"\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s*")
_MOMENT = re.compile(r"[-+]?\d+-\d\d-\d\d|\d\d:\d\d|[-+]?P")
"""The beginning of a date, a time or a span of time, as JSON has them."""


def _taken_wrongly(given: Any, kept: Any, place: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where a document holds what it was not given, or what JSON has not, and why that is."""
    if is_object(kept):
        for key, part in kept.items():
            one = given.get(key) if is_object(given) else None
            yield from _taken_wrongly(one, part, (*place, key))
    elif is_list(kept):
        for index, (one, part) in enumerate(zip_longest(given if is_list(given) else (), kept)):
            if not isinstance(part, str) or part != one:
                yield from _taken_wrongly(one, part, (*place, index))
    elif isinstance(kept, float) and not math.isfinite(kept):
        yield place, "JSON has no such number"
    elif isinstance(kept, str) and _MOMENT.match(kept) and _BARE_NUMBER.fullmatch(str(given)):
        # Pydantic takes "5" for five seconds after the beginning of 1970.
        yield place, "a date or time is written as ISO 8601 does, not as a bare number"
    elif isinstance(given, bool) and isinstance(kept, int | float) and kept is not given:
        yield place, "true and false are no numbers"


def _same(name: str, dumped: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether a list of texts came back from the reader as it was given."""
    if name not in dumped or name not in given:
        return False
    after, before = dumped[name], given[name]
    return is_list(after) and after == before and are_texts(after)


def _again(source: Any) -> Schema:
    """A schema from what it was pickled by."""
    return schema_of(source)


def _importable(source: Any) -> bool:
    """Whether another process finds this class by its name."""
    module = sys.modules.get(getattr(source, "__module__", ""))
    found: Any = module
    for step in getattr(source, "__qualname__", "").split("."):
        found = getattr(found, step, None)
    return found is not None and found is source


_OUTLINE_VERSION = 2
"""Of how fingerprints are made; those of version 1 are plain digests."""


def _outline(field: Field) -> Json:
    """A field by its kind and the types of its values: what decides whether stored values fit."""
    schema = field.value_schema
    found: Json = {"kind": field.kind, "type": schema.get("type", "")}
    if "enum" in schema:
        found["enum"] = sorted(map(canonical, schema["enum"]))
    if field.keys:
        found["keys"] = {name: _outline(key) for name, key in field.keys.items()}
    return found


def _old_names(fields: Mapping[str, Field]) -> dict[str, str]:
    """Old names of fields; `SchemaError` for one that is a field of today, or was two."""
    found: dict[str, str] = {}
    for name, field in fields.items():
        _old_names(field.keys)
        for old in field.settings.was:
            if old in fields:
                raise SchemaError(f"field {name!r}: was names {old!r}, which is a field of its own")
            if old in found:
                raise SchemaError(
                    f"fields {found[old]!r} and {name!r} cannot both have been {old!r}"
                )
            found[old] = name
    return found


def _renames(field: Field) -> bool:
    return bool(field.settings.was) or any(map(_renames, field.keys.values()))


def schema_of(source: Any) -> Schema:
    """The schema of a profile.

    Args:
        source: A Pydantic model class, a dataclass, a TypedDict, a JSON Schema dict, or a Schema.

    Raises:
        SchemaError: Names the field that a model cannot be asked for.
    """
    if isinstance(source, Schema):
        return source
    if is_object(source):
        return _plain(rooted(source))
    if inspect.isclass(source) and (
        issubclass(source, BaseModel)
        or dataclasses.is_dataclass(source)
        or typing_extensions.is_typeddict(source)
    ):
        return _typed(source)
    raise SchemaError(
        f"{source!r} is no schema: pass a Pydantic model class, a dataclass, a TypedDict or a "
        "JSON Schema dict"
    )


def _plain(schema: dict[str, Any]) -> Schema:
    from jsonschema import SchemaError as Malformed

    if not isinstance(schema.get("properties"), dict):
        raise SchemaError("a JSON Schema of profiles is an object with 'properties'")
    try:
        reader = PlainReader(placed(schema))
    except Malformed as error:
        place = ".".join(str(step) for step in error.absolute_path) or "the schema"
        raise SchemaError(f"{place}: {error.message}") from error
    return Schema(schema, reader)


def _typed(source: Any) -> Schema:
    original = source
    try:
        source = modern(source)
        adapter = TypeAdapter[Any](source)
        kept = rooted(adapter.json_schema(mode="serialization", schema_generator=WithOldNames))
        given = rooted(adapter.json_schema(mode="validation"))
        aliases = _read_as(source)
        reader = TypedReader(source, {name: names[0] for name, names in aliases.items()})
    except (NameError, PydanticUserError) as error:
        raise SchemaError(f"{source.__name__}: {error}") from error
    computed = {name for name, part in _properties(kept).items() if part.get("readOnly")}
    kept["properties"] = {
        name: part for name, part in _properties(kept).items() if name not in computed
    }
    for name, names in aliases.items():
        if name in kept["properties"]:
            part = kept["properties"][name]
            kept["properties"][name] = called(part, (one for one in names if one != name))
    readable = {aliases.get(name, (name,))[0] for name in kept["properties"]}
    for name in readable ^ _properties(given).keys():
        raise SchemaError(
            f"field {name!r} is not read under the name it is written: give it one alias, and "
            "do not exclude it"
        )
    for name, part in kept["properties"].items():
        if part.get("writeOnly"):
            raise SchemaError(
                f"field {name!r} hides its value when it is written: use a plain type"
            )
    return Schema(kept, reader, original)


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def _read_as(source: Any) -> dict[str, tuple[str, ...]]:
    """The fields that Pydantic reads under other names than it writes: those names.

    A field that got ``validation_alias="city"`` was called so before: the same as
    ``Remember(was="city")``.
    """
    infos = getattr(source, "model_fields", None) or getattr(source, "__pydantic_fields__", {})
    found: dict[str, tuple[str, ...]] = {}
    for name, info in infos.items():
        written = info.serialization_alias or info.alias or name
        alias = info.validation_alias or info.alias or name
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        names = tuple(choice for choice in choices if isinstance(choice, str))
        if names and names != (written,):
            found[written] = names
    return found
