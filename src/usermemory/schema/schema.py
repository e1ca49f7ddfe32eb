"""A schema of profiles, whatever it was written in."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from usermemory.errors import InvalidDocument, SchemaError
from usermemory.schema.change_schema import change_schema
from usermemory.schema.field import Field, field_of
from usermemory.schema.form import kept_all, ordered
from usermemory.schema.reading import Misfit, Reader
from usermemory.schema.shape import Json, canonical, is_object, placed

if TYPE_CHECKING:
    from collections.abc import Mapping


class Schema:
    """The fields of a profile, and how documents of it are judged, loaded and dumped.

    Documents are JSON objects that hold every field: single values may be null, lists, maps and
    objects may be empty. A field that the source requires may be missing for as long as nobody
    has said it.

    Attributes:
        name: The source's name.
        fields: By name, in the source's order.
        json_schema: The source as JSON Schema.
        fingerprint: Changes when a field does; the same in every process.
    """

    def __init__(self, json_schema: Mapping[str, Any], reader: Reader) -> None:
        self.json_schema = json_schema
        self.name = str(json_schema.get("title", "Profile"))
        self._reader = reader
        self._placed = placed(dict(json_schema))
        needed = json_schema.get("required", ())
        self.fields: Mapping[str, Field] = MappingProxyType(
            {
                name: field_of(name, part, json_schema, required=name in needed)
                for name, part in json_schema.get("properties", {}).items()
            }
        )
        described = [(name, _described(field)) for name, field in self.fields.items()]
        self.fingerprint = hashlib.sha256(canonical(described).encode()).hexdigest()[:16]
        self._change_schemas = {
            caps: change_schema(self.fields, caps=caps) for caps in (True, False)
        }
        try:
            self.empty()
        except InvalidDocument as error:
            raise SchemaError(f"{self.name} refuses an empty profile: {error}") from error

    def __repr__(self) -> str:
        return f"Schema({self.name}: {', '.join(self.fields)})"

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
        return self._read(document)[1]

    def load(self, document: Mapping[str, Any]) -> Any:
        """The document as an instance of the source's own type.

        While something that the source requires is missing, the instance is of a subclass in
        which that is null or empty. TypedDicts and JSON Schemas load as dicts. What an older
        schema left behind and this one refuses is left out.
        """
        return self._read(self.adopt(document)[0])[0]

    def dump(self, value: Any) -> Json:
        """The JSON document of an instance or dict, validated."""
        # A dict may hold lists, whose order says something, where an instance holds sets.
        given = value if is_object(value) else None
        written = to_jsonable_python(value) if given is not None else self._reader.write(value)
        return self.validate(ordered(self._placed, given, written))

    def adopt(self, document: Mapping[str, Any]) -> tuple[Json, Json]:
        """Fit a document that was written under another schema.

        Returns:
            What is valid here as a document, and by name what is not: unknown fields, and values
            that this schema refuses.
        """
        fitting = {name: document[name] for name in document if name in self.fields}
        while True:
            try:
                adopted = self.validate(fitting)
            except Misfit as error:
                kept = {name: fitting[name] for name in fitting if name not in error.fields}
                fitting = kept if len(kept) < len(fitting) else {}
            else:
                return adopted, {name: document[name] for name in document if name not in fitting}

    def change_schema(self, *, caps: bool = True) -> Json:
        """The JSON Schema of the change list that a model fills in; the same bytes every time.

        Args:
            caps: False leaves out the lengths and bounds that some strict modes refuse.
        """
        return copy.deepcopy(self._change_schemas[caps])

    def _read(self, document: Mapping[str, Any]) -> tuple[Any, Json]:
        unknown = [name for name in document if name not in self.fields]
        if unknown and not self.json_schema.get("additionalProperties"):
            raise Misfit([((unknown[0],), f"{self.name} has no such field")])
        given = dict(document) | {
            name: value
            for name, value in kept_all(self.fields, document).items()
            if name in document
        }
        instance = self._reader.read(self.fields, given)
        dumped = ordered(self._placed, given, self._reader.write(instance))
        return instance, dumped | kept_all(self.fields, dumped)


def _described(field: Field) -> Json:
    plain = {f.name: getattr(field, f.name) for f in dataclasses.fields(field)}
    return plain | {
        "settings": dataclasses.asdict(field.settings),
        "keys": {name: _described(key) for name, key in field.keys.items()},
    }
