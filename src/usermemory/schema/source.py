"""Make a schema from whatever a team already has."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import typing_extensions
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError

from usermemory.errors import SchemaError
from usermemory.schema.reading import PlainReader, TypedReader
from usermemory.schema.schema import Schema
from usermemory.schema.shape import is_object, placed, rooted
from usermemory.schema.typed_dict import modern


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
    try:
        source = modern(source)
        adapter = TypeAdapter[Any](source)
        kept = rooted(adapter.json_schema(mode="serialization"))
        given = rooted(adapter.json_schema(mode="validation"))
        reader = TypedReader(source)
    except (NameError, PydanticUserError) as error:
        raise SchemaError(f"{source.__name__}: {error}") from error
    computed = {name for name, part in _properties(kept).items() if part.get("readOnly")}
    kept["properties"] = {
        name: part for name, part in _properties(kept).items() if name not in computed
    }
    for name in kept["properties"].keys() ^ _properties(given).keys():
        raise SchemaError(
            f"field {name!r} is not read under the name it is written: give it one alias, and "
            "do not exclude it"
        )
    for name, part in kept["properties"].items():
        if part.get("writeOnly"):
            raise SchemaError(
                f"field {name!r} hides its value when it is written: use a plain type"
            )
    return Schema(kept, reader)


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    return properties
